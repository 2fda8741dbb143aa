/** Health checks while the agent is away, on a clock that the test moves. */
import { assertEquals } from "@std/assert";
import { makeTask } from "../support/in_process_daemon.ts";
import { quiet, SimulatedWorld } from "../support/simulated_world.ts";

/** The simulated daemon refuses every command: each probe is a failure. */
const HEALTH_CHECK = {
  type: "COMMAND",
  command: { value: "true" },
  delay_seconds: 0,
  grace_period_seconds: 0,
  interval_seconds: 1,
  consecutive_failures: 5,
} as const;

Deno.test("executor probes nothing while its agent is away, and goes on afterwards", async () => {
  const world = new SimulatedWorld();
  const { agent, daemon } = world;
  await world.start();
  agent.launch([makeTask("one", { health_check: HEALTH_CHECK })], "single");
  await world.advance(2_000, 100);
  assertEquals(world.statesOf("one"), [
    "TASK_STARTING",
    "TASK_RUNNING",
    "TASK_RUNNING",
  ]);
  agent.failure = "unavailable";
  agent.closeStream("broken");
  await world.advance(60_000, 500);
  assertEquals(daemon.runningIds, ["one"]);
  agent.failure = null;
  await world.advance(10_000, 100);
  await world.acknowledge();
  await quiet();
  assertEquals(world.statesOf("one").slice(3), ["TASK_RUNNING", "TASK_KILLED"]);
  assertEquals(daemon.ids, []);
  assertEquals(world.failures, []);
});
