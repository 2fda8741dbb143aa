/** A daemon that breaks off: its words are cut by a server made for that. */
import { assert, assertEquals } from "@std/assert";
import { AppError } from "../../shared/errors.ts";
import { ManagerClient } from "../../shared/manager_api/client.ts";
import { tempDir } from "../support/temp_dir.ts";

/** Answers one connection with a text, then closes it. */
async function answerOnce(
  listener: Deno.UnixListener,
  text: string,
): Promise<void> {
  using connection = await listener.accept();
  await connection.read(new Uint8Array(65_536));
  await connection.write(new TextEncoder().encode(text));
}

for (
  const [where, text] of [
    ["before its answer", ""],
    ["amid the head of its answer", "HTTP/1.1 200 OK\r\nContent-"],
    [
      "amid its answer",
      'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"result":true,',
    ],
    [
      "amid an answer in chunks",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{" +
      '"res\r\n',
    ],
  ] as const
) {
  Deno.test(`ManagerClient calls a daemon away that ends ${where}`, async () => {
    await using dir = await tempDir();
    const path = `${dir.path}/socket`;
    using listener = Deno.listen({ transport: "unix", path });
    const client = new ManagerClient(path);
    const answered = answerOnce(listener, text);
    const error = await client.status("one").catch((error) => error);
    assert(error instanceof AppError, String(error));
    assertEquals(error.code, "UNAVAILABLE");
    await answered;
    client.close();
  });
}

Deno.test("ManagerClient waits for a stop of a year", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/socket`;
  using listener = Deno.listen({ transport: "unix", path });
  const client = new ManagerClient(path);
  let isOver = false;
  const stopped = client.stop("one", 31_536_000).finally(() => isOver = true);
  using connection = await listener.accept();
  await connection.read(new Uint8Array(65_536));
  // A timer that cannot hold its time is over within a millisecond.
  await new Promise((resolve) => setTimeout(resolve, 100));
  assertEquals(isOver, false);
  const body = '{"result":true,"code":0,"message":"success","data":null}';
  await connection.write(new TextEncoder().encode(
    `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  ));
  await stopped;
  client.close();
});

for (
  const [what, head, read] of [
    [
      "events",
      "content-type: text/event-stream\r\n",
      (client: ManagerClient) => client.follow(0, new AbortController().signal),
    ],
    [
      "a log",
      "log-start: 0\r\n",
      (client: ManagerClient) =>
        client.followLogs(
          "one",
          { stream: "stdout" },
          new AbortController().signal,
        ),
    ],
  ] as const
) {
  Deno.test(`ManagerClient calls a daemon away that ends amid ${what}`, async () => {
    await using dir = await tempDir();
    const path = `${dir.path}/socket`;
    using listener = Deno.listen({ transport: "unix", path });
    const client = new ManagerClient(path);
    const answered = answerOnce(
      listener,
      `HTTP/1.1 200 OK\r\n${head}Transfer-Encoding: chunked\r\n\r\n5\r\n: hi\n`,
    );
    const parts = await read(client);
    await answered;
    const error = await Array.fromAsync<unknown>(parts).catch((error) => error);
    assert(error instanceof AppError, String(error));
    assertEquals(error.code, "UNAVAILABLE");
    client.close();
  });
}

Deno.test("ManagerClient says in short why there is no daemon", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/socket`;
  const client = new ManagerClient(path);
  const error = await client.list().catch((error) => error);
  assertEquals(
    error.message,
    `Cannot reach the process daemon on ${path}: ` +
      "No such file or directory (os error 2)",
  );
  client.close();
});
