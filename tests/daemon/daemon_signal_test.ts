import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AppError } from "../../shared/errors.ts";
import { TestDaemon } from "../support/test_daemon.ts";
import { readStat } from "./support/proc.ts";
import { forking, linesOf, waitForLine } from "./support/scripts.ts";

// Signals to a main process, and reloads: by signal or by command.

/** Says each signal that it gets, and is told to end by none of them. */
const LISTENER = `for s in HUP USR1 INT; do trap "echo $s" $s; done
echo ready; while :; do sleep 0.01; done`;

async function errorOf(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(() => null, (error) => error);
  assert(error instanceof AppError, `there is no error but ${error}`);
  return error;
}

async function causesOf(daemon: TestDaemon, id: string): Promise<string[]> {
  const { History } = await daemon.client.inspect(id);
  return History.map(({ Cause, Status }) => `${Cause} ${Status.Status}`);
}

Deno.test("signal reaches the main process by name and number", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({ Id: "one", StartCmd: LISTENER });
  const log = `${daemon.logDir}/one.stdout`;
  await daemon.waitForState(id, "running");
  await waitForLine(log, "ready");
  for (
    const [signal, line] of [["HUP", "HUP"], ["10", "USR1"], [
      "SIGINT",
      "INT",
    ]] as const
  ) {
    await daemon.client.signal(id, signal);
    await waitForLine(log, line);
  }
  assertEquals((await daemon.client.status(id)).Status, "running");
  // A real-time signal has a number alone.
  await daemon.client.signal(id, "64");
  assertEquals((await daemon.waitForState(id, "stopped")).Signal, 64);
});

Deno.test("signal reaches nobody but the main process", async () => {
  await using daemon = await TestDaemon.start();
  const loop = "while :; do sleep 0.01; done";
  const id = await daemon.create(
    await forking(
      daemon,
      "one",
      `(trap 'echo child' HUP; echo child ready; ${loop}) &
trap 'echo main' HUP; echo main ready; ${loop}`,
    ),
  );
  await daemon.waitForState(id, "running");
  const log = `${daemon.logDir}/one.stdout`;
  await waitForLine(log, "main ready");
  await waitForLine(log, "child ready");
  await daemon.client.signal(id, "HUP");
  await waitForLine(log, "main");
  await daemon.client.stop(id, 5);
  assert(!(await linesOf(log)).includes("child"));
});

Deno.test("signal says what it accepts", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({ Id: "one", Argv: ["1000"] });
  const { Pid } = await daemon.waitForState(id, "running");
  for (
    const signal of [
      "0",
      "65",
      "-9",
      "hup",
      "SIG9",
      "9 1",
      "1e1",
      "$(x)",
      "constructor",
    ]
  ) {
    const { code, message } = await errorOf(daemon.client.signal(id, signal));
    assertEquals(code, "INVALID_ARGUMENT", signal);
    assertStringIncludes(message, "signal: must be one of HUP, INT,");
    assertStringIncludes(message, "a number from 1 to 64");
    assertStringIncludes(message, JSON.stringify(signal));
  }
  assertEquals(readStat(Pid)?.state, "S");
});

Deno.test("signal needs a process that runs", async () => {
  await using daemon = await TestDaemon.start();
  assertEquals(
    (await errorOf(daemon.client.signal("x", "HUP"))).code,
    "NOT_FOUND",
  );
  const id = await daemon.create({ Id: "one", Argv: ["1000"] });
  await daemon.waitForState(id, "running");
  await daemon.client.stop(id, 5);
  for (
    const operation of [
      daemon.client.signal(id, "HUP"),
      daemon.client.reload(id),
    ]
  ) {
    const { code, message } = await errorOf(operation);
    assertEquals(code, "FAILED_PRECONDITION");
    assertStringIncludes(message, "must be running: current state is stopped");
  }
});

Deno.test("reload without a command is SIGHUP, and is remembered", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({ Id: "one", StartCmd: LISTENER });
  const log = `${daemon.logDir}/one.stdout`;
  await daemon.waitForState(id, "running");
  await waitForLine(log, "ready");
  const before = await daemon.client.status(id);
  await daemon.client.reload(id);
  await waitForLine(log, "HUP");
  assertEquals((await causesOf(daemon, id)).at(-1), "reloaded running");
  const after = await daemon.client.status(id);
  const unchanged = { Message: "", Usage: null };
  assertEquals({ ...after, ...unchanged }, { ...before, ...unchanged });
});

Deno.test("reload runs its command in the context of the process", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "one",
    StartCmd: LISTENER,
    ReloadCmd: 'echo "$A" >reloaded; pwd >>reloaded;',
    Envs: ["A=1", "PATH=/usr/bin"],
  });
  await daemon.waitForState(id, "running");
  await waitForLine(`${daemon.logDir}/one.stdout`, "ready");
  await daemon.client.reload(id);
  assertEquals(await linesOf(`${daemon.workDir}/reloaded`), [
    "1",
    daemon.workDir,
  ]);
  assertEquals((await causesOf(daemon, id)).at(-1), "reloaded running");
  // No signal beside the command.
  assertEquals(await linesOf(`${daemon.logDir}/one.stdout`), ["ready"]);
});

Deno.test("reload says how its command failed", async () => {
  await using daemon = await TestDaemon.start();
  const cases = [
    ["echo why >&2; exit 3;", "exited with code 3: why"],
    ["kill -9 $$;", "was ended by signal 9"],
    ["/no/such", "the command /no/such does not exist"],
  ] as const;
  for (const [index, [ReloadCmd, words]] of cases.entries()) {
    const id = await daemon.create({
      Id: `p${index}`,
      Argv: ["1000"],
      ReloadCmd,
    });
    await daemon.waitForState(id, "running");
    const { code, message } = await errorOf(daemon.client.reload(id));
    assertEquals(code, "FAILED_PRECONDITION");
    assertStringIncludes(message, words);
    assertEquals((await daemon.client.status(id)).Status, "running");
    assert(!(await causesOf(daemon, id)).includes("reloaded running"));
  }
});
