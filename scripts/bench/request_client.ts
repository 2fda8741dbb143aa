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

/** Reads one answer; returns how many bytes it has. */
async function measureAnswer(connection: Deno.Conn): Promise<number> {
  const buffer = new Uint8Array(64 * 1024);
  let length = 0;
  while (true) {
    length += await connection.read(buffer.subarray(length)) ?? 0;
    const text = new TextDecoder().decode(buffer.subarray(0, length));
    const body = text.indexOf("\r\n\r\n") + 4;
    const size = /^content-length: (\d+)\r$/im.exec(text)?.[1];
    if (body < 4 || length < body + Number(size)) continue;
    if (!text.startsWith("HTTP/1.1 200 ")) throw new Error(text);
    return length;
  }
}

/** Asks until the end; returns how often. All answers are of one length. */
async function ask(connection: Deno.Conn, endMs: number): Promise<number> {
  await connection.write(request);
  const length = await measureAnswer(connection);
  const buffer = new Uint8Array(length + 1);
  let count = 0;
  while (performance.now() < endMs) {
    await connection.write(request);
    let left = length;
    while (left > 0) left -= await connection.read(buffer) ?? left;
    if (left < 0) throw new Error("an answer is longer than the first one");
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
