import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AppError } from "../../shared/errors.ts";
import { DAEMON_HOST } from "../../shared/manager_api/client.ts";
import { pathOf } from "../../shared/manager_api/routes.ts";
import type {
  ExecRequest,
  ExecResult,
} from "../../shared/manager_api/types.ts";
import { TestDaemon } from "../support/test_daemon.ts";
import { eventually } from "./support/eventually.ts";
import { isAlive, membersOf } from "./support/proc.ts";
import { linesOf, writeScript } from "./support/scripts.ts";

// Commands beside a running process, and that nothing is left of them.

const IS_ROOT = Deno.uid() === 0;

/** A process to run commands beside. */
async function start(daemon: TestDaemon, more = {}): Promise<string> {
  const id = await daemon.create({ Id: "one", Argv: ["1000"], ...more });
  await daemon.waitForState(id, "running");
  return id;
}

function exec(
  daemon: TestDaemon,
  Cmd: readonly string[],
  more: Partial<ExecRequest> = {},
): Promise<ExecResult> {
  return daemon.client.exec("one", {
    Cmd,
    Envs: [],
    User: "",
    WorkDir: "",
    Timeout: 30,
    ...more,
  });
}

function sh(text: string): readonly string[] {
  return ["sh", "-c", text];
}

/** The pid that a command has written as the only line of a file. */
async function pidIn(daemon: TestDaemon, name: string): Promise<number> {
  return await eventually(
    `${name} holds a pid`,
    async () => Number((await linesOf(`${daemon.workDir}/${name}`))[0]),
  );
}

/** Says its pid in a file and stays. */
function stay(name: string): readonly string[] {
  return sh(`echo $$ >${name}; exec sleep 1000`);
}

async function errorOf(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(() => null, (error) => error);
  assert(error instanceof AppError, `there is no error but ${error}`);
  return error;
}

/** Run folders of commands. */
function execFolders(daemon: TestDaemon, run = "1.1"): string[] {
  return [...Deno.readDirSync(`${daemon.dataDir}/run/${run}`)]
    .map(({ name }) => name).filter((name) => name.startsWith("exec."));
}

Deno.test("exec runs a command in the context of its process", async () => {
  await using daemon = await TestDaemon.start();
  await start(daemon, { Envs: ["PATH=/usr/bin:/bin", "A=1", "B=2"] });
  assertEquals(
    await exec(daemon, sh('echo "$A $B $C"; pwd; echo oops >&2; exit 7'), {
      Envs: ["B=3", "C=x y"],
    }),
    {
      TimedOut: false,
      ExitKnown: true,
      ExitCode: 7,
      Signal: 0,
      Stdout: `1 3 x y\n${daemon.workDir}\n`,
      Stderr: "oops\n",
      Truncated: false,
    },
  );
  const { Stdout } = await exec(daemon, ["/usr/bin/pwd"], { WorkDir: "/" });
  assertEquals(Stdout, "/\n");
  const { Signal, ExitCode, ExitKnown } = await exec(daemon, sh("kill -9 $$"));
  assertEquals([Signal, ExitCode, ExitKnown], [9, 0, true]);
  assertEquals(execFolders(daemon), []);
  assertEquals((await daemon.client.status("one")).Status, "running");
});

Deno.test("exec finds a program in PATH alone, and passes words as they are", async () => {
  await using daemon = await TestDaemon.start();
  const bin = `${daemon.workDir}/bin`;
  await Deno.mkdir(bin);
  await writeScript(daemon, "bin/hello", 'printf "<%s>" "$@"');
  await writeScript(daemon, "here", "echo here");
  await start(daemon, { Envs: [`PATH=.::${bin}`] });
  const words = ["", "a b", "*", "$A", "x\ny", "--"];
  const { Stdout } = await exec(daemon, ["hello", ...words]);
  assertEquals(Stdout, words.map((word) => `<${word}>`).join(""));
  assertEquals((await exec(daemon, ["./here"])).Stdout, "here\n");
  // What lies in the work folder is not in PATH, whatever PATH says.
  const { code } = await errorOf(exec(daemon, ["here"]));
  assertEquals(code, "FAILED_PRECONDITION");
});

