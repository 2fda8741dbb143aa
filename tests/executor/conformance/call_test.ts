/** What an executor says of itself: ids, heartbeats, messages. */
import { assert, assertEquals } from "@std/assert";
import { CODECS, HttpWorld } from "../../support/http_world.ts";

const MINUTE_MS = 60_000;
const INTERVAL_MS = 30 * MINUTE_MS;

function heartbeatsOf({ agent }: HttpWorld): number {
  return agent.calls.filter(({ type }) => type === "HEARTBEAT").length;
}

for (const codec of CODECS) {
  Deno.test(`call: each says whose it is (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    await world.running("one");
    await world.idle();
    await world.until(
      "a heartbeat",
      () => heartbeatsOf(world) === 1,
      MINUTE_MS,
    );
    for (const { call } of agent.calls) {
      assertEquals(call?.executor_id.value, "exec-1");
      assertEquals(call?.framework_id.value, "fw-1");
    }
    assertEquals(agent.violations, []);
  });

  Deno.test(`call: a heartbeat every half hour, refused or not (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, clock } = world;
    const startMs = clock.monotonicMs();
    // An agent before 1.8 does not know them.
    agent.faults.respond("HEARTBEAT", { status: 400, times: 2 });
    for (let count = 1; count <= 3; count++) {
      await world.until(
        `heartbeat ${count}`,
        () => heartbeatsOf(world) === count,
        MINUTE_MS,
      );
      await world.idle();
      const tookMs = clock.monotonicMs() - startMs;
      assert(tookMs < count * (INTERVAL_MS + 5 * MINUTE_MS), `${tookMs} ms`);
      assert(tookMs >= count * INTERVAL_MS, `${tookMs} ms`);
    }
    assertEquals(agent.subscriptions, 1);
    assertEquals(world.departure, undefined);
    await world.running("one");
    assertEquals(agent.violations, []);
  });

  Deno.test(`call: a heartbeat whose answer breaks off is none (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    agent.faults.respond("HEARTBEAT", { status: 503, cut: true });
    await world.until(
      "a heartbeat",
      () => heartbeatsOf(world) === 1,
      MINUTE_MS,
    );
    await world.idle();
    assertEquals(world.failures, []);
    assertEquals(agent.violations, []);
  });

  Deno.test(`call: a message that makes no sense is passed over (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    for (const data of ["", "hi", "\xff\xfe", '{"Type":', "[]"]) {
      agent.sendMessage(data);
    }
    await world.running("one");
    assertEquals(agent.messages, []);
    assertEquals(agent.subscriptions, 1);
    assertEquals(agent.violations, []);
  });

  Deno.test(`call: a message of the scheduler is answered by one (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    await world.running("one");
    const message = {
      Id: 7,
      Type: 10,
      TaskGroupId: "group",
      TaskID: { value: "nobody" },
      ReloadTask: {},
    };
    agent.sendMessage(
      new TextEncoder().encode(JSON.stringify(message)).toBase64(),
    );
    await world.until("an answer", () => agent.messages.length === 1);
    const { Id, Type, Status } = JSON.parse(agent.messages[0] ?? "");
    assertEquals({ Id, Type, Status }, { Id: 7, Type: 10, Status: "failed" });
    assertEquals(agent.violations, []);
  });
}
