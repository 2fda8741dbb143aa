import { assertEquals } from "@std/assert";
import { eventually } from "../daemon/support/eventually.ts";
import { linesOf, writeScript } from "../daemon/support/scripts.ts";
import { bcsTask, startChain } from "../support/test_executor.ts";

Deno.test("executor reports a task as running once its checkCmd succeeds", async () => {
  await using chain = await startChain({
    codec: "json",
    chunking: "random",
  });
  const { agent, daemon, executor } = chain;
  const checkCmd = await writeScript(
    daemon,
    "check.sh",
    "echo >>checks; [ -e well ]",
  );
  agent.launch(bcsTask("one", {
    workPath: daemon.workDir,
    startCmd: "exec sleep 1000",
    startGracePeriod: 30,
    checkCmd,
  }));
  const statesOf = () => agent.updates("one").map(({ status }) => status.state);
  await eventually(
    "it was checked twice",
    async () => (await linesOf(`${daemon.workDir}/checks`)).length > 1,
  );
  assertEquals(statesOf(), ["TASK_STARTING"]);
  await Deno.writeTextFile(`${daemon.workDir}/well`, "");
  await agent.updateOf("one", "TASK_RUNNING");
  agent.kill("one");
  assertEquals(await executor.exit(), 0);
  assertEquals(statesOf(), ["TASK_STARTING", "TASK_RUNNING", "TASK_KILLED"]);
});

Deno.test("executor reports a task that was never well as failed, once", async () => {
  await using chain = await startChain({
    codec: "protobuf",
    chunking: "record",
  });
  const { agent, daemon, executor } = chain;
  agent.launch(bcsTask("one", {
    workPath: daemon.workDir,
    startCmd: "exec sleep 1000",
    startGracePeriod: 1,
    checkCmd: "echo no realm; exit 4",
  }));
  assertEquals(await executor.exit(), 0);
  const statuses = agent.updates("one").map(({ status }) => status);
  assertEquals(statuses.map(({ state }) => state), [
    "TASK_STARTING",
    "TASK_FAILED",
  ]);
  assertEquals(
    statuses.at(-1)?.message,
    "process one failed to start: its check command exited with code 4: " +
      "no realm",
  );
});
