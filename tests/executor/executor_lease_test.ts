/** Executor, agent and daemon within the test, on a clock that it moves. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ExecutorConfig } from "../../executor/config.ts";
import { makeTask } from "../support/in_process_daemon.ts";
import { quiet, SimulatedWorld } from "../support/simulated_world.ts";

/** A world with leases of 20 s, whose executor runs the task "one". */
async function running(
  config: Partial<ExecutorConfig> = {},
): Promise<SimulatedWorld> {
  const world = new SimulatedWorld({ config });
  world.daemon.leaseMs = 20_000;
  await world.start();
  world.agent.launch([makeTask("one")], "single");
  await world.advance(100, 10);
  await world.acknowledge();
  assertEquals(world.statesOf("one"), ["TASK_STARTING", "TASK_RUNNING"]);
  return world;
}

/** Lets it come to its end. */
async function leave(world: SimulatedWorld): Promise<void> {
  for (let left = 20; left > 0 && !world.hasLeft; left--) {
    await world.acknowledge();
    await world.advance(500, 100);
  }
  assertEquals([world.departure, world.failures], [null, []]);
}

Deno.test("executor keeps its leases for as long as its processes live", async () => {
  const world = await running();
  const { daemon, agent } = world;
  await world.advance(200_000, 1_000);
  assertEquals(daemon.aliveIds, ["one"]);
  // Beside the first one: how long the lease is, was not known before.
  assertEquals(daemon.heartbeats.length, 41);
  daemon.obeys = () => false;
  agent.kill("one", 60_000);
  await world.advance(59_000, 1_000);
  assertEquals(daemon.aliveIds, ["one"]);
  const { length } = daemon.heartbeats;
  assert(length > 50, `${length} heartbeats`);
  await world.advance(2_000, 1_000);
  await leave(world);
  assertEquals(world.statesOf("one").at(-1), "TASK_KILLED");
});

Deno.test("executor is called by a name of this very run", async () => {
  const names = [];
  for (let run = 0; run < 2; run++) {
    const world = await running();
    const { Info } = await world.daemon.inspect("one");
    assertEquals(new Set(world.daemon.heartbeats), new Set([Info.ExecutorId]));
    assertStringIncludes(Info.ExecutorId, "fw-1/exec-1/");
    names.push(Info.ExecutorId);
    world.agent.shutdown();
    await leave(world);
  }
  assertEquals(new Set(names).size, 2);
});

Deno.test("executor keeps its leases while the agent is away", async () => {
  const world = await running();
  world.agent.failure = "unavailable";
  world.agent.closeStream("broken");
  await world.advance(300_000, 1_000);
  assertEquals(world.daemon.aliveIds, ["one"]);
  world.agent.failure = null;
  await world.advance(10_000, 1_000);
  world.agent.shutdown();
  await leave(world);
});

Deno.test("executor is heard of at once by a daemon that was away", async () => {
  const world = await running();
  const { daemon } = world;
  daemon.leave();
  await world.advance(120_000, 1_000);
  const { length } = daemon.heartbeats;
  daemon.comeBack();
  await world.advance(2_500, 100);
  assert(daemon.heartbeats.length > length, "it was not");
  world.agent.shutdown();
  await leave(world);
});

Deno.test("executor keeps its leases while it shuts down", async () => {
  const world = await running({ shutdownGraceMs: 100_000 });
  world.daemon.obeys = () => false;
  world.agent.shutdown();
  await world.advance(70_000, 1_000);
  assertEquals(world.daemon.aliveIds, ["one"]);
  await world.advance(20_000, 1_000);
  await leave(world);
  assertEquals(world.statesOf("one").at(-1), "TASK_KILLED");
});

Deno.test("executor does without leases where the daemon has none", async () => {
  const world = new SimulatedWorld();
  world.daemon.hasLeases = false;
  await world.start();
  world.agent.launch([makeTask("one")], "single");
  await world.advance(600_000, 1_000);
  assertEquals(world.daemon.aliveIds, ["one"]);
  assertEquals(
    world.log.filter((line) => line.includes("leases")),
    ["the daemon knows no leases, its processes have none {}"],
  );
  world.agent.shutdown();
  await leave(world);
});

Deno.test("executor that was silent for too long says what that has cost", async () => {
  const world = await running();
  // It is stopped for a while, and the daemon is not.
  world.clock.jump(21_000);
  await quiet();
  const [last] = world.daemon.historyOf("one").slice(-1);
  assertEquals(last?.Result, "lease-expired");
  const { status } = world.agent.tasks.updates("one").at(-1) ?? {};
  assertEquals([status?.state, status?.message], [
    "TASK_FAILED",
    last?.Message,
  ]);
  await leave(world);
});
