import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { AppError } from "../../shared/errors.ts";
import type { ProcessInfo } from "../../shared/manager_api/types.ts";
import { TestDaemon } from "../support/test_daemon.ts";
import { eventually } from "./support/eventually.ts";
import { isAlive, membersOf } from "./support/proc.ts";
import {
  forking,
  linesOf,
  waitForLine,
  writeScript,
} from "./support/scripts.ts";

// The restart of a process, by stop and start or by a command of its own, and
// that it never runs twice: everything that runs says so in one file.

async function errorOf(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(() => null, (error) => error);
  assert(error instanceof AppError, `there is no error but ${error}`);
  return error;
}

/** Says its pid in `ID.pids` and stays. */
function noisy(daemon: TestDaemon, id: string): string {
  return `echo $$ >>${daemon.workDir}/${id}.pids; exec sleep 1000`;
}

/** The pids that ever ran, and those of them that are alive. */
async function pidsOf(daemon: TestDaemon, id: string) {
  const all = (await linesOf(`${daemon.workDir}/${id}.pids`)).map(Number);
  return { all, alive: all.filter(isAlive) };
}

/** States of a process in the order in which it had them. */
async function statesOf(daemon: TestDaemon, id: string): Promise<string[]> {
  const { History } = await daemon.client.inspect(id);
  const states = History.map(({ Status }) => Status.Status);
  return states.filter((state, index) => state !== states[index - 1]);
}

/** A server that leaves its parent, as {@linkcode forking}, that is noisy. */
async function server(
  daemon: TestDaemon,
  more: Partial<ProcessInfo> = {},
): Promise<string> {
  const definition = await forking(daemon, "one", noisy(daemon, "one"));
  return await daemon.create({ ...definition, ...more });
}

/** A restart command: ends the old server, waits for its end, starts another. */
function restartScript(daemon: TestDaemon, more = ""): Promise<string> {
  const pidFile = `${daemon.workDir}/one.pid`;
  return writeScript(
    daemon,
    "one.restart.sh",
    `old=$(cat ${pidFile})
kill $old
while kill -0 $old 2>/dev/null; do sleep 0.01; done
${more}
exec ${daemon.workDir}/one.start.sh`,
  );
}

Deno.test("restart stops and starts again, in one life", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({ Id: "one", StartCmd: noisy(daemon, "one") });
  const before = await daemon.waitForState(id, "running");
  await daemon.client.restart(id, 5);
  const after = await daemon.client.status(id);
  assertEquals([after.Status, after.Generation, after.Result], [
    "running",
    2,
    "none",
  ]);
  assertEquals([after.FinishTime, after.Signal, after.ExitKnown], [
    0,
    0,
    false,
  ]);
  assertNotEquals(after.Pid, before.Pid);
  assertEquals(membersOf(before.Pid), []);
  assertEquals(await statesOf(daemon, id), [
    "staging",
    "starting",
    "running",
    "stopping",
    "staging",
    "starting",
    "running",
  ]);
  await eventually(
    "both have said their pids",
    async () => (await pidsOf(daemon, id)).all.length === 2,
  );
  assertEquals((await pidsOf(daemon, id)).alive, [after.Pid]);
  await daemon.client.stop(id, 5);
  await daemon.client.delete(id);
  assertEquals([...Deno.readDirSync(`${daemon.dataDir}/run`)], []);
});

Deno.test("restart of a forking process takes its stop command", async () => {
  await using daemon = await TestDaemon.start();
  const id = await server(daemon, {
    StopCmd: `echo stop >>${daemon.workDir}/stops; kill $(cat one.pid)`,
  });
  const before = await daemon.waitForState(id, "running");
  for (const generation of [2, 3]) {
    await daemon.client.restart(id, 20);
    const { Generation } = await daemon.client.status(id);
    assertEquals(Generation, generation);
  }
  assert(!isAlive(before.Pid));
  assertEquals(await linesOf(`${daemon.workDir}/stops`), ["stop", "stop"]);
  const { Pid } = await daemon.client.status(id);
  assertEquals((await pidsOf(daemon, id)).alive, [Pid]);
});

