import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { TestDaemon } from "../support/test_daemon.ts";
import { eventually } from "./support/eventually.ts";
import { isAlive, livingIn } from "./support/proc.ts";
import { forking, linesOf, writeScript } from "./support/scripts.ts";

// Processes that run once their CheckCmd says so.

/** Creates a process whose check succeeds once there is a file `well`. */
async function create(daemon: TestDaemon, more = {}): Promise<string> {
  const check = await writeScript(
    daemon,
    "check.sh",
    'echo "$NAME $(pwd)" >>checks; [ -e well ] || { echo not yet >&2; exit 3; }',
  );
  return await daemon.create({
    Id: "one",
    Argv: ["1000"],
    Envs: ["PATH=/usr/bin:/bin", "NAME=value"],
    CheckCmd: check,
    StartGracePeriod: 30,
    ...more,
  });
}

async function makeWell(daemon: TestDaemon): Promise<void> {
  await Deno.writeTextFile(`${daemon.workDir}/well`, "");
}

async function untilChecked(daemon: TestDaemon): Promise<void> {
  const path = `${daemon.workDir}/checks`;
  const before = (await linesOf(path)).length;
  await eventually(
    "it was checked",
    async () => (await linesOf(path)).length > before,
  );
}

Deno.test("a checked process runs once its check succeeds", async () => {
  await using daemon = await TestDaemon.start();
  const id = await create(daemon);
  await untilChecked(daemon);
  await untilChecked(daemon);
  const { Status, Healthy, Pid } = await daemon.client.status(id);
  assertEquals([Status, Healthy, isAlive(Pid)], ["starting", false, true]);
  const request = {
    Cmd: ["true"],
    Envs: [],
    User: "",
    WorkDir: "",
    Timeout: 9,
  };
  const refusal = await assertRejects(() => daemon.client.exec(id, request));
  assertStringIncludes(String(refusal), "must be running");
  await makeWell(daemon);
  const running = await daemon.waitForState(id, "running");
  assertEquals([running.Healthy, running.Pid], [true, Pid]);
  assertEquals(
    (await linesOf(`${daemon.workDir}/checks`))[0],
    `value ${daemon.workDir}`,
  );
  await daemon.client.stop(id, 5);
  assertEquals((await daemon.client.status(id)).Healthy, false);
});

Deno.test("a forking process is checked as well", async () => {
  await using daemon = await TestDaemon.start();
  const id = await create(daemon, {
    Argv: null,
    ...await forking(daemon, "one"),
  });
  await untilChecked(daemon);
  const { Status, Pid } = await daemon.client.status(id);
  assertEquals([Status, isAlive(Pid)], ["starting", true]);
  await makeWell(daemon);
  assertEquals((await daemon.waitForState(id, "running")).Pid, Pid);
});

Deno.test("a process that is never well is stopped, and it is said why", async () => {
  await using daemon = await TestDaemon.start();
  const id = await create(daemon, { StartGracePeriod: 1 });
  const { Pid, Result, Message } = await daemon.waitForState(id, "stopped");
  assertEquals([Result, isAlive(Pid)], ["start-failed", false]);
  assertEquals(
    Message,
    "process one failed to start: its check command exited with code 3: " +
      "not yet",
  );
  const { Detail } = (await daemon.client.inspect(id)).History
    .find(({ Cause }) => Cause === "checkFailed") ?? {};
  assertEquals(
    Detail,
    "its check command exited with code 3: not yet; now: sigterm",
  );
});

Deno.test("a check command that does not exist fails its process", async () => {
  await using daemon = await TestDaemon.start();
  const id = await create(daemon, {
    CheckCmd: "/no/such",
    StartGracePeriod: 1,
  });
  const { Result, Message } = await daemon.waitForState(id, "stopped");
  assertEquals(Result, "start-failed");
  assertStringIncludes(Message, "/no/such does not exist");
});

Deno.test("a start is checked anew after a crash of the daemon", async () => {
  await using daemon = await TestDaemon.start();
  const id = await create(daemon);
  await untilChecked(daemon);
  const { Pid } = await daemon.client.status(id);
  await daemon.restart();
  await untilChecked(daemon);
  assertEquals((await daemon.client.status(id)).Status, "starting");
  await makeWell(daemon);
  const running = await daemon.waitForState(id, "running");
  assertEquals([running.Pid, running.Generation], [Pid, 1]);
});

Deno.test("an end before the first success is a failed start", async () => {
  await using daemon = await TestDaemon.start();
  const id = await create(daemon);
  await untilChecked(daemon);
  Deno.kill((await daemon.client.status(id)).Pid, "SIGKILL");
  const { Result, Signal } = await daemon.waitForState(id, "stopped");
  assertEquals([Result, Signal], ["start-failed", 9]);
});

Deno.test("a stop leaves nothing of a check that hangs, a leaving daemon neither", async () => {
  await using daemon = await TestDaemon.start();
  const check = await writeScript(daemon, "hang.sh", "echo >>checks; sleep 99");
  const id = await create(daemon, { CheckCmd: check });
  await untilChecked(daemon);
  await daemon.leave();
  assertEquals(livingIn(daemon.workDir).length, 1);
  const checks = await linesOf(`${daemon.workDir}/checks`);
  await daemon.run();
  await eventually(
    "it is checked once more",
    async () =>
      (await linesOf(`${daemon.workDir}/checks`)).length > checks.length,
  );
  await daemon.client.stop(id, 5);
  assertEquals(livingIn(daemon.workDir), []);
  const { Status, Result } = await daemon.client.status(id);
  assert(Status === "stopped" && Result !== "none");
});
