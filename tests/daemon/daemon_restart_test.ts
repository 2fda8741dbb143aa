import type { ProcessStatusInfo } from "../../shared/manager_api/types.ts";
import { DatabaseSync } from "node:sqlite";
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { AppError } from "../../shared/errors.ts";
import { TestDaemon } from "../support/test_daemon.ts";
import { eventually } from "./support/eventually.ts";
import { isAlive, membersOf, readStat } from "./support/proc.ts";
import {
  forking,
  linesOf,
  waitForLine,
  writeScript,
} from "./support/scripts.ts";

// The daemon is killed with SIGKILL and started again: no process may notice.

/** Runs until a file is there, then ends with the code in it. */
function untilTold(daemon: TestDaemon, id: string): string {
  const file = `${daemon.workDir}/${id}.end`;
  return `echo ready; until [ -s ${file} ]; do sleep 0.01; done; ` +
    `exit $(cat ${file})`;
}

async function tellEnd(daemon: TestDaemon, id: string, code: number) {
  const file = `${daemon.workDir}/${id}.end`;
  await Deno.writeTextFile(`${file}.new`, `${code}`);
  await Deno.rename(`${file}.new`, file);
}

/** The record that a launcher leaves. */
function exitFileOf(daemon: TestDaemon, number: number): string {
  return `${daemon.dataDir}/run/${number}.1/exit`;
}

Deno.test("daemon adopts what runs, and can stop it", async () => {
  await using daemon = await TestDaemon.start();
  const simple = await daemon.create({ Id: "simple", Argv: ["1000"] });
  const forked = await daemon.create(await forking(daemon, "forked"));
  const before = [
    await daemon.waitForState(simple, "running"),
    await daemon.waitForState(forked, "running"),
  ];
  await daemon.restart();
  for (const [index, id] of [simple, forked].entries()) {
    const status = await daemon.client.status(id);
    assertEquals(withoutMeasured(status), before[index]);
  }
  assert(before.every(({ Pid }) => isAlive(Pid)));
  await daemon.client.stop(simple, 5);
  await daemon.client.stop(forked, 5);
  assert(before.every(({ Pid }) => !isAlive(Pid)));
  assertEquals((await daemon.client.status(simple)).Signal, 15);
});

Deno.test("daemon knows the exit code of what ended without it", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "one",
    StartCmd: untilTold(daemon, "one"),
  });
  await waitForLine(`${daemon.logDir}/one.stdout`, "ready");
  const { LastStartTime } = await daemon.waitForState(id, "running");
  await daemon.kill9();
  await eventually(
    "the process is over a second old",
    () => Date.now() > (LastStartTime + 2) * 1000,
  );
  await tellEnd(daemon, id, 42);
  const exitFile = exitFileOf(daemon, 1);
  await eventually(
    "the end is recorded",
    () => linesOf(exitFile).then((l) => l.length),
  );
  const { mtime } = await Deno.stat(exitFile);
  await daemon.run();
  const status = await daemon.waitForState(id, "stopped");
  assertEquals([status.Result, status.ExitCode, status.ExitKnown], [
    "exited",
    42,
    true,
  ]);
  assertEquals(status.FinishTime, Math.floor((mtime?.getTime() ?? 0) / 1000));
});

Deno.test("daemon sees the exit code of what it adopted", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "one",
    StartCmd: untilTold(daemon, "one"),
  });
  await waitForLine(`${daemon.logDir}/one.stdout`, "ready");
  await daemon.restart();
  await tellEnd(daemon, id, 43);
  const status = await daemon.waitForState(id, "stopped");
  assertEquals([status.ExitCode, status.ExitKnown], [43, true]);
});

Deno.test("daemon adopts again and again", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "one",
    StartCmd: untilTold(daemon, "one"),
  });
  const { Pid } = await daemon.waitForState(id, "running");
  for (let time = 0; time < 3; time++) await daemon.restart();
  assertEquals((await daemon.client.status(id)).Pid, Pid);
  await tellEnd(daemon, id, 5);
  assertEquals((await daemon.waitForState(id, "stopped")).ExitCode, 5);
});

Deno.test("daemon lets its processes live when it leaves", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({ Id: "one", Argv: ["1000"] });
  const { Pid } = await daemon.waitForState(id, "running");
  const { code, log } = await daemon.leave();
  assertEquals(code, 0);
  assertStringIncludes(log, '"message":"leaving"');
  assert(isAlive(Pid));
  await daemon.run();
  assertEquals((await daemon.client.status(id)).Status, "running");
});

Deno.test("daemon leaves at once although clients follow", async () => {
  await using daemon = await TestDaemon.start();
  const events = await daemon.client.follow(0, new AbortController().signal);
  const following = Array.fromAsync(events).catch(() => []);
  const { code } = await daemon.leave();
  await following;
  assertEquals(code, 0);
});

