/** KILL and SHUTDOWN: how tasks end, and how fast. */
import { eventually } from "../daemon/support/eventually.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { isAlive, membersOf } from "../daemon/support/proc.ts";
import { waitForLine } from "../daemon/support/scripts.ts";
import type { FakeAgent } from "../support/fake_agent.ts";
import type { TestDaemon } from "../support/test_daemon.ts";
import {
  bcsTask,
  shellTask,
  startChain,
  WIRES,
} from "../support/test_executor.ts";

/**
 * What takes so long waited for another grace period than the one that counts,
 * which is 100 s and more; a loaded host may take a while. On a clock that no
 * host slows down `conformance/` holds the times.
 */
const SLOW_MS = 30_000;
const OBEDIENT = "exec sleep 1000";
/** Ignores SIGTERM, and says so once it does. */
const STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
const POLITE =
  "trap 'echo bye >&2; exit 3' TERM; echo ready; while :; do sleep 0.01; done";

async function waitUntilReady(daemon: TestDaemon, id: string): Promise<void> {
  await waitForLine(`${daemon.logDir}/${id}.stdout`, "ready");
}

function statesOf(agent: FakeAgent, id: string): string[] {
  return agent.updates(id).map(({ status }) => status.state);
}

/** Milliseconds that something takes. */
async function timed(act: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await act();
  return performance.now() - startMs;
}

for (const wire of WIRES) {
  const how = `(${wire.codec}, stream cut by ${wire.chunking})`;

  Deno.test(`executor kills with the grace period of the KILL ${how}`, async () => {
    await using chain = await startChain(wire);
    const { agent, daemon, executor } = chain;
    // The task's own grace period would be far too long.
    agent.launch({
      ...shellTask("one", STUBBORN),
      kill_policy: { grace_period: { nanoseconds: 1000e9 } },
    });
    await waitUntilReady(daemon, "one");
    const { Pid } = await daemon.client.status("one");
    const tookMs = await timed(async () => {
      agent.kill("one", 1_000);
      await agent.updateOf("one", "TASK_KILLED");
    });
    assert(tookMs >= 1_000 && tookMs < SLOW_MS, `it took ${tookMs} ms`);
    const { status } = await agent.updateOf("one", "TASK_KILLED");
    assertStringIncludes(status.message ?? "", "signal 9 (SIGKILL)");
    assert(!isAlive(Pid));
    assertEquals(membersOf(Pid), []);
    assertEquals(await executor.exit(), 0);
    assertEquals(statesOf(agent, "one").length, 3);
    assertEquals(agent.violations, []);
  });

  Deno.test(`executor kills with the grace period of the task ${how}`, async () => {
    await using chain = await startChain(wire);
    const { agent, daemon, executor } = chain;
    // Longer than that of a task that says nothing.
    agent.launch(bcsTask("one", { startCmd: STUBBORN }, { graceMs: 4_000 }));
    await waitUntilReady(daemon, "one");
    const tookMs = await timed(async () => {
      agent.kill("one");
      await agent.updateOf("one", "TASK_KILLED");
    });
    assert(tookMs >= 4_000 && tookMs < SLOW_MS, `it took ${tookMs} ms`);
    assertEquals(await executor.exit(), 0);
    assertEquals(agent.violations, []);
  });

  Deno.test(`executor runs the stop command of a killed task ${how}`, async () => {
    await using chain = await startChain(wire);
    const { agent, daemon, executor } = chain;
    agent.launch(bcsTask("one", {
      workPath: daemon.workDir,
      startCmd: "echo ready; until [ -e stopped ]; do sleep 0.01; done; exit 5",
      stopCmd: "touch stopped",
    }));
    await waitUntilReady(daemon, "one");
    agent.kill("one", 8_000);
    const { status } = await agent.updateOf("one", "TASK_KILLED");
    assertStringIncludes(status.message ?? "", "exited with code 5");
    assertEquals(await executor.exit(), 0);
    assertEquals(agent.violations, []);
  });

  Deno.test(`executor ends a task once, however often it is killed ${how}`, async () => {
    await using chain = await startChain(wire);
    const { agent, daemon, executor } = chain;
    agent.launchGroup([
      shellTask("one", POLITE),
      shellTask("two", OBEDIENT),
    ]);
    await agent.updateOf("two", "TASK_RUNNING");
    await waitUntilReady(daemon, "one");
    agent.kill("nobody knows it");
    for (let times = 0; times < 5; times++) agent.kill("one", 5_000);
    const { status } = await agent.updateOf("one", "TASK_KILLED");
    assertStringIncludes(status.message ?? "", "exited with code 3");
    // After its end, and while others run on.
    agent.kill("one");
    agent.kill("two");
    assertEquals(await executor.exit(), 0);
    assertEquals(statesOf(agent, "one").length, 3);
    assertEquals(statesOf(agent, "two").length, 3);
    assertEquals(agent.violations, []);
  });

  Deno.test(`executor takes a KILL that follows the LAUNCH at once ${how}`, async () => {
    await using chain = await startChain(wire);
    const { agent, daemon, executor } = chain;
    agent.launch(shellTask("one", OBEDIENT));
    agent.kill("one");
    await agent.updateOf("one", "TASK_KILLED");
    assertEquals(await executor.exit(), 0);
    assertEquals(statesOf(agent, "one")[0], "TASK_STARTING");
    assertEquals(await daemon.client.list(), []);
    assertEquals(agent.violations, []);
  });

  Deno.test(`executor stops everything on SHUTDOWN within the grace period ${how}`, async () => {
    await using chain = await startChain({
      ...wire,
      shutdownGracePeriod: "5secs",
    });
    const { agent, daemon, executor } = chain;
    const ids = ["obedient", "polite", "stubborn", "stubborn too"];
    agent.launchGroup([
      shellTask("obedient", OBEDIENT),
      shellTask("polite", POLITE),
      shellTask("stubborn", STUBBORN),
      bcsTask("stubborn too", { startCmd: STUBBORN }, { graceMs: 100_000 }),
    ]);
    for (const id of ids) await agent.updateOf(id, "TASK_RUNNING");
    for (const id of ids.slice(1)) await waitUntilReady(daemon, id);
    const pids = (await daemon.client.list()).map(({ Pid }) => Pid);
    const tookMs = await timed(async () => {
      agent.shutdown();
      assertEquals(await executor.exit(), 0);
    });
    assert(tookMs < SLOW_MS, `it took ${tookMs} ms`);
    for (const id of ids) {
      assertEquals(statesOf(agent, id).at(-1), "TASK_KILLED");
    }
    assertEquals(pids.filter(isAlive), []);
    assertEquals(await daemon.client.list(), []);
    assertEquals(agent.violations, []);
  });
}

