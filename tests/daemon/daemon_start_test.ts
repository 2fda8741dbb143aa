import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TestDaemon } from "../support/test_daemon.ts";
import { isAlive, membersOf, readProc, readProcLink } from "./support/proc.ts";
import { forking, linesOf, writeScript } from "./support/scripts.ts";

Deno.test("daemon runs a simple process", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "simple",
    Argv: ["1000"],
    Envs: ["A=1", "LD_BIND_NOW=1"],
  });
  const { Pid, Result, ExitKnown, Generation } = await daemon.waitForState(
    id,
    "running",
  );
  assertEquals([Result, ExitKnown, Generation], ["none", false, 1]);
  assertEquals(readProc(Pid, "cmdline"), "/usr/bin/sleep\x001000\0");
  assertEquals(
    readProc(Pid, "environ")?.split("\0").slice(0, -1)
      .filter((each) => !/^(PATH|HOME|USER|SHELL|PWD)=/.test(each)).sort(),
    ["A=1", "LD_BIND_NOW=1"],
  );
  assertEquals(readProcLink(Pid, "cwd"), daemon.workDir);
});

Deno.test("daemon says how a process ended", async () => {
  await using daemon = await TestDaemon.start();
  const cases = [
    ["exit 0", { Result: "exited", ExitCode: 0, Signal: 0 }],
    ["exit 3", { Result: "start-failed", ExitCode: 3, Signal: 0 }],
    ["exit 137", { Result: "start-failed", ExitCode: 137, Signal: 0 }],
    ["kill -9 $$", { Result: "start-failed", ExitCode: 0, Signal: 9 }],
    ["sleep 1.1; exit 3", { Result: "exited", ExitCode: 3, Signal: 0 }],
    ["sleep 1.1; kill -6 $$", { Result: "signalled", ExitCode: 0, Signal: 6 }],
  ] as const;
  await Promise.all(cases.map(async ([command, expected], index) => {
    const id = await daemon.create({ Id: `p${index}`, StartCmd: command });
    const { Result, ExitCode, Signal, ExitKnown, FinishTime } = await daemon
      .waitForState(id, "stopped");
    assertEquals({ Result, ExitCode, Signal }, expected, command);
    assertEquals([ExitKnown, FinishTime > 0], [true, true]);
  }));
});

Deno.test("daemon shows the last lines of a failed process", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "noisy",
    StartCmd: "for i in 1 2 3 4 5 6 7; do echo line $i >&2; done; exit 3",
  });
  const { Message } = await daemon.waitForState(id, "stopped");
  assertEquals(
    Message,
    "process noisy failed to start: it exited with code 3: " +
      "line 3 | line 4 | line 5 | line 6 | line 7",
  );
});

Deno.test("daemon says why a process cannot be started", async () => {
  await using daemon = await TestDaemon.start();
  const cases = [
    [{ StartCmd: "/no/such" }, "the command /no/such does not exist"],
    [{ StartCmd: "/etc/passwd" }, "the command /etc/passwd is not an exec"],
    [{ WorkDir: "/no/such" }, "cannot enter the work folder /no/such"],
  ] as const;
  await Promise.all(cases.map(async ([part, text], index) => {
    const id = await daemon.create({
      Id: `p${index}`,
      Argv: ["1000"],
      ...part,
    });
    const { Message, Result } = await daemon.waitForState(id, "stopped");
    assertEquals(Result, "start-failed");
    assertStringIncludes(Message, text);
  }));
});

Deno.test("daemon runs a relative script, shell text and arguments", async () => {
  await using daemon = await TestDaemon.start();
  await writeScript(daemon, "s.sh", 'printf "<%s>" "$@"; echo');
  const cases = [
    [{ StartCmd: "./s.sh" }, "<>"],
    [{ StartCmd: "s.sh" }, "<>"],
    [{ StartCmd: "./s.sh 'a b' $((1 + 1))" }, "<a b><2>"],
    [
      { StartCmd: "./s.sh", Argv: ["a b", "", "$(x)\n-n"] },
      "<a b><><$(x)\n-n>",
    ],
  ] as const;
  for (const [index, [part, text]] of cases.entries()) {
    const id = await daemon.create({ Id: `p${index}`, ...part });
    await daemon.waitForState(id, "stopped");
    assertEquals(
      await Deno.readTextFile(`${daemon.logDir}/${id}.stdout`),
      `${text}\n`,
    );
  }
});

