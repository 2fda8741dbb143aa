import { assertEquals } from "@std/assert";
import type { ProcessEvent } from "../../shared/manager_api/types.ts";
import { TestDaemon } from "../support/test_daemon.ts";

/** Reads events up to one that fits, that one included. */
async function readUntil(
  daemon: TestDaemon,
  after: number | undefined,
  fits: (event: ProcessEvent) => boolean,
): Promise<ProcessEvent[]> {
  const aborter = new AbortController();
  const seen: ProcessEvent[] = [];
  for await (const event of await daemon.client.follow(after, aborter.signal)) {
    seen.push(event);
    if (fits(event)) break;
  }
  return seen;
}

function isDeleted(id: string) {
  return ({ Id, Cause }: ProcessEvent) => Id === id && Cause === "deleted";
}

async function runOnce(daemon: TestDaemon, id: string): Promise<void> {
  await daemon.create({ Id: id, StartCmd: "exit 0" });
  await daemon.waitForState(id, "stopped");
  await daemon.client.delete(id);
}

Deno.test("daemon tells the life of a process in order", async () => {
  await using daemon = await TestDaemon.start();
  await runOnce(daemon, "one");
  const events = await readUntil(daemon, 0, isDeleted("one"));
  assertEquals(events.map(({ Cause, Status }) => `${Cause} ${Status.Status}`), [
    "created staging",
    "prepared starting",
    "launched starting",
    "executed running",
    "ended stopped",
    "deleted stopped",
  ]);
  assertEquals(events.map(({ Seq }) => Seq), [1, 2, 3, 4, 5, 6]);
  assertEquals(await daemon.client.events(0), events);
});

Deno.test("daemon sends events from any point on, without gap", async () => {
  await using daemon = await TestDaemon.start();
  const ids = ["a", "b", "c", "d"];
  const live = readUntil(daemon, 0, isDeleted("d"));
  for (const id of ids) await runOnce(daemon, id);
  const all = await live;
  assertEquals(all.map(({ Seq }) => Seq), all.map((_, index) => index + 1));
  for (let after = 0; after < all.length; after++) {
    const rest = await readUntil(daemon, after, isDeleted("d"));
    assertEquals(rest, all.slice(after));
  }
});

Deno.test("daemon sends events on after a crash", async () => {
  await using daemon = await TestDaemon.start();
  await runOnce(daemon, "one");
  await daemon.restart();
  await runOnce(daemon, "two");
  const events = await readUntil(daemon, 6, isDeleted("two"));
  assertEquals(events.map(({ Seq }) => Seq), [7, 8, 9, 10, 11, 12]);
});

Deno.test("daemon sends only what is new unless asked for more", async () => {
  await using daemon = await TestDaemon.start();
  await runOnce(daemon, "one");
  const aborter = new AbortController();
  const events = await daemon.client.follow(undefined, aborter.signal);
  await runOnce(daemon, "two");
  for await (const { Id, Cause } of events) {
    assertEquals([Id, Cause], ["two", "created"]);
    break;
  }
});

Deno.test("daemon resumes a stream at Last-Event-ID", async () => {
  await using daemon = await TestDaemon.start();
  await runOnce(daemon, "one");
  const client = Deno.createHttpClient({
    proxy: { transport: "unix", path: daemon.socket },
  });
  const response = await fetch(
    "http://daemon/bcsapi/v1/processdaemon/events?after=0",
    {
      client,
      headers: { accept: "text/event-stream", "last-event-id": "4" },
    },
  );
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  const reader = response.body?.pipeThrough(new TextDecoderStream())
    .getReader();
  let text = "";
  while (!text.includes("id: 6")) text += (await reader?.read())?.value ?? "";
  await reader?.cancel();
  client.close();
  assertEquals(text.match(/^id: \d+$/gm), ["id: 5", "id: 6"]);
});