Deno.test("exec says why a command cannot be started", async () => {
  await using daemon = await TestDaemon.start();
  await start(daemon);
  const cases: [Partial<ExecRequest>, string][] = [
    [{ Cmd: ["nosuch"] }, 'Cannot run "nosuch": there is no such program'],
    [{ Cmd: ["/no/such"] }, "the command /no/such does not exist"],
    [{ Cmd: ["/etc/passwd"] }, "is not an executable file"],
    [{ WorkDir: "/nowhere" }, "work folder /nowhere"],
  ];
  for (const [request, words] of cases) {
    const { code, message } = await errorOf(exec(daemon, ["true"], request));
    assertEquals(code, "FAILED_PRECONDITION", words);
    assertStringIncludes(message, words);
  }
  assertEquals(execFolders(daemon), []);
});

Deno.test("exec names every problem of a request, and no secret", async () => {
  await using daemon = await TestDaemon.start();
  await start(daemon);
  const { code, message } = await errorOf(exec(daemon, [], {
    Envs: ["hunter2"],
    User: "-x",
    WorkDir: "tmp",
    Timeout: 0,
  }));
  assertEquals(code, "INVALID_ARGUMENT");
  for (const field of ["Cmd", "Envs[0]", "User", "WorkDir", "Timeout"]) {
    assertStringIncludes(message, `${field}: must`);
  }
  assert(!message.includes("hunter2"));
  const control = await errorOf(exec(daemon, ["a\nb"]));
  assertStringIncludes(control.message, "Cmd[0]: must not hold a control");
});

Deno.test("exec needs a process that runs", async () => {
  await using daemon = await TestDaemon.start();
  assertEquals((await errorOf(exec(daemon, ["true"]))).code, "NOT_FOUND");
  await start(daemon);
  await daemon.client.stop("one", 5);
  const { code, message } = await errorOf(exec(daemon, ["true"]));
  assertEquals(code, "FAILED_PRECONDITION");
  assertStringIncludes(message, "current state is stopped");
});

Deno.test({
  name: "exec runs as the process's user or another one" +
    (IS_ROOT ? "" : " (skipped: needs root, to be somebody else)"),
  ignore: !IS_ROOT,
  async fn() {
    await using daemon = await TestDaemon.start();
    await Deno.chmod(daemon.dir, 0o755);
    await start(daemon, { User: "nobody" });
    const whoami = async (
      User: string,
    ) => (await exec(daemon, sh("id -un; echo again >/dev/stderr"), { User }));
    const own = await whoami("");
    assertEquals([own.Stdout, own.Stderr], ["nobody\n", "again\n"]);
    assertEquals((await whoami("daemon")).Stdout, "daemon\n");
  },
});

Deno.test("exec answers with the beginning of a long output", async () => {
  await using daemon = await TestDaemon.start();
  await start(daemon);
  const max = 65_536;
  const long = await exec(
    daemon,
    sh(`head -c ${max} /dev/zero | tr '\\0' a; printf b; printf '\\377' >&2`),
  );
  assertEquals(long.Stdout, "a".repeat(max));
  assertEquals([long.Stderr, long.Truncated], ["\uFFFD", true]);
  const exact = await exec(daemon, sh(`head -c ${max} /dev/zero`));
  assertEquals([exact.Stdout.length, exact.Truncated], [max, false]);
});

Deno.test("exec kills a command that writes without end", async () => {
  await using daemon = await TestDaemon.start();
  await start(daemon);
  const result = await exec(daemon, ["yes"]);
  assertEquals([result.Signal, result.TimedOut, result.Truncated], [
    9,
    false,
    true,
  ]);
  assertStringIncludes(result.Stderr, "killed as it wrote over");
});

Deno.test("exec kills the whole session when the time is over", async () => {
  await using daemon = await TestDaemon.start();
  await start(daemon);
  const result = await exec(
    daemon,
    sh("trap '' TERM; echo $$ >pid; sleep 1000 & sleep 1000"),
    { Timeout: 0.3 },
  );
  assertEquals([result.TimedOut, result.Signal], [true, 9]);
  const pid = await pidIn(daemon, "pid");
  assertEquals(membersOf(pid), []);
  assertEquals(execFolders(daemon), []);
});

Deno.test("exec waits for the command alone, and leaves nothing", async () => {
  await using daemon = await TestDaemon.start();
  await start(daemon);
  // The child holds stdout open, for longer than anybody would wait.
  const result = await exec(daemon, sh("echo $$ >pid; sleep 1000 & echo done"));
  assertEquals([result.Stdout, result.ExitCode], ["done\n", 0]);
  assertEquals(membersOf(await pidIn(daemon, "pid")), []);
});

