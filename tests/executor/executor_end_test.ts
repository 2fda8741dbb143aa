/**
 * When an executor leaves. It runs within the test, on a clock that the test
 * moves, between the stand-in agent and a real daemon.
 */
import { assertEquals } from "@std/assert";
import { type ExecutorConfig, readConfig } from "../../executor/config.ts";
import { Executor } from "../../executor/executor.ts";
import { AgentClient } from "../../executor/mesos/agent_client.ts";
import { loadCodec } from "../../executor/mesos/codec.ts";
import { assert } from "../../shared/errors.ts";
import { ManagerClient } from "../../shared/manager_api/client.ts";
import { eventually } from "../daemon/support/eventually.ts";
import { FakeAgent } from "../support/fake_agent.ts";
import { FakeClock } from "../support/fake_clock.ts";
import {
  makeTask,
  MemoryLogger,
  settled,
} from "../support/in_process_daemon.ts";
import { quiet, SimulatedWorld } from "../support/simulated_world.ts";
import { TestDaemon } from "../support/test_daemon.ts";
import { shellTask, userName } from "../support/test_executor.ts";

/** Longest wait for the last acknowledgements, ms. */
const ACKNOWLEDGE_WAIT_MS = 60_000;

/** An executor that has subscribed, within this process. */
class InProcessExecutor implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly failures: unknown[] = [];
  hasLeft = false;
  readonly #logger = new MemoryLogger();
  readonly #manager: ManagerClient;
  readonly #run: Promise<void>;

  private constructor(config: ExecutorConfig, agent: AgentClient) {
    this.#manager = new ManagerClient(config.socketPath);
    const executor = new Executor(config, {
      agent,
      manager: this.#manager,
      clock: this.clock,
      random: () => 0,
      uuid: () => crypto.randomUUID(),
      logger: this.#logger,
      onFailure: (_, error) => this.failures.push(error),
    });
    this.#run = executor.run().then(() => {
      this.hasLeft = true;
    });
    this.shutdown = () => executor.shutdown();
  }

  readonly shutdown: () => void;

  static async start(
    agent: FakeAgent,
    daemon: TestDaemon,
  ): Promise<InProcessExecutor> {
    const env = agent.executorEnvironment({ sandbox: daemon.workDir });
    const commandLine = readConfig(
      [`--socket=${daemon.socket}`],
      (name) => env[name],
    );
    assert(commandLine.action === "run", "there is no --help");
    const { config } = commandLine;
    const codec = await loadCodec(config.codec);
    const client = new AgentClient(config.agentUrl, codec, config.token);
    const executor = new InProcessExecutor(config, client);
    await agent.subscribed();
    return executor;
  }

  /** Moves the clock until the executor has left, however it waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.shutdown();
    await eventually("the executor has left", async () => {
      this.clock.advance(1_000);
      await settled();
      return this.hasLeft;
    });
    await this.#run;
    this.#manager.close();
  }
}

Deno.test("executor leaves without acknowledgements after a minute", async () => {
  await using daemon = await TestDaemon.start();
  await using agent = await FakeAgent.start({
    frameworkUser: await userName(),
  });
  await using executor = await InProcessExecutor.start(agent, daemon);
  agent.acks.hold();
  agent.launch(shellTask("one", "exit 0"));
  await agent.updateOf("one", "TASK_FINISHED");
  await settled();
  executor.clock.advance(ACKNOWLEDGE_WAIT_MS - 1);
  await settled();
  assertEquals(executor.hasLeft, false);
  executor.clock.advance(1);
  await eventually("the executor has left", () => executor.hasLeft);
  assertEquals(executor.failures, []);
  assertEquals(agent.violations, []);
});

Deno.test("executor does not leave a task that came while it waited", async () => {
  await using daemon = await TestDaemon.start();
  await using agent = await FakeAgent.start({
    frameworkUser: await userName(),
  });
  await using executor = await InProcessExecutor.start(agent, daemon);
  agent.acks.hold();
  agent.launch(shellTask("one", "exit 0"));
  await agent.updateOf("one", "TASK_FINISHED");
  agent.launch(shellTask("two", "exec sleep 1000"));
  await agent.updateOf("two", "TASK_RUNNING");
  executor.clock.advance(2 * ACKNOWLEDGE_WAIT_MS);
  agent.acks.release();
  agent.heartbeat();
  await eventually(
    "the update is acknowledged",
    () => agent.acks.waiting === 0,
  );
  await settled();
  assertEquals(executor.hasLeft, false);
  agent.kill("two");
  await eventually("the executor has left", () => {
    // The jump may have hit a call whose answer was on its way: it is repeated.
    executor.clock.advance(50);
    return executor.hasLeft;
  });
  assertEquals(agent.updates("two").at(-1)?.status.state, "TASK_KILLED");
  assertEquals(executor.failures, []);
  assertEquals(agent.violations, []);
});

Deno.test("executor waits longer than that for an agent that is away", async () => {
  await using daemon = await TestDaemon.start();
  await using agent = await FakeAgent.start({
    frameworkUser: await userName(),
  });
  await using executor = await InProcessExecutor.start(agent, daemon);
  const go = `${daemon.workDir}/go`;
  agent.launch(
    shellTask("one", `until [ -e ${go} ]; do sleep 0.02; done; exit 0`),
  );
  await agent.updateOf("one", "TASK_RUNNING");
  await agent.stop();
  await Deno.writeTextFile(go, "");
  await daemon.waitForState("one", "stopped");
  const advance = async () => {
    executor.clock.advance(1_000);
    await settled();
  };
  for (let times = 0; times < 300; times++) await advance();
  assertEquals(executor.hasLeft, false);
  await agent.restart();
  await eventually("the executor has left", async () => {
    await advance();
    return executor.hasLeft;
  });
  assertEquals(agent.updates("one").at(-1)?.status.state, "TASK_FINISHED");
  assertEquals(executor.failures, []);
  assertEquals(agent.violations, []);
});

Deno.test("executor without an agent does not leave a process behind that may be there", async () => {
  const world = new SimulatedWorld({ config: { checkpoint: false } });
  const { agent, daemon } = world;
  await world.start();
  daemon.answersToLose = 1;
  agent.launch([makeTask("one")], "single");
  await quiet();
  daemon.leave();
  await world.advance(15_000, 500);
  assertEquals(world.statesOf("one"), ["TASK_STARTING", "TASK_FAILED"]);
  agent.closeStream("broken");
  await world.advance(5_000, 500);
  assertEquals(world.hasLeft, false);
  daemon.comeBack();
  await world.advance(5_000, 500);
  assertEquals(daemon.ids, []);
  assertEquals(world.departure?.cause, "away");
  assertEquals(world.failures, []);
});

Deno.test("executor says why it leaves first, whatever comes while it does", async () => {
  const world = new SimulatedWorld({ config: { checkpoint: false } });
  const { agent, daemon } = world;
  daemon.obeys = () => false;
  await world.start();
  agent.launch([makeTask("one")], "single");
  await quiet();
  await world.acknowledge();
  agent.failure = "unauthorized";
  daemon.startAnew("one");
  await quiet();
  agent.closeStream("broken");
  await world.advance(10_000, 500);
  assertEquals(world.departure?.cause, "unauthorized");
  assertEquals(daemon.aliveIds, []);
  assertEquals(world.failures, []);
});

Deno.test("executor does not wait for an agent that answers nothing when it leaves", async () => {
  const world = new SimulatedWorld();
  const { agent } = world;
  await world.start();
  agent.launch([makeTask("one")], "single");
  await quiet();
  agent.latencyMs = () => Infinity;
  agent.kill("one");
  await world.advance(1_000, 50);
  await world.advance(ACKNOWLEDGE_WAIT_MS, 50);
  assertEquals(world.departure, null);
});
