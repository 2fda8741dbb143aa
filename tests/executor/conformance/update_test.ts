/** Updates: each arrives, once, in order, whatever fails on the way. */
import { assert, assertEquals } from "@std/assert";
import { CODECS, HttpWorld } from "../../support/http_world.ts";

const ALL = ["TASK_STARTING", "TASK_RUNNING", "TASK_KILLED"] as const;

/** How many different updates were sent, and how many calls that took. */
function sendsOf({ agent }: HttpWorld): { uuids: number; calls: number } {
  const uuids = agent.calls.flatMap(({ call }) =>
    call?.update?.status.uuid ?? []
  );
  return { uuids: new Set(uuids).size, calls: uuids.length };
}

async function killed(world: HttpWorld): Promise<void> {
  world.agent.kill("one");
  await world.untilLeft();
  assertEquals(world.exitCode, 0);
  assertEquals(world.statesOf("one"), [...ALL]);
  assertEquals(world.daemon.ids, []);
  assertEquals(world.agent.violations, []);
}

for (const codec of CODECS) {
  Deno.test(`update: 503 after SUBSCRIBED is tried again (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    agent.faults.respond("UPDATE", {
      status: 503,
      body: "Agent has not finished recovery",
      times: 5,
    });
    await world.running("one");
    assertEquals(sendsOf(world), { uuids: 2, calls: 7 });
    assertEquals(agent.subscriptions, 1);
    await killed(world);
  });

  Deno.test(`update: a lost 202 is no second update (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    world.agent.faults.respond("UPDATE", { drop: "unanswered", times: 3 });
    await world.running("one");
    await killed(world);
    assertEquals(sendsOf(world).uuids, 3);
  });

  Deno.test(`update: a lost call is sent again (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    world.agent.faults.respond("UPDATE", { drop: "unhandled", times: 3 });
    await world.running("one");
    await killed(world);
    assertEquals(sendsOf(world).uuids, 3);
  });

  Deno.test(`update: an answer that breaks off is none (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    for (const status of [503, 403, 400]) {
      agent.faults.respond("UPDATE", { status, body: "Executor", cut: true });
    }
    await world.running("one");
    await killed(world);
    assertEquals(sendsOf(world).uuids, 3);
  });

  Deno.test(`update: what is not acknowledged comes again with SUBSCRIBE (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    agent.acks.lose(3);
    await world.running("one");
    agent.kill("one");
    await world.untilState("one", "TASK_KILLED");
    await world.advance(1_000);
    assertEquals(world.departure, undefined);
    assertEquals(world.daemon.ids, ["one"]);
    await agent.closeStream("drop");
    await world.untilLeft();
    assertEquals(world.exitCode, 0);
    assertEquals(world.statesOf("one"), [...ALL]);
    // The second time it came with SUBSCRIBE alone.
    assertEquals(sendsOf(world), { uuids: 3, calls: 3 });
    assertEquals(agent.violations, []);
  });

  Deno.test(`update: an acknowledgement may come twice (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    world.agent.acks.duplicate(10);
    await world.running("one");
    await killed(world);
  });

  Deno.test(`update: an unknown uuid acknowledges nothing (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    agent.acks.hold();
    await world.running("one");
    agent.acks.send("one", "AAAAAAAAAAAAAAAAAAAAAA==");
    agent.acks.send("nobody", "AAAAAAAAAAAAAAAAAAAAAA==");
    agent.kill("one");
    await world.untilState("one", "TASK_KILLED");
    await world.advance(1_000);
    assertEquals(world.departure, undefined);
    agent.acks.release();
    await world.untilLeft();
    assertEquals(agent.violations, []);
  });

  Deno.test(`update: acknowledgements may come out of order (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    agent.acks.hold();
    await world.running("one");
    agent.kill("one");
    await world.untilState("one", "TASK_KILLED");
    const uuids = agent.updates("one").map(({ status }) => status.uuid ?? "");
    for (const uuid of uuids.toReversed()) {
      assertEquals(world.departure, undefined);
      agent.acks.send("one", uuid);
      await world.advance(0);
    }
    await world.untilLeft();
    assertEquals(world.exitCode, 0);
    assertEquals(agent.violations, []);
  });

  Deno.test(`update: an agent that dies between 202 and acknowledgement gets it again (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    await world.running("one");
    agent.acks.hold();
    agent.kill("one");
    await world.untilState("one", "TASK_KILLED");
    const [{ status: before } = assertFails()] = agent.updates("one").slice(-1);
    await agent.restart({ recovering: true });
    await world.until(
      "refused",
      () => agent.calls.some(({ status }) => status === 503),
    );
    agent.finishRecovery();
    await world.until("subscribed anew", () => agent.subscriptions === 2);
    const carried = agent.calls.findLast(({ type }) => type === "SUBSCRIBE")
      ?.call?.subscribe?.unacknowledged_updates ?? [];
    assertEquals(carried.map(({ status }) => status), [before]);
    agent.acks.release();
    await world.untilLeft();
    assertEquals(world.exitCode, 0);
    assertEquals(agent.violations, []);
  });

  Deno.test(`update: "not subscribed" makes it subscribe anew (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    agent.faults.respond("UPDATE", {
      status: 403,
      body: "Executor is not subscribed",
    });
    await world.running("one");
    assertEquals(agent.subscriptions, 2);
    await killed(world);
  });

  Deno.test(`update: an agent that has forgotten us is left (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, daemon } = world;
    await world.running("one");
    agent.forgetExecutor();
    daemon.exit("one", 1);
    await world.untilLeft();
    assertEquals(world.exitCode, 5);
    assertEquals(daemon.aliveIds, []);
  });

  Deno.test(`update: every field is as the agent checks it (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, clock } = world;
    await world.running("one");
    await killed(world);
    const uuids = new Set<string>();
    for (const { status } of agent.updates("one")) {
      assertEquals(status.agent_id?.value, "agent-1");
      assertEquals(status.executor_id?.value, "exec-1");
      assertEquals(status.source, "SOURCE_EXECUTOR");
      assert((status.timestamp ?? 0) > clock.nowMs() / 1000 - 3_600);
      assert((status.timestamp ?? Infinity) <= clock.nowMs() / 1000);
      assert((status.message ?? "") !== "");
      assertEquals(status.healthy, undefined);
      assertEquals(status.container_status, undefined);
      assertEquals(Uint8Array.fromBase64(status.uuid ?? "").length, 16);
      uuids.add(status.uuid ?? "");
    }
    assertEquals(uuids.size, 3);
  });

  Deno.test(`update: the time is the event's, not that of sending (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, clock } = world;
    await world.running("one");
    await agent.stop();
    await world.advance(0);
    const endedAtMs = clock.nowMs();
    world.daemon.exit("one", 0);
    await world.advance(0);
    await world.advance(30_000);
    await agent.restart();
    await world.untilState("one", "TASK_FINISHED");
    const seconds = agent.updates("one").at(-1)?.status.timestamp ?? 0;
    assert(Math.abs(seconds * 1000 - endedAtMs) < 100, `${seconds}`);
    assertEquals(agent.violations, []);
  });

  Deno.test(`update: an executor that is over waits a minute for the last one (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, clock } = world;
    await world.running("one");
    agent.acks.hold();
    const startMs = clock.monotonicMs();
    agent.kill("one");
    await world.until("it has left", () => world.departure !== undefined, 500);
    assertEquals(world.exitCode, 0);
    const tookMs = clock.monotonicMs() - startMs;
    assert(tookMs >= 60_000 && tookMs < 70_000, `it took ${tookMs} ms`);
    assertEquals(world.timesLogged("left without every acknowledgement"), 1);
    assertEquals(agent.violations, []);
  });
}

function assertFails(): never {
  throw new Error("there is no update");
}