Deno.test("restart starts a stopped process again", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "one",
    StartCmd: `${noisy(daemon, "one")}`,
    RestartCmd: "exit 1;",
  });
  await daemon.waitForState(id, "running");
  await daemon.client.stop(id, 5);
  await daemon.client.restart(id, 0);
  const { Status, Result, Generation } = await daemon.client.status(id);
  assertEquals([Status, Result, Generation], ["running", "none", 2]);
});

Deno.test("restart says why a process does not run again", async () => {
  await using daemon = await TestDaemon.start();
  const script = await writeScript(daemon, "one.sh", "exec sleep 1000");
  const id = await daemon.create({ Id: "one", StartCmd: script });
  await daemon.waitForState(id, "running");
  await Deno.remove(script);
  const { code, message } = await errorOf(daemon.client.restart(id, 5));
  assertEquals(code, "FAILED_PRECONDITION");
  assertStringIncludes(message, `${script} does not exist`);
  const { Status, Result } = await daemon.client.status(id);
  assertEquals([Status, Result], ["stopped", "start-failed"]);
  const unknown = await errorOf(daemon.client.restart("nobody", 5));
  assertEquals(unknown.code, "NOT_FOUND");
});

Deno.test("a stop cancels a restart, and is kept to", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "one",
    StartCmd: `trap 'echo term' TERM; echo ready; while :; do sleep 0.01; done`,
  });
  const log = `${daemon.logDir}/one.stdout`;
  await waitForLine(log, "ready");
  const restart = errorOf(daemon.client.restart(id, 60));
  await waitForLine(log, "term");
  const stop = daemon.client.stop(id, 1);
  const { code, message } = await restart;
  assertEquals(code, "FAILED_PRECONDITION");
  assertStringIncludes(message, "was stopped");
  await stop;
  const { Status, Result, Generation } = await daemon.client.status(id);
  assertEquals([Status, Result, Generation], ["stopped", "stopped", 1]);
  // The other way round the stop was first.
  await daemon.client.restart(id, 5);
  await eventually(
    "it is ready again",
    async () => (await linesOf(log)).filter((l) => l === "ready").length === 2,
  );
  const second = daemon.client.stop(id, 1);
  await daemon.waitFor(
    id,
    ({ Status, Generation }) => Status === "stopping" && Generation === 2,
  );
  const refused = await errorOf(daemon.client.restart(id, 5));
  assertStringIncludes(refused.message, "is being stopped");
  await second;
});

Deno.test("no process runs twice, whatever is asked at once", async () => {
  await using daemon = await TestDaemon.start();
  for (const [index, more] of [{}, { RestartCmd: "true" }].entries()) {
    const id = `p${index}`;
    await daemon.create({ Id: id, StartCmd: noisy(daemon, id), ...more });
    await daemon.waitForState(id, "running");
    for (let round = 0; round < 4; round++) {
      await Promise.allSettled([
        daemon.client.restart(id, 5),
        daemon.client.restart(id, 5),
        ...(round % 2 === 0 ? [] : [daemon.client.stop(id, 5)]),
        daemon.client.restart(id, 5),
      ]);
      assert((await pidsOf(daemon, id)).alive.length <= 1);
    }
    await daemon.client.restart(id, 5);
    const { Pid } = await daemon.client.status(id);
    await eventually(
      "it has said its pid",
      async () => (await pidsOf(daemon, id)).all.includes(Pid),
    );
    assertEquals((await pidsOf(daemon, id)).alive, [Pid]);
  }
});

