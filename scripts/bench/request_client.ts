/**
 * Asks for the same thing again and again, on connections that are kept, and
 * prints how many answers came in a second. A program of its own, so that it
 * shares no thread with what it measures; and no more than sockets, so that it
 * is not itself what is measured.
 *
 * Usage: request_client.ts SOCKET PATH CONNECTIONS SECONDS
 */
const [path = "", target = "", connections = "1", seconds = "1"] = Deno.args;
const request = new TextEncoder().encode(
  `GET ${target} HTTP/1.1\r\nHost: daemon\r\n\r\n`,
);

const decoder = new TextDecoder();

/** Asks once, and takes the whole answer, which is as long as it says. */
async function askOnce(
  connection: Deno.Conn,
  buffer: Uint8Array<ArrayBuffer>,
): Promise<void> {
  await connection.write(request);
  let length = 0;
  let whole = Infinity;
  while (length < whole) {
    length += await connection.read(buffer.subarray(length)) ?? NaN;
    if (whole < Infinity) continue;
    const text = decoder.decode(buffer.subarray(0, length));
    const head = text.indexOf("\r\n\r\n");
    if (head < 0) continue;
    if (!text.startsWith("HTTP/1.1 200 ")) throw new Error(text);
    whole = head + 4 + Number(/^content-length: (\d+)\r$/im.exec(text)?.[1]);
  }
  if (length !== whole) throw new Error("this is not one answer");
}

/** Asks until the end; returns how often. */
async function ask(connection: Deno.Conn, endMs: number): Promise<number> {
  const buffer = new Uint8Array(64 * 1024);
  let count = 0;
  while (performance.now() < endMs) {
    await askOnce(connection, buffer);
    count++;
  }
  return count;
}

const opened = await Promise.all(Array.from(
  { length: Number(connections) },
  () => Deno.connect({ transport: "unix", path }),
));
const startMs = performance.now();
const endMs = startMs + Number(seconds) * 1000;
const counts = await Promise.all(opened.map((each) => ask(each, endMs)));
const total = counts.reduce((sum, count) => sum + count, 0);
const text = String(total / (performance.now() - startMs) * 1000);
Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
for (const connection of opened) connection.close();