Deno.test("executor stops everything within a grace period of few seconds", async () => {
  await using chain = await startChain({ shutdownGracePeriod: "2secs" });
  const { agent, daemon, executor } = chain;
  agent.launch({
    ...shellTask("stubborn", STUBBORN),
    kill_policy: { grace_period: { nanoseconds: 100e9 } },
  });
  await agent.updateOf("stubborn", "TASK_RUNNING");
  await waitUntilReady(daemon, "stubborn");
  const tookMs = await timed(async () => {
    agent.shutdown();
    assertEquals(await executor.exit(), 0);
  });
  assert(tookMs < SLOW_MS, `it took ${tookMs} ms`);
  assertEquals(statesOf(agent, "stubborn").at(-1), "TASK_KILLED");
  assertEquals(agent.violations, []);
});

Deno.test("executor leaves on SHUTDOWN without a task", async () => {
  await using chain = await startChain();
  const { agent, executor } = chain;
  agent.shutdown();
  assertEquals(await executor.exit(), 0);
  assertEquals(agent.violations, []);
});

Deno.test("executor takes SIGTERM for a SHUTDOWN", async () => {
  await using chain = await startChain();
  const { agent, daemon, executor } = chain;
  agent.launch(shellTask("one", OBEDIENT));
  await agent.updateOf("one", "TASK_RUNNING");
  executor.terminate();
  assertEquals(await executor.exit(), 0);
  const { status } = await agent.updateOf("one", "TASK_KILLED");
  assertMatch(status.message ?? "", /stopped.*SIGTERM/);
  assertEquals(await daemon.client.list(), []);
  assertEquals(agent.violations, []);
});

Deno.test("executor leaves when SHUTDOWN comes instead of SUBSCRIBED", async () => {
  await using chain = await startChain({ subscriptionBackoffMax: "10ms" });
  const { agent, daemon, executor } = chain;
  agent.launch(shellTask("one", OBEDIENT));
  await agent.updateOf("one", "TASK_RUNNING");
  await agent.stop();
  agent.shutdown();
  await agent.restart();
  assertEquals(await executor.exit(), 0);
  assertEquals(statesOf(agent, "one").at(-1), "TASK_KILLED");
  assertEquals(await daemon.client.list(), []);
  assertEquals(agent.violations, []);
});

Deno.test("executor loses no update by a second SIGTERM or SIGINT", async () => {
  await using chain = await startChain();
  const { agent, daemon, executor } = chain;
  // It takes its time, so that the signals come amid the stop and after it.
  const slow = "trap 'sleep 0.3; exit 0' TERM; echo up; " +
    "while :; do sleep 0.05; done";
  agent.launch(shellTask("one", slow));
  await agent.updateOf("one", "TASK_RUNNING");
  await waitForLine(`${daemon.logDir}/one.stdout`, "up");
  agent.acks.hold();
  executor.terminate();
  await daemon.waitForState("one", "stopping");
  executor.terminate();
  executor.terminate("SIGINT");
  await agent.updateOf("one", "TASK_KILLED");
  executor.terminate();
  executor.terminate("SIGINT");
  // Answers to events show that it had time to leave too early.
  agent.sendMessage("are you there?");
  await eventually(
    "the message is read",
    async () => (await executor.readLog()).includes("message ignored"),
  );
  assertEquals(executor.isAlive, true);
  agent.acks.release();
  assertEquals(await executor.exit(), 0);
  assertEquals(statesOf(agent, "one").slice(-2), [
    "TASK_RUNNING",
    "TASK_KILLED",
  ]);
  assertEquals(await daemon.client.list(), []);
  assertEquals(agent.violations, []);
});

Deno.test("executor leaves no process that was restarted after its end", async () => {
  await using chain = await startChain(WIRES[0]);
  const { agent, daemon, executor } = chain;
  agent.acks.hold();
  const script = "if [ -e again ]; then exec sleep 1000; fi; echo > again";
  agent.launch(shellTask("one", script));
  await agent.updateOf("one", "TASK_FINISHED");
  await daemon.client.restart("one", 5);
  agent.acks.release();
  assertEquals(await executor.exit(), 0);
  assertEquals(await daemon.client.list(), []);
  assertEquals(agent.violations, []);
});
