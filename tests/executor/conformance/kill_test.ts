/** KILL: whatever a task is doing, it ends once, and in its time. */
import { assert, assertEquals } from "@std/assert";
import { CODECS, HttpWorld } from "../../support/http_world.ts";

const SECOND_NS = 1e9;

/** How long something takes, virtual ms. */
async function timed(
  { clock }: HttpWorld,
  act: () => Promise<void>,
): Promise<number> {
  const startMs = clock.monotonicMs();
  await act();
  return clock.monotonicMs() - startMs;
}

function assertAbout(tookMs: number, expectedMs: number): void {
  assert(
    tookMs >= expectedMs && tookMs < expectedMs + 1_000,
    `it took ${tookMs} ms, not ${expectedMs}`,
  );
}

for (const codec of CODECS) {
  Deno.test(`kill: before the launch it means nothing (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    agent.kill("one");
    await world.running("one");
    assertEquals(world.statesOf("one"), ["TASK_STARTING", "TASK_RUNNING"]);
    assertEquals(agent.violations, []);
  });

  Deno.test(`kill: while the daemon is away nothing is started (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({
      codec,
      prepare: ({ daemon }) => daemon.leave(),
    });
    const { agent, daemon } = world;
    agent.launch({ task_id: { value: "one" }, command: { value: "true" } });
    await world.untilState("one", "TASK_STARTING");
    agent.kill("one");
    await world.untilState("one", "TASK_KILLED");
    assert(world.clock.monotonicMs() < 1_000, `${world.clock.monotonicMs()}`);
    daemon.comeBack();
    await world.untilLeft();
    assertEquals(world.exitCode, 0);
    assertEquals(daemon.historyOf("one"), []);
    assertEquals(world.statesOf("one"), ["TASK_STARTING", "TASK_KILLED"]);
    assertEquals(agent.violations, []);
  });

  Deno.test(`kill: a task that starts never runs (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, daemon } = world;
    daemon.startMs = () => 60_000;
    agent.launch({ task_id: { value: "one" }, command: { value: "true" } });
    await world.until("asked", () => daemon.aliveIds.length === 1);
    agent.kill("one");
    await world.untilLeft();
    assertEquals(world.exitCode, 0);
    assertEquals(world.statesOf("one"), ["TASK_STARTING", "TASK_KILLED"]);
    assertEquals(daemon.ids, []);
    assertEquals(agent.violations, []);
  });

  Deno.test(`kill: the grace of the event comes first, then the task's, then 3 s (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, daemon } = world;
    daemon.obeys = () => false;
    const own = { grace_period: { nanoseconds: 5 * SECOND_NS } };
    const command = { value: "exec sleep 1000" };
    // So that the executor stays.
    await world.running("another");
    for (
      const [id, more, graceMs, expectedMs] of [
        ["event", { kill_policy: own }, 2_000, 2_000],
        ["task", { kill_policy: own }, undefined, 5_000],
        ["neither", {}, undefined, 3_000],
      ] as const
    ) {
      agent.launch({ task_id: { value: id }, command, ...more });
      await world.untilState(id, "TASK_RUNNING");
      const tookMs = await timed(world, async () => {
        agent.kill(id, graceMs);
        await world.untilState(id, "TASK_KILLED");
      });
      assertAbout(tookMs, expectedMs);
    }
    assertEquals(agent.violations, []);
  });

  Deno.test(`kill: a repeat shortens the grace and never lengthens it (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, daemon } = world;
    daemon.obeys = () => false;
    await world.running("shorter");
    await world.running("longer");
    const shorterMs = await timed(world, async () => {
      agent.kill("shorter", 100_000);
      await world.until(
        "stopping",
        () => daemon.historyOf("shorter").at(-1)?.Status === "stopping",
      );
      agent.kill("shorter", 2_000);
      await world.untilState("shorter", "TASK_KILLED");
    });
    assertAbout(shorterMs, 2_000);
    const longerMs = await timed(world, async () => {
      agent.kill("longer", 2_000);
      await world.until(
        "stopping",
        () => daemon.historyOf("longer").at(-1)?.Status === "stopping",
      );
      agent.kill("longer", 100_000);
      await world.untilState("longer", "TASK_KILLED");
    });
    assertAbout(longerMs, 2_000);
    assertEquals(agent.violations, []);
  });

  Deno.test(`kill: after its end, or of nobody, it means nothing (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, daemon } = world;
    await world.running("one");
    await world.running("two");
    daemon.exit("one", 0);
    await world.untilState("one", "TASK_FINISHED");
    agent.kill("one");
    agent.kill("nobody");
    await world.until(
      "heard",
      () => world.timesLogged("nothing to kill") === 2,
    );
    assertEquals(world.statesOf("one").at(-1), "TASK_FINISHED");
    assertEquals(world.statesOf("two").at(-1), "TASK_RUNNING");
    assertEquals(agent.violations, []);
  });

  Deno.test(`kill: TASK_KILLING is for frameworks that know it (${codec})`, async () => {
    for (const capabilities of [["TASK_KILLING_STATE"], ["MULTI_ROLE"]]) {
      await using world = await HttpWorld.subscribed({
        codec,
        agent: { capabilities },
      });
      const { agent } = world;
      await world.running("one");
      agent.kill("one");
      agent.kill("one");
      await world.untilLeft();
      assertEquals(world.statesOf("one"), [
        "TASK_STARTING",
        "TASK_RUNNING",
        ...(capabilities.includes("TASK_KILLING_STATE")
          ? ["TASK_KILLING" as const]
          : []),
        "TASK_KILLED",
      ]);
      assertEquals(agent.violations, []);
    }
  });

  Deno.test(`kill: one of a group ends the group (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, daemon } = world;
    await world.running("one", "two", "three");
    daemon.exit("two", 3);
    await world.untilLeft();
    assertEquals(world.statesOf("one").at(-1), "TASK_KILLED");
    assertEquals(world.statesOf("two").at(-1), "TASK_FAILED");
    assertEquals(world.statesOf("three").at(-1), "TASK_KILLED");
    assertEquals(daemon.ids, []);
    assertEquals(agent.violations, []);
  });

  Deno.test(`kill: a group with an invalid task is not begun (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, daemon } = world;
    agent.launchGroup([
      { task_id: { value: "good" }, command: { value: "exec sleep 1000" } },
      { task_id: { value: "bad" } },
    ]);
    await world.untilLeft();
    assertEquals(world.exitCode, 0);
    assertEquals(daemon.historyOf("good"), []);
    assertEquals(world.statesOf("good"), ["TASK_KILLED"]);
    assertEquals(world.statesOf("bad"), ["TASK_FAILED"]);
    const { status } = await agent.updateOf("bad", "TASK_FAILED");
    assertEquals(status.reason, "REASON_TASK_INVALID");
    assertEquals(agent.violations, []);
  });
}