Deno.test("a deleted process is not restarted", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({ Id: "one", StartCmd: noisy(daemon, "one") });
  await daemon.waitForState(id, "running");
  await daemon.client.stop(id, 5);
  const [, restarted] = await Promise.allSettled([
    daemon.client.delete(id),
    daemon.client.restart(id, 5),
  ]);
  const isThere = (await daemon.client.list()).length === 1;
  assertEquals(restarted.status === "fulfilled", isThere);
  const { alive } = await pidsOf(daemon, id);
  assert(isThere || alive.length === 0);
});

for (const forks of [false, true]) {
  const mode = forks ? "forking" : "simple";

  Deno.test(`a crash amid a restart loses nothing: ${mode}`, async () => {
    await using daemon = await TestDaemon.start();
    const id = forks
      ? await server(daemon)
      : await daemon.create({ Id: "one", StartCmd: noisy(daemon, "one") });
    await daemon.waitForState(id, "running");
    for (let generation = 2; generation < 8; generation++) {
      const restart = daemon.client.restart(id, 5).catch(() => "cut off");
      // Killed at another point of it each time.
      await daemon.waitFor(
        id,
        ({ Status, Generation }) =>
          generation % 3 === 0
            ? Status === "stopping" && Generation === generation - 1
            : generation % 3 === 1
            ? Generation === generation
            : Status === "starting" && Generation === generation,
      );
      await daemon.kill9();
      await restart;
      await daemon.run();
      const { Generation } = await daemon.waitFor(
        id,
        ({ Status, Generation }) =>
          Status === "running" && Generation >= generation,
      );
      // One that was not begun when the daemon died is begun as another.
      generation = Generation;
    }
    const { Pid } = await daemon.client.status(id);
    await eventually(
      "it has said its pid",
      async () => (await pidsOf(daemon, id)).all.includes(Pid),
    );
    assertEquals((await pidsOf(daemon, id)).alive, [Pid]);
  });
}

Deno.test("a restart command restarts a forking process", async () => {
  await using daemon = await TestDaemon.start();
  const id = await server(daemon, {
    RestartCmd: await restartScript(daemon),
  });
  const before = await daemon.waitForState(id, "running");
  await daemon.client.restart(id, 20);
  const after = await daemon.client.status(id);
  assertEquals([after.Status, after.Generation], ["running", 2]);
  assertNotEquals(after.Pid, before.Pid);
  assertEquals((await pidsOf(daemon, id)).alive, [after.Pid]);
  const states = await statesOf(daemon, id);
  assertEquals(states, [
    "staging",
    "starting",
    "running",
    "starting",
    "running",
  ]);
  // The new main process is watched as the old one was.
  Deno.kill(after.Pid, "SIGKILL");
  const { Result } = await daemon.waitForState(id, "stopped");
  assertEquals(Result, "unknown");
});

Deno.test("a restart command may leave its process as it is", async () => {
  await using daemon = await TestDaemon.start();
  for (const forks of [false, true]) {
    const RestartCmd = "echo restarted;";
    const id = forks
      ? await server(daemon, { RestartCmd })
      : await daemon.create({ Id: "simple", Argv: ["1000"], RestartCmd });
    const before = await daemon.waitForState(id, "running");
    await daemon.client.restart(id, 20);
    const after = await daemon.client.status(id);
    assertEquals([after.Status, after.Pid], ["running", before.Pid]);
    assertEquals(after.Generation, forks ? 2 : 1);
    await daemon.client.stop(id, 5);
    assert(!isAlive(before.Pid));
  }
});

Deno.test("a simple process that its restart command ends is started", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "one",
    StartCmd: noisy(daemon, "one"),
    RestartCmd: "kill -9 $(tail -n 1 one.pids);",
  });
  const before = await daemon.waitForState(id, "running");
  await eventually(
    "it has said its pid",
    async () => (await pidsOf(daemon, id)).all.length === 1,
  );
  await daemon.client.restart(id, 20);
  const { Pid, Generation, Status } = await daemon.client.status(id);
  assertEquals([Status, Generation], ["running", 2]);
  assert(!isAlive(before.Pid) && isAlive(Pid));
});

