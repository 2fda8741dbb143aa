/** Tasks that cannot be started, and agents and daemons that are away. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { assert } from "../../shared/errors.ts";
import { eventually } from "../daemon/support/eventually.ts";
import { isAlive } from "../daemon/support/proc.ts";
import { FakeAgent } from "../support/fake_agent.ts";
import { TestDaemon } from "../support/test_daemon.ts";
import { tempDir } from "../support/temp_dir.ts";
import {
  shellTask,
  startChain,
  TestExecutor,
  userName,
  WIRES,
} from "../support/test_executor.ts";

const FOREVER = "exec sleep 1000";

/** What the BCS scheduler makes of a DataClass. */
function encodeTwice(value: unknown): string {
  const encoder = new TextEncoder();
  const once = encoder.encode(JSON.stringify(value)).toBase64();
  return encoder.encode(once).toBase64();
}

for (const wire of WIRES) {
  const how = `(${wire.codec}, stream cut by ${wire.chunking})`;

  Deno.test(`executor refuses a BCS task whose files nobody can fetch ${how}`, async () => {
    await using chain = await startChain(wire);
    const { agent, daemon, executor } = chain;
    const remote = { From: "ftp://u:s3cret@localhost/a", Type: "ftp" };
    agent.launchGroup([{
      task_id: { value: "one" },
      data: encodeTwice({
        ProcInfo: { startCmd: "/bin/true" },
        Msgs: [
          { Type: 4, Remote: { To: "/data/remote.conf", ...remote } },
          { Type: 7, EnvRemote: { Name: "REMOTE_ENV", ...remote } },
        ],
      }),
    }]);
    const { status } = await agent.updateOf("one", "TASK_FAILED");
    assertEquals(status.reason, "REASON_TASK_INVALID");
    for (
      const field of ["data.Msgs[0].Remote.Type", "data.Msgs[1].EnvRemote.Type"]
    ) assertStringIncludes(status.message ?? "", field);
    assertEquals(status.message?.includes("s3cret"), false);
    assertEquals(await executor.exit(), 0);
    assertEquals(
      agent.updates("one").map(({ status }) => status.state),
      ["TASK_FAILED"],
    );
    assertEquals(await daemon.client.events(0), []);
    assertEquals(agent.violations, []);
  });

  Deno.test(`executor refuses a task that says nothing to run ${how}`, async () => {
    await using chain = await startChain(wire);
    const { agent, daemon, executor } = chain;
    agent.launch({ task_id: { value: "one" } });
    const { status } = await agent.updateOf("one", "TASK_FAILED");
    assertEquals(status.reason, "REASON_TASK_INVALID");
    assertStringIncludes(status.message ?? "", "command.value");
    assertEquals(await executor.exit(), 0);
    assertEquals(await daemon.client.events(0), []);
    assertEquals(agent.violations, []);
  });

  Deno.test(`executor reports a program that does not exist ${how}`, async () => {
    await using chain = await startChain(wire);
    const { agent, executor } = chain;
    agent.launch({
      task_id: { value: "one" },
      command: { shell: false, value: "/nonexistent/gamesvr" },
    });
    const { status } = await agent.updateOf("one", "TASK_FAILED");
    assertStringIncludes(status.message ?? "", "/nonexistent/gamesvr");
    assertEquals(await executor.exit(), 0);
    assertEquals(agent.violations, []);
  });
}

Deno.test("executor fails a task for which there is no daemon", async () => {
  await using dir = await tempDir();
  await using agent = await FakeAgent.start();
  const socket = `${dir.path}/missing.sock`;
  await using executor = await TestExecutor.start(agent, socket);
  await agent.subscribed();
  const startMs = performance.now();
  agent.launch(shellTask("one", FOREVER));
  const { status } = await agent.updateOf("one", "TASK_FAILED", 30_000);
  assertStringIncludes(status.message ?? "", socket);
  const tookMs = performance.now() - startMs;
  // Ten seconds are what a launch waits for the daemon.
  assert(tookMs < 14_000, `it took ${tookMs} ms`);
  assertEquals(await executor.exit(), 0);
  assertEquals(agent.violations, []);
});

Deno.test("executor kills a task at once that waits for the daemon", async () => {
  await using dir = await tempDir();
  await using agent = await FakeAgent.start();
  const socket = `${dir.path}/missing.sock`;
  await using executor = await TestExecutor.start(agent, socket);
  await agent.subscribed();
  agent.launch(shellTask("one", FOREVER));
  await agent.updateOf("one", "TASK_STARTING");
  agent.shutdown();
  assertEquals(await executor.exit(5_000), 0);
  assertEquals(agent.updates("one").at(-1)?.status.state, "TASK_KILLED");
  assertEquals(agent.violations, []);
});

Deno.test("executor follows its processes over restarts of the daemon", async () => {
  await using chain = await startChain();
  const { agent, daemon, executor } = chain;
  agent.launchGroup([
    shellTask("short", "until [ -e go ]; do sleep 0.01; done; exit 6"),
    shellTask("long", FOREVER),
  ]);
  for (const id of ["short", "long"]) await agent.updateOf(id, "TASK_RUNNING");
  const { Pid } = await daemon.client.status("short");
  await daemon.kill9();
  await Deno.writeTextFile(`${executor.sandbox}/go`, "");
  await eventually("the process ends meanwhile", () => !isAlive(Pid));
  await daemon.run();
  const { status } = await agent.updateOf("short", "TASK_FAILED");
  assertStringIncludes(status.message ?? "", "exited with code 6");
  agent.kill("long");
  await agent.updateOf("long", "TASK_KILLED");
  assertEquals(await executor.exit(), 0);
  assertEquals(agent.violations, []);
});