Deno.test("a stop is done when the commands beside are gone too", async () => {
  await using daemon = await TestDaemon.start();
  await start(daemon);
  const command = errorOf(exec(daemon, stay("pid")));
  const pid = await pidIn(daemon, "pid");
  await daemon.client.stop("one", 5);
  assert(!isAlive(pid));
  assertEquals((await command).code, "FAILED_PRECONDITION");
  assertEquals(execFolders(daemon), []);
});

Deno.test("commands beside a process end when it ends by itself", async () => {
  await using daemon = await TestDaemon.start();
  await start(daemon);
  const command = errorOf(exec(daemon, stay("pid")));
  const pid = await pidIn(daemon, "pid");
  Deno.kill((await daemon.client.status("one")).Pid, "SIGKILL");
  assertEquals((await command).code, "FAILED_PRECONDITION");
  assert(!isAlive(pid));
  await daemon.client.delete("one");
});

Deno.test("exec ends at once when nobody waits for it", async () => {
  await using daemon = await TestDaemon.start();
  await start(daemon);
  using client = Deno.createHttpClient({
    proxy: { transport: "unix", path: daemon.socket },
  });
  const aborter = new AbortController();
  const body = JSON.stringify({ Cmd: stay("pid"), Timeout: 600 });
  const request = fetch(
    `http://${DAEMON_HOST}${pathOf("exec", { id: "one" })}`,
    { method: "POST", body, client, signal: aborter.signal },
  ).catch(() => "aborted");
  const pid = await pidIn(daemon, "pid");
  aborter.abort();
  assertEquals(await request, "aborted");
  await eventually("the command is gone", () => !isAlive(pid));
  await eventually("no folder is left", () => !execFolders(daemon).length);
});

Deno.test("exec takes 16 commands at a time beside one process", async () => {
  await using daemon = await TestDaemon.start();
  await start(daemon);
  const commands = Array.from(
    { length: 16 },
    (_, index) => errorOf(exec(daemon, stay(`pid.${index}`))),
  );
  for (const index of commands.keys()) await pidIn(daemon, `pid.${index}`);
  const { code, message } = await errorOf(exec(daemon, ["true"]));
  assertEquals(code, "RESOURCE_EXHAUSTED");
  assertStringIncludes(message, "16 are at work");
  await daemon.client.stop("one", 5);
  await Promise.all(commands);
});

Deno.test("one command after the other is never one too many", async () => {
  await using daemon = await TestDaemon.start();
  await start(daemon);
  const loop = async () => {
    for (let time = 0; time < 4; time++) {
      assertEquals((await exec(daemon, ["true"])).ExitCode, 0);
    }
  };
  await Promise.all(Array.from({ length: 16 }, loop));
  assertEquals(execFolders(daemon), []);
});

Deno.test("a daemon ends the commands that a killed one left", async () => {
  await using daemon = await TestDaemon.start();
  await start(daemon);
  const commands = [
    errorOf(exec(daemon, stay("one.pid"))),
    // A child of a command's own.
    errorOf(exec(daemon, sh("echo $$ >two.pid; sleep 1000"))),
  ];
  const pids = [await pidIn(daemon, "one.pid"), await pidIn(daemon, "two.pid")];
  await daemon.kill9();
  await Promise.all(commands);
  assert(pids.every(isAlive));
  await daemon.run();
  await eventually(
    "nobody of their sessions is left",
    () => pids.every((pid) => membersOf(pid).length === 0),
  );
  await eventually("no folder is left", () => !execFolders(daemon).length);
  assertEquals((await exec(daemon, ["true"])).ExitCode, 0);
});

Deno.test("a stop waits for what a killed daemon left, readable or not", async () => {
  await using daemon = await TestDaemon.start();
  await start(daemon);
  const command = errorOf(exec(daemon, stay("pid")));
  const pid = await pidIn(daemon, "pid");
  await daemon.kill9();
  await command;
  const damaged = `${daemon.dataDir}/run/1.1/exec.1.1`;
  await Deno.mkdir(damaged);
  await Deno.writeTextFile(`${damaged}/identity`, "2 damaged\n");
  await daemon.run();
  await daemon.client.stop("one", 5);
  assert(!isAlive(pid));
  await daemon.client.delete("one");
  assertEquals([...Deno.readDirSync(`${daemon.dataDir}/run`)], []);
});

Deno.test("a daemon that leaves ends the commands", async () => {
  await using daemon = await TestDaemon.start();
  await start(daemon);
  const command = errorOf(exec(daemon, stay("pid")));
  const pid = await pidIn(daemon, "pid");
  const { code } = await daemon.leave();
  assertEquals(code, 0);
  await command;
  assert(!isAlive(pid));
});
