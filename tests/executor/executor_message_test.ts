/** What the BCS scheduler sends, through the whole chain, to real processes. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { assert } from "../../shared/errors.ts";
import { eventually } from "../daemon/support/eventually.ts";
import type { FakeAgent } from "../support/fake_agent.ts";
import {
  bcsTask,
  shellTask,
  startChain,
  type TestChain,
} from "../support/test_executor.ts";

const isRoot = Deno.uid() === 0;

/** Writes what happens to it into files, and asks for more by nothing. */
const SERVER = 'trap "echo reloaded >>$0.hup" HUP; ' +
  'trap "echo usr1 >>$0.usr1" USR1; echo $$ >>$0.pids; ' +
  "while :; do sleep 0.05; done";

/** An answer, as far as these tests look into it. */
interface Answer {
  readonly Id: number;
  readonly Type: number;
  readonly Status: string;
  readonly Message: string;
  readonly TaskStatus?: string;
  readonly ResponseCommandTask?: {
    readonly Status: string;
    readonly CommInspect: {
      readonly exitCode: number;
      readonly stdout: string;
    };
  };
}

let lastId = 0;

/** Sends a message as the scheduler encodes it, and waits for its answer. */
async function ask(
  agent: FakeAgent,
  message: Readonly<Record<string, unknown>>,
): Promise<Answer> {
  const Id = ++lastId;
  const json = JSON.stringify({
    Id,
    TaskGroupId: "group",
    TaskID: { value: "one" },
    Status: "staging",
    Message: "",
    CompleteTime: 0,
    CreateTime: 1,
    ...message,
  });
  agent.sendMessage(new TextEncoder().encode(json).toBase64());
  let answer: Answer | undefined;
  await eventually(`an answer to ${json}`, () => {
    answer = agent.messages.map((text): Answer => JSON.parse(text))
      .find((answer) => answer.Id === Id);
    return answer !== undefined;
  });
  assert(answer !== undefined, "it was just found");
  return answer;
}

/** A chain with one server that writes into its work folder. */
async function startServer(): Promise<TestChain & { readonly name: string }> {
  const chain = await startChain();
  const name = `${chain.daemon.workDir}/server`;
  chain.agent.launch(shellTask("one", SERVER, {
    shell: false,
    value: "/bin/sh",
    arguments: ["sh", "-c", SERVER, name],
  }));
  await chain.agent.updateOf("one", "TASK_RUNNING");
  await eventually("the server is up", () => linesOf(`${name}.pids`) === 1);
  return { ...chain, name };
}

