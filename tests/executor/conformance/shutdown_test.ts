/** SHUTDOWN: everything ends inside the grace period that the agent gives. */
import { assert, assertEquals } from "@std/assert";
import { CODECS, HttpWorld } from "../../support/http_world.ts";

/** What an agent may give, and the same in ms. */
const GRACES = [["2secs", 2_000], ["5secs", 5_000], [
  "20secs",
  20_000,
], ["5mins", 300_000]] as const;
const MANY = Array.from({ length: 40 }, (_, index) => `task-${index}`);

for (const codec of CODECS) {
  for (const [grace, graceMs] of GRACES) {
    Deno.test(`shutdown: stubborn tasks end within ${grace} (${codec})`, async () => {
      await using world = await HttpWorld.subscribed({
        codec,
        environment: { shutdownGracePeriod: grace },
      });
      const { agent, daemon, clock } = world;
      daemon.obeys = () => false;
      await world.running("one", "two");
      const startMs = clock.monotonicMs();
      agent.shutdown();
      const stepMs = graceMs / 100;
      await world.until("left", () => world.departure !== undefined, stepMs);
      const tookMs = clock.monotonicMs() - startMs;
      assert(tookMs < graceMs * 0.9, `it took ${tookMs} ms`);
      // Most of it is the tasks', and some of it the last updates'.
      assert(tookMs >= graceMs * 0.5, `it took ${tookMs} ms`);
      assertEquals(world.exitCode, 0);
      for (const id of ["one", "two"]) {
        assertEquals(world.statesOf(id).at(-1), "TASK_KILLED");
      }
      assertEquals(daemon.ids, []);
      assertEquals(agent.violations, []);
    });
  }

  Deno.test(`shutdown: many tasks end at once, not one by one (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, daemon, clock } = world;
    // A second each would be more than there is.
    daemon.obeys = () => false;
    await world.running(...MANY);
    const startMs = clock.monotonicMs();
    agent.shutdown();
    await world.untilLeft();
    const tookMs = clock.monotonicMs() - startMs;
    assert(tookMs < 5_000, `it took ${tookMs} ms`);
    for (const id of MANY) {
      assertEquals(world.statesOf(id).at(-1), "TASK_KILLED");
    }
    assertEquals(daemon.ids, []);
    assertEquals(agent.violations, []);
  });

  Deno.test(`shutdown: tasks that obey need not wait (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, clock } = world;
    await world.running("one");
    const startMs = clock.monotonicMs();
    agent.shutdown();
    await world.untilLeft();
    assert(clock.monotonicMs() - startMs < 1_000);
    assertEquals(agent.violations, []);
  });

  Deno.test(`shutdown: it leaves even if nobody acknowledges (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, clock, daemon } = world;
    await world.running("one");
    agent.acks.hold();
    const startMs = clock.monotonicMs();
    agent.shutdown();
    await world.until("left", () => world.departure !== undefined, 500);
    const tookMs = clock.monotonicMs() - startMs;
    assert(tookMs >= 60_000 && tookMs < 70_000, `it took ${tookMs} ms`);
    assertEquals(daemon.aliveIds, []);
    assertEquals(world.exitCode, 0);
  });

  Deno.test(`shutdown: it leaves even if the daemon stays away (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, clock, daemon } = world;
    await world.running("one");
    daemon.leave();
    const startMs = clock.monotonicMs();
    agent.shutdown();
    await world.until("left", () => world.departure !== undefined, 500);
    assert(clock.monotonicMs() - startMs < 70_000);
    assertEquals(agent.violations, []);
  });

  Deno.test(`shutdown: without a task it leaves at once (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    world.agent.shutdown();
    await world.untilLeft();
    assertEquals(world.exitCode, 0);
    assert(world.clock.monotonicMs() < 1_000);
    assertEquals(world.agent.violations, []);
  });

  Deno.test(`shutdown: a task that is launched meanwhile does not stay (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, daemon } = world;
    daemon.obeys = () => false;
    await world.running("one");
    agent.shutdown();
    agent.launch({ task_id: { value: "late" }, command: { value: "true" } });
    await world.untilLeft();
    assertEquals(world.exitCode, 0);
    assertEquals(world.statesOf("late"), ["TASK_STARTING", "TASK_KILLED"]);
    assertEquals(daemon.ids, []);
    assertEquals(agent.violations, []);
  });

  Deno.test(`shutdown: SIGTERM is one (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    await world.running("one");
    world.shutdown();
    await world.untilLeft();
    assertEquals(world.exitCode, 0);
    assertEquals(world.statesOf("one").at(-1), "TASK_KILLED");
    assertEquals(world.agent.violations, []);
  });
}
