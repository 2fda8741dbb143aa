import { FakeAgent } from "../../tests/support/fake_agent.ts";
import { executorArguments, socketPathOf } from "../permissions.ts";
import { readRssMib } from "./proc.ts";
import { BenchDaemon } from "./service.ts";
import { type Figure, summarize } from "./statistics.ts";

/** Time that a task runs before memory is read, ms. */
const SETTLE_MS = 500;

/**
 * Measures executors, each with one group of one task, towards a stand-in
 * agent and a real daemon: as one is started per task group, every figure is
 * that of a fresh executor.
 *
 * @param programs Folders of the bundles.
 * @param root Empty folder.
 * @param runs How many executors.
 * @param codec Their wire format.
 */
export async function benchExecutor(
  programs: { readonly daemon: string; readonly executor: string },
  root: string,
  runs: number,
  codec: "json" | "protobuf",
): Promise<Record<string, Figure>> {
  const daemon = new BenchDaemon(programs.daemon, root);
  await daemon.start();
  const subscribes: number[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  const memory: number[] = [];
  for (let run = 0; run < runs; run++) {
    const figures = await runOne(programs.executor, root, codec, run);
    subscribes.push(figures.subscribeMs);
    starts.push(figures.startMs);
    ends.push(figures.endMs);
    memory.push(figures.rssMib);
  }
  await daemon.stop();
  const suffix = codec === "json" ? "" : "_protobuf";
  return {
    ...(codec === "json"
      ? {
        launch_group_to_running_ms: summarize(starts, "ms"),
        kill_to_failed_ms: summarize(ends, "ms"),
      }
      : {}),
    [`executor_exec_to_subscribe${suffix}_ms`]: summarize(subscribes, "ms"),
    [`executor_rss${suffix}_mib`]: summarize(memory, "MiB"),
  };
}

async function runOne(
  program: string,
  root: string,
  codec: "json" | "protobuf",
  run: number,
) {
  const sandbox = await Deno.makeTempDir({ dir: root });
  await using agent = await FakeAgent.start();
  const taskId = `${codec}-${run}`;
  const execMs = performance.now();
  const executor = new Deno.Command(Deno.execPath(), {
    args: executorArguments(`${program}/main.js`, {
      endpoint: agent.endpoint,
      socket: socketPathOf(root),
      codec,
    }),
    cwd: sandbox,
    clearEnv: true,
    env: agent.executorEnvironment({ sandbox }),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await agent.subscribed();
  const subscribeMs = arrival(agent, "SUBSCRIBE") - execMs;
  // The executor's own start is over when a real scheduler's offer arrives.
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const sentMs = performance.now();
  agent.launchGroup([{
    name: taskId,
    task_id: { value: taskId },
    command: {
      shell: false,
      value: "/bin/sleep",
      arguments: ["sleep", "1000"],
    },
  }]);
  const running = await agent.updateOf(taskId, "TASK_RUNNING");
  const startMs = running.at - sentMs;
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const rssMib = await readRssMib(executor.pid);
  const pid = await findChild(taskId, root);
  const killedMs = performance.now();
  Deno.kill(pid, "SIGKILL");
  const failed = await agent.updateOf(taskId, "TASK_FAILED");
  const endMs = failed.at - killedMs;
  await executor.status;
  return { subscribeMs, startMs, rssMib, endMs };
}

function arrival(agent: FakeAgent, type: string): number {
  const call = agent.calls.find((call) => call.type === type);
  if (call === undefined) throw new Error(agent.describe());
  return call.at;
}

async function findChild(id: string, root: string): Promise<number> {
  const daemon = new BenchDaemon("", root);
  const { Pid } = await daemon.client.status(id);
  daemon.client.close();
  return Pid;
}