Deno.test("daemon finds the process that a start command left behind", async () => {
  await using daemon = await TestDaemon.start();
  const definition = await forking(daemon, "forking");
  const id = await daemon.create({ ...definition, ProcessName: "sleep" });
  const { Pid } = await daemon.waitForState(id, "running");
  assertEquals(
    await linesOf(`${daemon.workDir}/${id}.pid`),
    [`${Pid}`],
  );
  await daemon.client.stop(id, 5);
  assert(!isAlive(Pid));
  const status = await daemon.client.status(id);
  assertEquals([status.Status, status.Result], ["stopped", "stopped"]);
  assertEquals(status.ExitKnown, false);
});

Deno.test("daemon notices the end of a process it did not start", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create(await forking(daemon, "forking"));
  const { Pid } = await daemon.waitForState(id, "running");
  Deno.kill(Pid, "SIGKILL");
  const status = await daemon.waitForState(id, "stopped");
  assertEquals([status.Result, status.ExitKnown], ["unknown", false]);
});

Deno.test("daemon does not believe every pid file", async () => {
  await using daemon = await TestDaemon.start();
  const old = await daemon.create({ Id: "old", Argv: ["1000"] });
  const { Pid } = await daemon.waitForState(old, "running");
  const pidFile = `${daemon.workDir}/pid`;
  const cases = [
    ["true", "there is no pid file"],
    [`echo >${pidFile}1`, "does not hold one pid above 1"],
    [`echo 1 >${pidFile}2`, "does not hold one pid above 1"],
    [`echo ${Pid} >${pidFile}3`, "older than the start command"],
    [`sh -c 'echo $$' >${pidFile}4`, "is not alive"],
  ] as const;
  await Promise.all(cases.map(async ([command, text], index) => {
    const id = await daemon.create({
      Id: `p${index}`,
      StartCmd: `${command};`,
      PidFile: `${pidFile}${index}`,
      StartGracePeriod: 1,
    });
    const { Result, Message } = await daemon.waitForState(id, "stopped");
    assertEquals(Result, "start-failed");
    assertStringIncludes(Message, text);
  }));
  const id = await daemon.create({
    ...await forking(daemon, "named"),
    ProcessName: "server",
    StartGracePeriod: 1,
  });
  const { Message } = await daemon.waitForState(id, "stopped");
  assertStringIncludes(Message, 'runs "sleep" and not "server"');
  assert(isAlive(Pid));
});

Deno.test("daemon stops what a failed start left in its session", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "leaky",
    StartCmd: "sleep 1000 & sleep 1000 & exit 0",
    PidFile: `${daemon.workDir}/no.pid`,
    StartGracePeriod: 1,
    StopTimeout: 1,
  });
  const { Result } = await daemon.waitForState(id, "stopped");
  assertEquals(Result, "start-failed");
  const identity = await Deno.readTextFile(
    `${daemon.dataDir}/run/1.1/identity`,
  );
  assertEquals(membersOf(Number(identity.split(" ")[2])), []);
});

Deno.test("daemon fills its folders in and appends to the logs", async () => {
  await using daemon = await TestDaemon.start();
  for (const stream of ["stdout", "stderr"]) {
    await Deno.writeTextFile(`${daemon.logDir}/logger.${stream}`, "before\n");
  }
  await daemon.create({
    Id: "logger",
    StartCmd: "echo ${work_base_dir}; echo $A >&2",
    Envs: ["A=${run_base_dir}"],
    WorkDir: "${work_base_dir}",
  });
  await daemon.waitForState("logger", "stopped");
  assertEquals(await linesOf(`${daemon.logDir}/logger.stdout`), [
    "before",
    `${daemon.workspaceDir}/work_dir`,
  ]);
  assertEquals(await linesOf(`${daemon.logDir}/logger.stderr`), [
    "before",
    `${daemon.workspaceDir}/run_dir`,
  ]);
});