Deno.test("executor without checkpointing leaves with the agent", async () => {
  await using chain = await startChain({ agent: { checkpoint: false } });
  await chain.agent.stop();
  assertEquals(await chain.executor.exit(), 3);
  assertStringIncludes(await chain.executor.readLog(), "checkpoint");
  assertEquals(chain.agent.violations, []);
});

Deno.test("executor without checkpointing ends its tasks with the agent", async () => {
  await using chain = await startChain({ agent: { checkpoint: false } });
  const { agent, daemon, executor } = chain;
  agent.launch(shellTask("one", FOREVER));
  await agent.updateOf("one", "TASK_RUNNING");
  const { Pid } = await daemon.client.status("one");
  await agent.stop();
  await eventually("the process is stopped", () => !isAlive(Pid));
  // Nobody is left who could acknowledge: waiting for that is in vain.
  await executor.exit();
  assertEquals(agent.violations, []);
});

Deno.test("executor leaves when there never was an agent", async () => {
  await using dir = await tempDir();
  await using agent = await FakeAgent.start({ checkpoint: false });
  await agent.stop();
  await using executor = await TestExecutor.start(agent, `${dir.path}/none`);
  assertEquals(await executor.exit(), 3);
  assertStringIncludes(await executor.readLog(), agent.endpoint);
  assertEquals(agent.violations, []);
});

Deno.test("executor ends its tasks when the recovery timeout is over", async () => {
  await using chain = await startChain({
    recoveryTimeout: "500ms",
    subscriptionBackoffMax: "50ms",
  });
  const { agent, daemon, executor } = chain;
  agent.launch(shellTask("one", FOREVER));
  await agent.updateOf("one", "TASK_RUNNING");
  const { Pid } = await daemon.client.status("one");
  const startMs = performance.now();
  await agent.stop();
  await eventually("the process is stopped", () => !isAlive(Pid));
  const tookMs = performance.now() - startMs;
  assert(tookMs >= 500 && tookMs < 5_000, `it took ${tookMs} ms`);
  await executor.exit();
  assertStringIncludes(await executor.readLog(), "500 ms");
  assertEquals(agent.violations, []);
});

Deno.test("executor leaves an agent that does not know it any more", async () => {
  await using chain = await startChain({ subscriptionBackoffMax: "10ms" });
  const { agent, daemon, executor } = chain;
  agent.launch(shellTask("one", FOREVER));
  await agent.updateOf("one", "TASK_RUNNING");
  const { Pid } = await daemon.client.status("one");
  await agent.restart({ wipe: true });
  await eventually("the process is stopped", () => !isAlive(Pid));
  await executor.exit();
  assertStringIncludes(await executor.readLog(), "Framework cannot be found");
  assertEquals(agent.violations, []);
});

Deno.test("executor leaves and says so when its token is refused", async () => {
  await using dir = await tempDir();
  await using agent = await FakeAgent.start({ token: "right" });
  agent.faults.respond("SUBSCRIBE", { status: 401, times: 100 });
  await using executor = await TestExecutor.start(agent, `${dir.path}/none`);
  assertEquals(await executor.exit(), 4);
  assertStringIncludes(await executor.readLog(), "SUBSCRIBE with 401");
  assertEquals(agent.violations, []);
});

Deno.test("executor waits for an agent that is recovering", async () => {
  await using chain = await startChain({ subscriptionBackoffMax: "10ms" });
  const { agent, executor } = chain;
  agent.launch(shellTask("one", FOREVER));
  await agent.updateOf("one", "TASK_RUNNING");
  await agent.stop();
  agent.faults.respond("SUBSCRIBE", { status: 404 });
  agent.faults.respond("SUBSCRIBE", { status: 503, times: 5 });
  agent.faults.respond("SUBSCRIBE", { drop: "unhandled", times: 2 });
  await agent.restart();
  await agent.subscribed(2);
  agent.kill("one");
  assertEquals(await executor.exit(), 0);
  assertEquals(agent.updates("one").at(-1)?.status.state, "TASK_KILLED");
  assertEquals(agent.violations, []);
});

Deno.test("executor passes the user of the framework on", async () => {
  await using chain = await startChain({
    agent: { frameworkUser: "no-such-user" },
  });
  const { agent, executor } = chain;
  const user = await userName();
  agent.launch(shellTask("framework's", "exit 0"));
  agent.launch(shellTask("own", "exit 0", { user }));
  const { status } = await agent.updateOf("framework's", "TASK_FAILED");
  assertStringIncludes(status.message ?? "", "no-such-user");
  await agent.updateOf("own", "TASK_FINISHED");
  assertEquals(await executor.exit(), 0);
  assertEquals(agent.violations, []);
});

Deno.test("executor does its work where there is no space for its log", async () => {
  await using daemon = await TestDaemon.start();
  await using agent = await FakeAgent.start({
    frameworkUser: await userName(),
  });
  await using executor = await TestExecutor.start(agent, daemon.socket, {
    isDiskFull: true,
  });
  await agent.subscribed();
  agent.launch(shellTask("one", "exit 0"));
  await agent.updateOf("one", "TASK_FINISHED");
  assertEquals(await executor.exit(), 0);
  assertEquals(agent.violations, []);
});