function linesOf(path: string): number {
  try {
    return Deno.readTextFileSync(path).split("\n").length - 1;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

Deno.test("a running task is reloaded, signalled and restarted by messages", async () => {
  await using chain = await startServer();
  const { agent, daemon, executor, name } = chain;
  assertEquals(
    (await ask(agent, { Type: 10, ReloadTask: {} })).Status,
    "success",
  );
  await eventually("it has reloaded", () => linesOf(`${name}.hup`) === 1);

  const Sig = { Signal: 10, ProcessName: "" };
  assertEquals((await ask(agent, { Type: 2, Sig })).Status, "success");
  await eventually("it was signalled", () => linesOf(`${name}.usr1`) === 1);

  const before = await daemon.client.status("one");
  // For all tasks of the group: there is one.
  const restart = { Type: 11, RestartTask: {}, TaskID: null };
  assertEquals((await ask(agent, restart)).Status, "success");
  await eventually("the next has begun", () => linesOf(`${name}.pids`) === 2);
  const after = await daemon.client.status("one");
  assertEquals([after.Status, after.Generation], ["running", 2]);
  assert(after.Pid !== before.Pid, "it is another process");
  await eventually(
    "TASK_RUNNING is reported anew",
    () => agent.updates("one").length === 3,
  );
  assertEquals(
    agent.updates("one").map(({ status }) => status.state),
    ["TASK_STARTING", "TASK_RUNNING", "TASK_RUNNING"],
  );
  agent.kill("one");
  assertEquals(await executor.exit(), 0);
  assertEquals(agent.updates("one").at(-1)?.status.state, "TASK_KILLED");
  assertEquals(agent.violations, []);
});

Deno.test("a file comes by a message, before the reload that was sent after it", async () => {
  await using chain = await startServer();
  const { agent, daemon, name } = chain;
  const To = `${daemon.workspaceDir}/conf/game.conf`;
  const Base64 = btoa("speed=9\n");
  const sent = [
    ask(agent, { Type: 1, Local: { To, Right: "rw", User: "", Base64 } }),
    ask(agent, { Type: 10, ReloadTask: {} }),
  ];
  for (const answer of sent) assertEquals((await answer).Status, "success");
  assertEquals(await Deno.readTextFile(To), "speed=9\n");
  assertEquals(((await Deno.stat(To)).mode ?? 0) & 0o777, 0o660);
  await eventually("it has reloaded", () => linesOf(`${name}.hup`) === 1);
  const outside = await ask(agent, {
    Type: 1,
    Local: { To: "/etc/bcs-process-test", Right: "r", User: "", Base64 },
  });
  assertEquals(outside.Status, "failed");
  assertStringIncludes(outside.Message, "file_dirs");
});

Deno.test("a command is run in a task's context and answered", async () => {
  await using chain = await startServer();
  const { agent, executor } = chain;
  const { Type, ResponseCommandTask } = await ask(agent, {
    Type: 12,
    RequestCommandTask: {
      ID: "command-1",
      TaskId: "one",
      Cmd: ["/bin/sh", "-c", 'echo "$A in $PWD"; exit 3'],
      Env: ["A=b"],
    },
  });
  assertEquals(Type, 13);
  assertEquals(ResponseCommandTask?.Status, "finish");
  assertEquals(ResponseCommandTask?.CommInspect.exitCode, 3);
  assertEquals(
    ResponseCommandTask?.CommInspect.stdout,
    `b in ${executor.sandbox}\n`,
  );
});

Deno.test("a status is told, an image is not, and nobody else's task either", async () => {
  await using chain = await startChain();
  const { agent, daemon } = chain;
  const startCmd = "exec sleep 1000";
  agent.launch(bcsTask("one", { startCmd, procName: "sleep" }));
  await agent.updateOf("one", "TASK_RUNNING");
  const { Pid } = await daemon.client.status("one");
  const { Type, TaskStatus = "" } = await ask(agent, {
    Type: 6,
    TaskStatusQuery: { Reason: "" },
  });
  assertEquals(Type, 14);
  const told = JSON.parse(atob(TaskStatus));
  assertEquals([told.Pid, told.Status, told.Healthy], [Pid, "running", true]);
  const commit = { Type: 9, CommitTask: { Tasks: [] } };
  assertStringIncludes((await ask(agent, commit)).Message, "not supported");
  const TaskID = { value: "two" };
  const stranger = await ask(agent, { Type: 10, ReloadTask: {}, TaskID });
  assertEquals(stranger.Status, "failed");
  assertStringIncludes(stranger.Message, '"two"');
});

Deno.test({
  name: "the limits of a running task are changed by a message" +
    (isRoot ? "" : " (skipped: needs root, to make control groups)"),
  ignore: !isRoot,
  async fn() {
    await using chain = await startChain();
    const { agent, daemon } = chain;
    agent.launch(bcsTask("one", { startCmd: "exec sleep 1000" }));
    await agent.updateOf("one", "TASK_RUNNING");
    const Resources = [{ TaskId: "one", Cpu: 0.5, Mem: 64 }];
    const { Status, Message } = await ask(agent, {
      Type: 8,
      UpdateTaskResources: { Resources },
    });
    assertEquals([Status, Message], ["success", ""]);
    const { Info } = await daemon.client.inspect("one");
    assertEquals(Info.LimitResources?.Mem, 64);
  },
});

Deno.test("a BCS task carries what its scheduler reads, from beginning to end", async () => {
  await using chain = await startChain();
  const { agent, daemon } = chain;
  const startCmd = "until [ -e go ]; do sleep 0.02; done; exit 4";
  const workPath = daemon.workDir;
  agent.launch(bcsTask("one", { startCmd, workPath, procName: "sh" }));
  const running = await agent.updateOf("one", "TASK_RUNNING");
  const { Pid } = await daemon.client.status("one");
  assertEquals(running.status.healthy, true);
  const info = JSON.parse(atob(running.status.data ?? ""));
  assertEquals([info.ID, info.Name, info.Pid, info.Status], [
    "one",
    "sh",
    Pid,
    "running",
  ]);
  await Deno.writeTextFile(`${workPath}/go`, "");
  const { status } = await agent.updateOf("one", "TASK_FAILED");
  const end = JSON.parse(atob(status.data ?? ""));
  assertEquals([end.Status, end.ExitCode], ["exited", 4]);
  assert(Date.parse(end.FinishAt) >= Date.parse(end.StartAt), "in this order");
  assertStringIncludes(end.Message, "exited with code 4");
});

Deno.test("a health check by command sees the process's own world", async () => {
  await using chain = await startChain();
  const { agent, executor } = chain;
  agent.launch({
    ...shellTask("one", "exec sleep 1000"),
    health_check: {
      type: "COMMAND",
      command: { value: "test -e healthy" },
      delay_seconds: 0,
      interval_seconds: 0.1,
      grace_period_seconds: 0,
      consecutive_failures: 3,
    },
  });
  await Deno.writeTextFile(`${executor.sandbox}/healthy`, "");
  const isHealthy = () => agent.updates("one").at(-1)?.status.healthy;
  await eventually("it is healthy", () => isHealthy() === true);
  await Deno.remove(`${executor.sandbox}/healthy`);
  const { status } = await agent.updateOf("one", "TASK_KILLED");
  assertEquals(status.healthy, false);
  assertEquals(status.reason, "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED");
  assertEquals(await executor.exit(), 0);
  assertEquals(agent.violations, []);
});
