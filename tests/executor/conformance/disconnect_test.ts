/** What an executor does while its agent is away. */
import { assert, assertEquals } from "@std/assert";
import { CODECS, HttpWorld } from "../../support/http_world.ts";

const MINUTE_MS = 60_000;

for (const codec of CODECS) {
  Deno.test(`disconnect: without checkpoint it ends its tasks and leaves (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({
      codec,
      agent: { checkpoint: false },
    });
    const { agent, daemon } = world;
    await world.running("one", "two");
    const startMs = world.clock.monotonicMs();
    await agent.stop();
    await world.untilLeft();
    assertEquals(world.exitCode, 3);
    assertEquals(daemon.aliveIds, []);
    // Nobody is left who could acknowledge: waiting for that is in vain.
    assert(world.clock.monotonicMs() - startMs < 10_000);
    // As a SHUTDOWN would have.
    assertEquals(
      daemon.historyOf("one").some(({ Status }) => Status === "stopping"),
      true,
    );
    assertEquals(agent.violations, []);
  });

  Deno.test(`disconnect: with checkpoint nothing happens to the tasks (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, daemon } = world;
    await world.running("one", "two");
    await agent.stop();
    await world.advance(1_000);
    // What happens meanwhile is reported afterwards.
    daemon.exit("two", 0);
    await world.advance(1_000);
    assertEquals(daemon.runningIds, ["one"]);
    await agent.restart();
    await world.untilState("two", "TASK_FINISHED");
    assertEquals(daemon.runningIds, ["one"]);
    assertEquals(world.statesOf("one"), ["TASK_STARTING", "TASK_RUNNING"]);
    assertEquals(agent.droppedTasks, []);
    assertEquals(agent.violations, []);
  });

  Deno.test(`disconnect: it leaves when the recovery timeout is over (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({
      codec,
      environment: { recoveryTimeout: "2mins" },
    });
    const { agent, clock, daemon } = world;
    await world.running("one");
    await agent.stop();
    await world.until("lost", () => world.timesLogged("not subscribed") > 0);
    const startMs = clock.monotonicMs();
    await world.until("left", () => world.departure !== undefined, 500);
    assertEquals(world.exitCode, 3);
    const tookMs = clock.monotonicMs() - startMs;
    assert(
      tookMs > 2 * MINUTE_MS - 2_000 && tookMs < 2 * MINUTE_MS + 10_000,
      `it took ${tookMs} ms`,
    );
    assertEquals(daemon.aliveIds, []);
  });

  Deno.test(`disconnect: refusals do not stop the recovery timeout (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({
      codec,
      environment: { recoveryTimeout: "2mins" },
    });
    const { agent, clock } = world;
    await world.running("one");
    const startMs = clock.monotonicMs();
    await agent.restart({ recovering: true });
    await world.until("left", () => world.departure !== undefined, 500);
    assertEquals(world.exitCode, 3);
    const tookMs = clock.monotonicMs() - startMs;
    assert(tookMs < 2 * MINUTE_MS + 10_000, `it took ${tookMs} ms`);
    assert(agent.calls.filter(({ status }) => status === 503).length > 10);
  });

  Deno.test(`disconnect: each outage has its own recovery timeout (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({
      codec,
      environment: { recoveryTimeout: "2mins" },
    });
    const { agent } = world;
    await world.running("one");
    for (let outage = 1; outage <= 3; outage++) {
      await agent.stop();
      await world.advance(0);
      await world.advance(90_000);
      await agent.restart();
      await world.until("back", () => agent.subscriptions === 1 + outage);
    }
    assertEquals(world.departure, undefined);
    assertEquals(world.daemon.runningIds, ["one"]);
    assertEquals(agent.violations, []);
  });

  for (const random of [0, 0.999]) {
    Deno.test(`disconnect: it comes back within the agent's 2 s (${random} of the back-off, ${codec})`, async () => {
      await using world = await HttpWorld.subscribed({
        codec,
        environment: { subscriptionBackoffMax: "2secs" },
      });
      world.random = random;
      const { agent, clock } = world;
      await world.running("one");
      await agent.restart();
      const startMs = clock.monotonicMs();
      await world.until("back", () => agent.subscriptions === 2);
      const tookMs = clock.monotonicMs() - startMs;
      assert(tookMs <= 2_000, `it took ${tookMs} ms`);
      if (random > 0) assert(tookMs > 500, `it took ${tookMs} ms`);
      assertEquals(agent.droppedTasks, []);
      assertEquals(agent.violations, []);
    });
  }

  Deno.test(`disconnect: an agent that was never there is exit code 3 (${codec})`, async () => {
    await using world = await HttpWorld.start({
      codec,
      agent: { checkpoint: false },
      prepare: ({ agent }) =>
        agent.faults.respond("SUBSCRIBE", { drop: "unhandled", times: 100 }),
    });
    await world.untilLeft();
    assertEquals(world.exitCode, 3);
  });
}
