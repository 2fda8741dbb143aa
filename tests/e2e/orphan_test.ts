/**
 * An executor that is killed: agent, daemon and executor are real, the lease
 * is short.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { FakeAgent } from "../support/fake_agent.ts";
import { TestDaemon } from "../support/test_daemon.ts";
import { shellTask, TestExecutor, userName } from "../support/test_executor.ts";
import { eventually } from "../daemon/support/eventually.ts";
import { isAlive } from "../daemon/support/proc.ts";

/** Seconds: as short as an executor that is alive can keep under load. */
const LEASE_S = 3;
const FOREVER = "exec sleep 1000";

async function startAgent(): Promise<FakeAgent> {
  return await FakeAgent.start({ frameworkUser: await userName() });
}

Deno.test("what an executor leaves behind that is killed ends with its lease, and is then another's", async () => {
  await using daemon = await TestDaemon.start({
    flags: { "heartbeat-timeout": `${LEASE_S}` },
  });
  await using agent = await startAgent();
  await using executor = await TestExecutor.start(agent, daemon.socket);
  await agent.subscribed();
  agent.launch(shellTask("one", FOREVER));
  await agent.updateOf("one", "TASK_RUNNING");
  const first = await daemon.client.status("one");
  assertStringIncludes(first.Owner ?? "", "/");
  const startMs = performance.now();

  // Another for the same task does not get it while this one is alive.
  await using nextAgent = await startAgent();
  await using early = await TestExecutor.start(nextAgent, daemon.socket);
  await nextAgent.subscribed();
  nextAgent.launch(shellTask("one", FOREVER));
  const { status } = await nextAgent.updateOf("one", "TASK_FAILED");
  assertStringIncludes(
    status.message ?? "",
    `processinfo one of ${first.Owner}, whose lease ends in`,
  );
  assertEquals(await early.exit(), 0);
  // Nor does it lose it, for longer than a lease.
  await eventually("a lease has passed", async () => {
    assertEquals((await daemon.client.status("one")).Pid, first.Pid);
    return performance.now() - startMs > LEASE_S * 1_000 + 500;
  });
  assertEquals((await daemon.client.status("one")).Status, "running");

  Deno.kill(executor.pid, "SIGKILL");
  await executor.exit();
  assert(isAlive(first.Pid), "its process did not outlive it");
  const end = await daemon.waitForState("one", "stopped");
  assertEquals(
    [end.Result, end.Owner, end.Pid],
    ["lease-expired", first.Owner, first.Pid],
  );
  assertStringIncludes(
    end.Message,
    `its owner ${first.Owner} was not heard of`,
  );
  assert(!isAlive(first.Pid));

  await using lastAgent = await startAgent();
  await using heir = await TestExecutor.start(lastAgent, daemon.socket);
  await lastAgent.subscribed();
  lastAgent.launch(shellTask("one", FOREVER));
  await lastAgent.updateOf("one", "TASK_RUNNING");
  const second = await daemon.client.status("one");
  assert(second.Owner !== first.Owner && second.Pid !== first.Pid);
  lastAgent.shutdown();
  assertEquals(await heir.exit(), 0);
  const violations = [agent, nextAgent, lastAgent].flatMap((each) =>
    each.violations
  );
  assertEquals(violations, []);
});

Deno.test("an executor that stands still for longer than its lease reports the loss", async () => {
  await using daemon = await TestDaemon.start({
    flags: { "heartbeat-timeout": "2" },
  });
  await using agent = await startAgent();
  await using executor = await TestExecutor.start(agent, daemon.socket);
  await agent.subscribed();
  agent.launch(shellTask("one", FOREVER));
  await agent.updateOf("one", "TASK_RUNNING");
  Deno.kill(executor.pid, "SIGSTOP");
  await daemon.waitForState("one", "stopped");
  Deno.kill(executor.pid, "SIGCONT");
  const { status } = await agent.updateOf("one", "TASK_FAILED");
  assertStringIncludes(status.message ?? "", "was not heard of for");
  assertEquals(await executor.exit(), 0);
  assertEquals(agent.violations, []);
});
