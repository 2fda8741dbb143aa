import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AppError } from "../../shared/errors.ts";
import type { RestartPolicy } from "../../shared/manager_api/types.ts";
import { TestDaemon } from "../support/test_daemon.ts";
import { eventually } from "./support/eventually.ts";
import { isAlive } from "./support/proc.ts";
import { linesOf, writeScript } from "./support/scripts.ts";

// Processes that the daemon starts again by itself.

/** The shortest wait there is is a second. */
const SOON: RestartPolicy = {
  Policy: "OnFailure",
  Interval: 0,
  Backoff: 0,
  MaxTimes: 0,
};
/** Long enough to do something meanwhile, and for nothing else. */
const LATER: RestartPolicy = { ...SOON, Interval: 3_600 };

/** Has the process note its start, then do as it is told. */
function write(daemon: TestDaemon, then: string): Promise<string> {
  return writeScript(daemon, "start.sh", `echo $$ >>starts; ${then}`);
}

async function create(
  daemon: TestDaemon,
  then: string,
  RestartPolicy: RestartPolicy,
): Promise<string> {
  const StartCmd = await write(daemon, then);
  return await daemon.create({ Id: "one", StartCmd, RestartPolicy });
}

function startsOf(daemon: TestDaemon): Promise<string[]> {
  return linesOf(`${daemon.workDir}/starts`);
}

async function waitUntilItWaits(daemon: TestDaemon, id: string) {
  return await daemon.waitFor(id, ({ NextStartTime }) => NextStartTime !== 0);
}

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(() => null, (error) => error);
  assert(error instanceof AppError, `there is no error but ${error}`);
  return error.message;
}

Deno.test("daemon starts a process again until its policy gives it up", async () => {
  await using daemon = await TestDaemon.start();
  const id = await create(daemon, "exit 7", { ...SOON, MaxTimes: 2 });
  const waiting = await waitUntilItWaits(daemon, id);
  assertEquals([waiting.Status, waiting.ExitCode, waiting.ExitKnown], [
    "starting",
    7,
    true,
  ]);
  const { Restarts, Generation, Message, Result } = await daemon.waitForState(
    id,
    "stopped",
  );
  assertEquals([Restarts, Generation, Result], [2, 3, "start-failed"]);
  assertStringIncludes(Message, "it was started again 2 times");
  assertEquals((await startsOf(daemon)).length, 3);
  // Whoever asks for it starts it all the same, and begins to count anew.
  await daemon.client.restart(id, 0).catch(() => {});
  const anew = await daemon.waitFor(
    id,
    (status) => status.Generation === 4 && status.NextStartTime !== 0,
  );
  assertStringIncludes(anew.Message, "start again 1 of 2 comes after 1 s");
  const { History } = await daemon.client.inspect(id);
  assertStringIncludes(
    History.filter(({ Cause }) => Cause === "ended")[0]?.Detail ?? "",
    "it exited with code 7; now: backoff",
  );
});

Deno.test("daemon leaves alone what has done its job", async () => {
  await using daemon = await TestDaemon.start();
  const id = await create(daemon, "exit 0", SOON);
  const { Result, Restarts } = await daemon.waitForState(id, "stopped");
  assertEquals([Result, Restarts], ["exited", 0]);
});

Deno.test("daemon goes on with a wait that a crash interrupts", async () => {
  await using daemon = await TestDaemon.start();
  const id = await create(daemon, "exit 7", LATER);
  const { NextStartTime } = await waitUntilItWaits(daemon, id);
  await daemon.restart();
  const after = await daemon.client.status(id);
  assertEquals([after.Status, after.NextStartTime], [
    "starting",
    NextStartTime,
  ]);
  assertEquals((await startsOf(daemon)).length, 1);
});

Deno.test("daemon starts once what came due while there was none", async () => {
  await using daemon = await TestDaemon.start();
  const id = await create(
    daemon,
    "[ -e again ] && exec sleep 1000; touch again; exit 7",
    SOON,
  );
  const { NextStartTime = 0 } = await waitUntilItWaits(daemon, id);
  await daemon.kill9();
  await eventually(
    "its wait is over",
    () => Date.now() > (NextStartTime + 1) * 1000,
  );
  await daemon.run();
  const { Generation, Restarts } = await daemon.waitFor(
    id,
    (status) => status.Status === "running" && status.Generation > 1,
  );
  assertEquals([Generation, Restarts], [2, 1]);
  await daemon.restart();
  assertEquals((await daemon.client.status(id)).Generation, 2);
  assertEquals((await startsOf(daemon)).length, 2);
});

Deno.test("daemon keeps the count of starts over its own crash", async () => {
  await using daemon = await TestDaemon.start();
  const id = await create(daemon, "exec sleep 1000", { ...SOON, MaxTimes: 2 });
  for (let restarts = 0; restarts < 2; restarts++) {
    const { Pid } = await daemon.waitFor(
      id,
      (status) => status.Status === "running" && status.Restarts === restarts,
    );
    // It counts its starts itself, in its first line.
    await eventually(
      "it has begun",
      async () => (await startsOf(daemon)).length === restarts + 1,
    );
    // It ends while nobody looks.
    await daemon.kill9();
    Deno.kill(Pid, "SIGKILL");
    await eventually("it is gone", () => !isAlive(Pid));
    await daemon.run();
  }
  const { Pid } = await daemon.waitFor(
    id,
    ({ Status, Restarts }) => Status === "running" && Restarts === 2,
  );
  assertEquals((await daemon.client.status(id)).Pid, Pid);
  await eventually(
    "it has begun",
    async () => (await startsOf(daemon)).length === 3,
  );
  Deno.kill(Pid, "SIGKILL");
  const { Message } = await daemon.waitForState(id, "stopped");
  assertStringIncludes(Message, "it was started again 2 times");
  assertEquals((await startsOf(daemon)).length, 3);
});

Deno.test("a process that waits can be stopped, started, but not deleted", async () => {
  await using daemon = await TestDaemon.start();
  const id = await create(daemon, "exit 7", LATER);
  await waitUntilItWaits(daemon, id);
  assertStringIncludes(
    await messageOf(daemon.client.delete(id)),
    `process ${id} status starting can't be deleted`,
  );
  await daemon.client.stop(id, 1);
  const stopped = await daemon.client.status(id);
  assertEquals(
    [stopped.Status, stopped.Result, stopped.ExitCode, stopped.NextStartTime],
    ["stopped", "stopped", 7, 0],
  );
  // A restart that fails does not wait for the next one.
  await Deno.remove(`${daemon.workDir}/start.sh`);
  assertStringIncludes(
    await messageOf(daemon.client.restart(id, 0)),
    "start again 1 comes after 3600 s",
  );
  await write(daemon, "exec sleep 1000");
  await daemon.client.restart(id, 0);
  const { Status, Restarts } = await daemon.client.status(id);
  assertEquals([Status, Restarts], ["running", 0]);
  await daemon.client.stop(id, 1);
  await daemon.client.delete(id);
});

Deno.test("daemon keeps the run folders of the latest starts alone", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({ Id: "one", Argv: ["1000"] });
  await daemon.waitForState(id, "running");
  for (let time = 0; time < 12; time++) await daemon.client.restart(id, 1);
  const folders = () =>
    [...Deno.readDirSync(`${daemon.dataDir}/run`)].map(({ name }) =>
      Number(name.split(".")[1])
    ).sort((a, b) => a - b);
  assertEquals(folders(), [4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  await daemon.client.stop(id, 1);
  await daemon.client.delete(id);
  assertEquals(folders(), []);
});