Deno.test("a restart command that fails changes nothing", async () => {
  await using daemon = await TestDaemon.start();
  for (const forks of [false, true]) {
    // It leaves somebody behind, too.
    const RestartCmd = "sleep 1000 & echo $! >left; echo why >&2; exit 3;";
    const id = forks
      ? await server(daemon, { RestartCmd })
      : await daemon.create({ Id: "simple", Argv: ["1000"], RestartCmd });
    const before = await daemon.waitForState(id, "running");
    const { code, message } = await errorOf(daemon.client.restart(id, 20));
    assertEquals(code, "FAILED_PRECONDITION");
    assertStringIncludes(message, "exited with code 3: why");
    const after = await daemon.client.status(id);
    assertEquals([after.Status, after.Pid, after.Generation], [
      "running",
      before.Pid,
      1,
    ]);
    const left = Number((await linesOf(`${daemon.workDir}/left`))[0]);
    await eventually("what it left is gone", () => !isAlive(left));
    // The next one is another: it is not taken for this.
    await errorOf(daemon.client.restart(id, 20));
    await daemon.client.stop(id, 5);
    assert(!isAlive(before.Pid));
  }
});

Deno.test("a restart command that hangs is killed in time", async () => {
  await using daemon = await TestDaemon.start();
  const id = await server(daemon, { RestartCmd: "echo $$ >hung; sleep 1000;" });
  const before = await daemon.waitForState(id, "running");
  const { message } = await errorOf(daemon.client.restart(id, 1));
  assertStringIncludes(message, "signal 9");
  const hung = Number((await linesOf(`${daemon.workDir}/hung`))[0]);
  await eventually("its session is gone", () => !membersOf(hung).length);
  const { Status, Pid } = await daemon.client.status(id);
  assertEquals([Status, Pid], ["running", before.Pid]);
});

Deno.test("a restart command after which nobody runs is a failed start", async () => {
  await using daemon = await TestDaemon.start();
  const id = await server(daemon, {
    StartGracePeriod: 1,
    RestartCmd: "kill $(cat one.pid); rm one.pid;",
  });
  const { Pid } = await daemon.waitForState(id, "running");
  const { code, message } = await errorOf(daemon.client.restart(id, 20));
  assertEquals(code, "FAILED_PRECONDITION");
  assertStringIncludes(message, "failed to start");
  const { Status, Result } = await daemon.client.status(id);
  assertEquals([Status, Result], ["stopped", "start-failed"]);
  assert(!isAlive(Pid));
});

Deno.test("a stop ends a restart command, and all that it started", async () => {
  await using daemon = await TestDaemon.start();
  for (const forks of [false, true]) {
    const RestartCmd = forks
      ? await restartScript(
        daemon,
        `${daemon.workDir}/one.start.sh; echo $$ >up; sleep 1000`,
      )
      : "echo $$ >up; sleep 1000;";
    const id = forks
      ? await server(daemon, { RestartCmd })
      : await daemon.create({ Id: "simple", Argv: ["1000"], RestartCmd });
    await daemon.waitForState(id, "running");
    const restart = errorOf(daemon.client.restart(id, 60));
    const helper = await eventually(
      "the restart command is at work",
      async () => Number((await linesOf(`${daemon.workDir}/up`))[0]),
    );
    await daemon.client.stop(id, 5);
    assertStringIncludes((await restart).message, "was stopped");
    assertEquals(membersOf(helper), []);
    assertEquals((await pidsOf(daemon, "one")).alive, []);
    assertEquals((await daemon.client.status(id)).Result, "stopped");
    await Deno.remove(`${daemon.workDir}/up`);
  }
});

