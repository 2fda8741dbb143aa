import { assertEquals } from "@std/assert";
import { streamEvents } from "../../../daemon/api/event_stream.ts";
import { EventHub } from "../../../daemon/supervisor/event_hub.ts";
import type { ProcessEvent } from "../../../shared/manager_api/types.ts";
import { record } from "../lifecycle/records.ts";
import { toStatus } from "../../../daemon/lifecycle/status.ts";

function event(seq: number): ProcessEvent {
  return {
    Seq: seq,
    Time: 1_000,
    Id: "p\nid: 99",
    Cause: "test",
    Status: toStatus(record({ state: "staging" })),
  };
}

/** Holds so many events, and hands them out in pieces as the store does. */
function storeOf(count: number) {
  const events = Array.from({ length: count }, (_, index) => event(index + 1));
  return {
    eventsAfter: (seq: number, limit: number) =>
      events.filter(({ Seq }) => Seq > seq).slice(0, limit),
  };
}

async function readIds(response: Response, count: number): Promise<number[]> {
  const reader = response.body?.pipeThrough(new TextDecoderStream())
    .getReader();
  // Every event is enqueued as one piece.
  const ids: number[] = [];
  while (ids.length < count) {
    const piece = (await reader?.read())?.value ?? "";
    const id = /^id: (\d+)$/m.exec(piece)?.[1];
    if (id !== undefined) ids.push(Number(id));
  }
  await reader?.cancel();
  return ids;
}

Deno.test("streamEvents() sends the stored, then the live, without gap", async () => {
  const hub = new EventHub();
  const response = streamEvents({ store: storeOf(1_234), hub, after: 3 });
  hub.publish(event(1_235));
  hub.publish(event(1_236));
  assertEquals(
    await readIds(response, 1_233),
    Array.from({ length: 1_233 }, (_, index) => index + 4),
  );
});

Deno.test("streamEvents() stops following a client that went away", async () => {
  const hub = new EventHub();
  const response = streamEvents({ store: storeOf(0), hub, after: 0 });
  await response.body?.cancel();
  // Sending to a closed stream would throw.
  hub.publish(event(1));
});

Deno.test("streamEvents() lets go of a client that reads nothing", async () => {
  const hub = new EventHub();
  const response = streamEvents({ store: storeOf(0), hub, after: 0 });
  for (let seq = 1; seq <= 30_000; seq++) hub.publish(event(seq));
  const text = await response.text();
  const ids = (text.match(/^id: \d+$/gm) ?? []).length;
  assertEquals(ids > 1_000 && ids < 30_000, true, `${ids}`);
});

Deno.test("streamEvents() sends all that a store keeps", async () => {
  const hub = new EventHub();
  const response = streamEvents({ store: storeOf(10_000), hub, after: 0 });
  hub.publish(event(10_001));
  assertEquals((await readIds(response, 10_001)).at(-1), 10_001);
});

Deno.test("streamEvents() ends when the daemon leaves", async () => {
  const hub = new EventHub();
  const response = streamEvents({ store: storeOf(2), hub, after: 0 });
  hub.close();
  const text = await response.text();
  assertEquals(text.match(/^id: \d+$/gm), ["id: 1", "id: 2"]);
  hub.publish(event(3));
});
