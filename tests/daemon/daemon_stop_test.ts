import { assert, assertEquals, assertRejects } from "@std/assert";
import { AppError } from "../../shared/errors.ts";
import { TestDaemon } from "../support/test_daemon.ts";
import { eventually } from "./support/eventually.ts";
import { isAlive, membersOf } from "./support/proc.ts";
import {
  forking,
  linesOf,
  waitForLine,
  writeScript,
} from "./support/scripts.ts";

/** Ignores SIGTERM, and says so once it does. */
const STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.05; done";

Deno.test("daemon stops by SIGTERM and records the signal", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({ Id: "one", Argv: ["1000"] });
  const { Pid } = await daemon.waitForState(id, "running");
  await daemon.client.stop(id, 5);
  assert(!isAlive(Pid));
  const { Status, Result, Signal, ExitKnown } = await daemon.client.status(id);
  assertEquals([Status, Result, Signal, ExitKnown], [
    "stopped",
    "stopped",
    15,
    true,
  ]);
});

Deno.test("daemon keeps the exit code of a graceful end", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "one",
    StartCmd: "trap 'exit 4' TERM; echo ready; while :; do sleep 0.01; done",
  });
  await waitForLine(`${daemon.logDir}/one.stdout`, "ready");
  await daemon.client.stop(id, 5);
  const { Result, ExitCode, Signal } = await daemon.client.status(id);
  assertEquals([Result, ExitCode, Signal], ["stopped", 4, 0]);
});

Deno.test("daemon kills what ignores SIGTERM, not before its time", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({ Id: "stubborn", StartCmd: STUBBORN });
  await waitForLine(`${daemon.logDir}/stubborn.stdout`, "ready");
  const startMs = performance.now();
  await daemon.client.stop(id, 1);
  assert(performance.now() - startMs >= 1_000);
  const { Result, Signal, Pid } = await daemon.client.status(id);
  assertEquals([Result, Signal], ["stopped", 9]);
  assertEquals(membersOf(Pid), []);
});

Deno.test("daemon is not done before the whole session is gone", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "parent",
    // The parent obeys at once; its child has another group and does not.
    StartCmd: `timeout 1000 sh -c "${STUBBORN}" & wait`,
  });
  await waitForLine(`${daemon.logDir}/parent.stdout`, "ready");
  const { Pid } = await daemon.waitForState(id, "running");
  // So long that a loaded host comes to look before force begins.
  const stop = daemon.client.stop(id, 60);
  const left = await daemon.waitFor(
    id,
    ({ Message }) => Message.includes("still alive"),
  );
  assertEquals(left.Status, "stopping");
  await Promise.all([stop, daemon.client.stop(id, 1)]);
  assertEquals(membersOf(Pid), []);
  assertEquals((await daemon.client.status(id)).Result, "stopped");
});

Deno.test("daemon stops what a process leaves when it ends itself", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "parent",
    StartCmd: "sleep 1000 & exit 0",
  });
  const { Result, ExitCode, Pid } = await daemon.waitForState(id, "stopped");
  assertEquals([Result, ExitCode], ["exited", 0]);
  assertEquals(membersOf(Pid), []);
});

Deno.test("daemon stops by the stop command", async () => {
  await using daemon = await TestDaemon.start();
  const stop = await writeScript(
    daemon,
    "stop.sh",
    "touch $FLAG; echo stopping",
  );
  const id = await daemon.create({
    Id: "one",
    StartCmd:
      "trap '' TERM; echo ready; until [ -e $FLAG ]; do sleep 0.01; done; exit 6",
    StopCmd: stop,
    Envs: [`FLAG=${daemon.workDir}/flag`, "PATH=/usr/bin"],
  });
  const log = `${daemon.logDir}/one.stdout`;
  await waitForLine(log, "ready");
  await daemon.client.stop(id, 20);
  const { Result, ExitCode } = await daemon.client.status(id);
  assertEquals([Result, ExitCode], ["stopped", 6]);
  assertEquals(await linesOf(log), ["ready", "stopping"]);
});

Deno.test("daemon goes on when the stop command fails or hangs", async () => {
  await using daemon = await TestDaemon.start();
  for (
    const [index, StopCmd] of ["exit 1;", "/no/such", "sleep 1000"].entries()
  ) {
    const id = await daemon.create({
      Id: `p${index}`,
      Argv: ["1000"],
      StopCmd,
    });
    const { Pid } = await daemon.waitForState(id, "running");
    await daemon.client.stop(id, 2);
    assert(!isAlive(Pid));
    assertEquals((await daemon.client.status(id)).Signal, 15, StopCmd);
  }
});