Deno.test("a crash amid a restart command is no second restart", async () => {
  await using daemon = await TestDaemon.start();
  const go = `${daemon.workDir}/go`;
  const id = await server(daemon, {
    RestartCmd: await restartScript(
      daemon,
      `echo up >>up; until [ -e ${go} ]; do sleep 0.01; done`,
    ),
  });
  await daemon.waitForState(id, "running");
  const restart = daemon.client.restart(id, 60).catch(() => "cut off");
  await waitForLine(`${daemon.workDir}/up`, "up");
  await daemon.restart();
  await restart;
  assertEquals((await daemon.client.status(id)).Status, "starting");
  await Deno.writeTextFile(go, "");
  const { Pid } = await daemon.waitFor(
    id,
    ({ Status, Generation }) => Status === "running" && Generation === 2,
  );
  assertEquals(await linesOf(`${daemon.workDir}/up`), ["up"]);
  assertEquals((await pidsOf(daemon, id)).alive, [Pid]);
});

Deno.test("a crash amid the stop of a restart command ends it", async () => {
  await using daemon = await TestDaemon.start();
  const id = await server(daemon, { RestartCmd: "echo $$ >up; sleep 1000;" });
  const { Pid } = await daemon.waitForState(id, "running");
  const restart = daemon.client.restart(id, 60).catch(() => "cut off");
  const helper = await eventually(
    "the restart command is at work",
    async () => Number((await linesOf(`${daemon.workDir}/up`))[0]),
  );
  const stop = daemon.client.stop(id, 60).catch(() => "cut off");
  await daemon.waitForState(id, "stopping");
  await daemon.restart();
  await Promise.all([restart, stop]);
  const { Result } = await daemon.waitForState(id, "stopped");
  assertEquals(Result, "stopped");
  assertEquals([isAlive(Pid), membersOf(helper)], [false, []]);
});

Deno.test("a hung restart command of before a crash is killed in time", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "one",
    Argv: ["1000"],
    RestartCmd: "echo $$ >up; sleep 1000;",
  });
  const { Pid } = await daemon.waitForState(id, "running");
  const restart = daemon.client.restart(id, 2).catch(() => "cut off");
  const helper = await eventually(
    "the restart command is at work",
    async () => Number((await linesOf(`${daemon.workDir}/up`))[0]),
  );
  await daemon.restart();
  await restart;
  const after = await daemon.waitFor(
    id,
    ({ Message }) => Message.includes("running still"),
  );
  assertEquals(after.Pid, Pid);
  await eventually("its session is gone", () => !membersOf(helper).length);
});

Deno.test("a crash while a restarted process is looked for is none", async () => {
  await using daemon = await TestDaemon.start();
  const go = `${daemon.workDir}/go`;
  const late = await writeScript(
    daemon,
    "late.sh",
    `echo late >late; until [ -e ${go} ]; do sleep 0.01; done
exec ${daemon.workDir}/one.start.sh`,
  );
  const id = await server(daemon, {
    RestartCmd: `kill $(cat one.pid); rm one.pid; ${late} &`,
  });
  await daemon.waitForState(id, "running");
  const restart = daemon.client.restart(id, 60).catch(() => "cut off");
  await daemon.waitFor(
    id,
    ({ Status, Message }) =>
      Status === "starting" && Message.includes("own command"),
  );
  const folder = `${daemon.dataDir}/run/1.1`;
  await eventually(
    "the restart command has ended",
    () =>
      [...Deno.readDirSync(folder)].some(({ name }) =>
        name.startsWith("restart.") &&
        [...Deno.readDirSync(`${folder}/${name}`)].some(({ name }) =>
          name === "exit"
        )
      ),
  );
  await waitForLine(`${daemon.workDir}/late`, "late");
  await daemon.restart();
  await restart;
  await Deno.writeTextFile(go, "");
  const { Pid, Generation } = await daemon.waitFor(
    id,
    ({ Status, Generation }) => Status === "running" && Generation > 1,
  );
  assertEquals(Generation, 2);
  assertEquals((await pidsOf(daemon, id)).alive, [Pid]);
  await daemon.client.stop(id, 5);
  assertEquals((await pidsOf(daemon, id)).alive, []);
});