Deno.test("daemon loses nothing and starts nothing twice in a crash", async () => {
  await using daemon = await TestDaemon.start();
  const accepted: string[] = [];
  const create = async (Id: string) => {
    const StartCmd = `echo $$ >>${daemon.workDir}/${Id}; exec sleep 1000`;
    try {
      await daemon.create({ Id, StartCmd });
      accepted.push(Id);
    } catch (error) {
      // The daemon was killed before it answered.
      if (!(error instanceof AppError)) throw error;
    }
  };
  for (let round = 0; round < 4; round++) {
    const creates = Array.from(
      { length: 6 },
      (_, index) => create(`p${round}-${index}`),
    );
    // Killed while some are starting, later in every round.
    await Promise.all(creates.slice(0, 1 + round));
    await daemon.kill9();
    await Promise.all(creates);
    await daemon.run();
  }
  for (const id of accepted) {
    const status = await daemon.waitFor(
      id,
      ({ Status }) => Status === "running" || Status === "stopped",
    );
    assertEquals(status.Status, "running", `${id}: ${status.Message}`);
    await eventually(
      `${id} has said its pid`,
      async () => (await linesOf(`${daemon.workDir}/${id}`)).length > 0,
    );
    const { Pid, Status, Message } = await daemon.client.status(id);
    assertEquals(Status, "running", `${id}: ${Message}`);
    assertEquals(await linesOf(`${daemon.workDir}/${id}`), [`${Pid}`]);
    assert(isAlive(Pid));
  }
  // What was not answered may be there or not, but never more than once.
  for (const { name } of Deno.readDirSync(daemon.workDir)) {
    assertEquals((await linesOf(`${daemon.workDir}/${name}`)).length, 1, name);
  }
});

Deno.test("daemon goes on with a stop after a crash", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "stubborn",
    StartCmd: "trap 'echo term' TERM; echo ready; while :; do sleep 0.05; done",
  });
  const log = `${daemon.logDir}/stubborn.stdout`;
  await waitForLine(log, "ready");
  const stop = daemon.client.stop(id, 4).catch(() => "cut off");
  await waitForLine(log, "term");
  await daemon.kill9();
  assertEquals(await stop, "cut off");
  await daemon.run();
  const { Pid, Result, Signal } = await daemon.waitForState(id, "stopped");
  assertEquals([Result, Signal], ["stopped", 9]);
  assertEquals(membersOf(Pid), []);
});

Deno.test("daemon does not repeat a stop command after a crash", async () => {
  await using daemon = await TestDaemon.start();
  const log = `${daemon.logDir}/one.stdout`;
  const id = await daemon.create({
    Id: "one",
    StartCmd: untilTold(daemon, "one"),
    StopCmd: "echo stopping; sleep 1000",
  });
  await waitForLine(log, "ready");
  const stop = daemon.client.stop(id, 60).catch(() => "cut off");
  await waitForLine(log, "stopping");
  await daemon.kill9();
  await stop;
  await daemon.run();
  await tellEnd(daemon, id, 7);
  assertEquals((await daemon.waitForState(id, "stopped")).ExitCode, 7);
  assertEquals(await linesOf(log), ["ready", "stopping"]);
});

Deno.test("daemon finds the pid file of a start that a crash cut", async () => {
  await using daemon = await TestDaemon.start();
  const go = `${daemon.workDir}/go`;
  const definition = await forking(daemon, "forked");
  const script = await writeScript(
    daemon,
    "slow.sh",
    `echo ready; until [ -e ${go} ]; do sleep 0.01; done; ${definition.StartCmd}`,
  );
  const id = await daemon.create({ ...definition, StartCmd: script });
  await waitForLine(`${daemon.logDir}/forked.stdout`, "ready");
  await daemon.restart();
  await Deno.writeTextFile(go, "");
  const { Pid } = await daemon.waitForState(id, "running");
  assert(isAlive(Pid));
});

Deno.test("daemon calls an end unknown whose launcher is gone too", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({ Id: "one", Argv: ["1000"] });
  const { Pid } = await daemon.waitForState(id, "running");
  await daemon.kill9();
  Deno.kill(readStat(Pid)?.parent ?? 0, "SIGKILL");
  Deno.kill(Pid, "SIGKILL");
  await eventually("it is gone", () => !isAlive(Pid));
  await daemon.run();
  const status = await daemon.waitForState(id, "stopped");
  assertEquals([status.ExitKnown, status.ExitCode], [false, 0]);
  assertNotEquals(status.Result, "exited");
});

Deno.test("daemon goes on watching a process that lost its launcher", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({ Id: "one", Argv: ["1000"] });
  const { Pid } = await daemon.waitForState(id, "running");
  const launcher = readStat(Pid)?.parent ?? 0;
  Deno.kill(launcher, "SIGKILL");
  await eventually("the launcher is gone", () => !isAlive(launcher));
  assertEquals((await daemon.client.status(id)).Status, "running");
  Deno.kill(Pid, "SIGKILL");
  const status = await daemon.waitForState(id, "stopped");
  assertEquals([status.ExitKnown, status.ExitCode], [false, 0]);
  assertNotEquals(status.Result, "exited");
});

Deno.test("daemon touches no stranger that got the pid of a process", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({ Id: "one", Argv: ["1000"] });
  await daemon.waitForState(id, "running");
  await daemon.kill9();
  // As after a restart of the host: another boot, the pids in use again.
  const database = new DatabaseSync(`${daemon.dataDir}/processes.db`);
  const boot = (await Deno.readTextFile(`${daemon.dataDir}/run/1.1/identity`))
    .split(" ")[1] ?? "";
  database.prepare("UPDATE processes SET record = replace(record, ?, ?)")
    .run(boot, crypto.randomUUID());
  database.close();
  await daemon.run();
  const { Pid, ExitKnown, Message } = await daemon.waitForState(id, "stopped");
  assertEquals(ExitKnown, false);
  assertStringIncludes(Message, "the host was restarted");
  assert(isAlive(Pid));
});

/** What is in no event goes on changing. */
function withoutMeasured(status: ProcessStatusInfo): ProcessStatusInfo {
  const { Usage: _usage, Packages: _packages, ...rest } = status;
  return rest;
}