Deno.test("daemon runs the kill command before SIGKILL", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "stubborn",
    StartCmd: STUBBORN,
    KillCmd: "echo killing; exit 1",
  });
  const log = `${daemon.logDir}/stubborn.stdout`;
  await waitForLine(log, "ready");
  const stop = daemon.client.stop(id, 1);
  await waitForLine(log, "killing");
  await stop;
  assertEquals((await daemon.client.status(id)).Signal, 9);
});

Deno.test("daemon stops a forking process and its children", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create(
    await forking(
      daemon,
      "forking",
      "sleep 1000 & sleep 1000 & trap 'exit 0' TERM; while :; do sleep 0.05; done",
    ),
  );
  const { Pid } = await daemon.waitForState(id, "running");
  await daemon.client.stop(id, 5);
  assertEquals(membersOf(Pid), []);
});

Deno.test("daemon stops a start command at work", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "slow",
    StartCmd: "echo ready; sleep 1000; echo never",
    PidFile: `${daemon.workDir}/slow.pid`,
  });
  await waitForLine(`${daemon.logDir}/slow.stdout`, "ready");
  await daemon.client.stop(id, 1);
  const { Status, Result } = await daemon.client.status(id);
  assertEquals([Status, Result], ["stopped", "stopped"]);
});

Deno.test("daemon stops a process that was only just created", async () => {
  await using daemon = await TestDaemon.start();
  const ids = Array.from({ length: 8 }, (_, index) => `p${index}`);
  await Promise.all(ids.map(async (Id) => {
    await daemon.create({ Id, Argv: ["1000"] });
    await daemon.client.stop(Id, 5);
    const { Status, Result, Pid } = await daemon.client.status(Id);
    assertEquals([Status, Result], ["stopped", "stopped"]);
    assert(Pid === 0 || !isAlive(Pid));
  }));
});

Deno.test("daemon answers others while a stop waits", async () => {
  await using daemon = await TestDaemon.start();
  const slow = await daemon.create({ Id: "slow", StartCmd: STUBBORN });
  const other = await daemon.create({ Id: "other", Argv: ["1000"] });
  await waitForLine(`${daemon.logDir}/slow.stdout`, "ready");
  let isStopped = false;
  const first = daemon.client.stop(slow, 600).then(() => isStopped = true);
  await daemon.waitForState(slow, "stopping");
  assertEquals((await daemon.client.list()).length, 2);
  await daemon.client.stop(other, 5);
  await assertRejects(
    () => daemon.client.delete(slow),
    AppError,
    "status stopping can't be deleted",
  );
  assertEquals(isStopped, false);
  // A second stop may shorten the first.
  await daemon.client.stop(slow, 1);
  await first;
});

Deno.test("daemon forgets a deleted process and its files", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({ Id: "one", Argv: ["1000"] });
  await daemon.waitForState(id, "running");
  await assertRejects(
    () => daemon.client.delete(id),
    AppError,
    "process one status running can't be deleted",
  );
  await daemon.client.stop(id, 5);
  await daemon.client.delete(id);
  await assertRejects(() => daemon.client.status(id), AppError, "not found");
  assertEquals([...Deno.readDirSync(`${daemon.dataDir}/run`)], []);
  assertEquals([...Deno.readDirSync(daemon.logDir)], []);
  await daemon.client.delete(id);
  await daemon.create({ Id: "one", Argv: ["1000"] });
  await daemon.waitForState("one", "running");
});

Deno.test("daemon lets a start command name its server before it stops that", async () => {
  await using daemon = await TestDaemon.start();
  const pidFile = `${daemon.workDir}/late.pid`;
  const begun = `${daemon.workDir}/begun`;
  // Between the server and its pid file there is time for a stop.
  const start = await writeScript(
    daemon,
    "start.sh",
    `/usr/bin/setsid /usr/bin/sleep 1000 & echo $! >${begun}
sleep 0.3; cp ${begun} ${pidFile}`,
  );
  const id = await daemon.create({
    Id: "p",
    StartCmd: start,
    PidFile: pidFile,
  });
  await eventually(
    "the server has begun",
    async () => (await linesOf(begun)).length === 1,
  );
  const server = Number((await linesOf(begun))[0]);
  await daemon.client.stop(id, 20);
  assert(!isAlive(server), "nobody would ever find it");
  const { Status, Result } = await daemon.client.status(id);
  assertEquals([Status, Result], ["stopped", "stopped"]);
});

Deno.test("daemon does not wait for a start command without end", async () => {
  await using daemon = await TestDaemon.start();
  const begun = `${daemon.workDir}/begun`;
  const text = `echo $$ >${begun}; sleep 1000`;
  const id = await daemon.create({
    Id: "p",
    StartCmd: await writeScript(daemon, "start.sh", text),
    PidFile: `${daemon.workDir}/never.pid`,
  });
  await eventually(
    "it has begun",
    async () => (await linesOf(begun)).length === 1,
  );
  await daemon.client.stop(id, 1);
  assertEquals(membersOf(Number((await linesOf(begun))[0])), []);
});
