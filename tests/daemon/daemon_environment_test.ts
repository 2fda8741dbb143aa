import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { AppError } from "../../shared/errors.ts";
import { DEFAULT_PATH } from "../../shared/default_path.ts";
import type { ProcessInfo } from "../../shared/manager_api/types.ts";
import { TestDaemon } from "../support/test_daemon.ts";
import { exists, IS_ROOT } from "./launch/launch_bench.ts";
import { eventually } from "./support/eventually.ts";
import { readProc, readProcLink, readStatus } from "./support/proc.ts";

// What a process finds itself in: user, environment, settings, folders.

const NEEDS_ROOT = IS_ROOT ? "" : " (skipped: needs root, to be somebody else)";
const NOBODY_ENVIRONMENT = [
  "HOME=/nonexistent",
  "SHELL=/usr/sbin/nologin",
  "USER=nobody",
];

function rootTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `${name}${NEEDS_ROOT}`, ignore: !IS_ROOT, fn });
}

/** A line of the host's user database, by its fields. */
async function readAccount(user: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("/usr/bin/getent", {
    args: ["passwd", user],
  }).output();
  return new TextDecoder().decode(stdout).trim().split(":");
}

/** Runs a process to its end. @returns The lines of its output, sorted. */
async function outputOf(
  daemon: TestDaemon,
  part: Partial<ProcessInfo> & { readonly Id: string },
): Promise<string[]> {
  const id = await daemon.create(part);
  const { Message, ExitCode } = await daemon.waitForState(id, "stopped");
  assertEquals(ExitCode, 0, Message);
  const text = await Deno.readTextFile(`${daemon.logDir}/${id}.stdout`);
  return text.trim().split("\n").sort();
}

async function refusalOf(promise: Promise<unknown>): Promise<string> {
  const error = await assertRejects(() => promise, AppError);
  assertEquals(error.code, "INVALID_ARGUMENT");
  return error.message;
}

const ENV = { StartCmd: "/usr/bin/env" };

Deno.test("a process has what is given, and a minimum", async () => {
  await using daemon = await TestDaemon.start();
  const [name, , , , , home, shell] = await readAccount(`${Deno.uid()}`);
  const minimum = [
    `HOME=${home}`,
    `PATH=${DEFAULT_PATH}`,
    `PWD=${daemon.workDir}`,
    `SHELL=${shell}`,
    `USER=${name}`,
  ];
  for (const Envs of [null, []]) {
    const Id = `p${Envs}`;
    assertEquals(await outputOf(daemon, { Id, ...ENV, Envs }), minimum);
  }
  assertEquals(
    await outputOf(daemon, {
      Id: "given",
      ...ENV,
      WorkDir: "",
      Envs: ["HOME=", "SHELL=/x", "A=1"],
    }),
    [
      "A=1",
      "HOME=",
      `PATH=${DEFAULT_PATH}`,
      "PWD=/",
      "SHELL=/x",
      `USER=${name}`,
    ],
  );
});

Deno.test("commands beside a process have the same environment", async () => {
  await using daemon = await TestDaemon.start();
  const write = (name: string) =>
    `umask >${daemon.workDir}/${name}; env >>${daemon.workDir}/${name}`;
  const id = await daemon.create({
    Id: "p",
    Argv: ["1000"],
    Envs: ["A=1"],
    Umask: "027",
    ReloadCmd: write("reload"),
    StopCmd: `${write("stop")}; exit 1`,
  });
  await daemon.waitForState(id, "running");
  await daemon.client.reload(id);
  const exec = (part: { readonly WorkDir?: string }) =>
    daemon.client.exec(id, {
      Cmd: ["/bin/sh", "-c", "umask; env"],
      Envs: [],
      User: "",
      WorkDir: "",
      Timeout: 10,
      ...part,
    });
  const { Stdout } = await exec({});
  const away = (await exec({ WorkDir: "/" })).Stdout;
  await daemon.client.stop(id, 4);
  const read = (name: string) => Deno.readTextFile(`${daemon.workDir}/${name}`);
  const sorted = (text: string) => text.trim().split("\n").sort();
  assertEquals(sorted(Stdout).filter((line) => /^(A|PWD|00|PATH)/.test(line)), [
    "0027",
    "A=1",
    `PATH=${DEFAULT_PATH}`,
    `PWD=${daemon.workDir}`,
  ]);
  assertEquals(sorted(await read("reload")), sorted(Stdout));
  assertEquals(sorted(await read("stop")), sorted(Stdout));
  assertStringIncludes(away, "PWD=/\n");
});

Deno.test("a process has the settings of its definition", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "p",
    Argv: ["1000"],
    Umask: "077",
    Nice: 4,
    OomScoreAdj: 600,
    Rlimits: { NoFile: 64, Core: 0 },
  });
  const { Pid } = await daemon.waitForState(id, "running");
  // Until then the launcher has its own way with signals.
  await eventually(
    "its program runs",
    () => readProcLink(Pid, "exe")?.endsWith("/sleep"),
  );
  assertEquals(readStatus(Pid, "Umask"), "0077");
  assertEquals(readProc(Pid, "stat")?.split(" ")[18], "4");
  assertEquals(readProc(Pid, "oom_score_adj"), "600\n");
  assertStringIncludes(
    readProc(Pid, "limits")?.replaceAll(/ +/g, " ") ?? "",
    "Max open files 64 64 files",
  );
  for (const name of ["SigIgn", "SigBlk"]) {
    const mask = BigInt(`0x${readStatus(Pid, name)}`) & ~(0b11n << 31n);
    assertEquals(mask, 0n, name);
  }
});

Deno.test("a start says which setting the host refuses", async () => {
  await using daemon = await TestDaemon.start();
  const most = Number(await Deno.readTextFile("/proc/sys/fs/nr_open"));
  const id = await daemon.create({
    Id: "p",
    Argv: ["1000"],
    Rlimits: { NoFile: most + 1 },
  });
  const { Result, Message, Pid } = await daemon.waitForState(id, "stopped");
  assertEquals([Result, Pid], ["start-failed", 0]);
  assertStringIncludes(
    Message,
    `Rlimits.NoFile must be at most ${most}, the host's fs.nr_open`,
  );
});

Deno.test("a user that does not exist is refused at once", async () => {
  await using daemon = await TestDaemon.start();
  const unknown = 'User: the user "no-such-user" does not exist on this host';
  const To = `${daemon.workspaceDir}/x`;
  const file = { To, Right: "r", Base64: "", Remote: null } as const;
  assertEquals(
    await refusalOf(daemon.create({
      Id: "p",
      User: "no-such-user",
      LogPath: "/etc/x",
      Files: [{ ...file, User: "4294967296" }, { ...file, User: "" }],
    })),
    `Cannot accept the process definition: ${unknown}; ` +
      'Files[0].User: the user "4294967296" does not exist on this host; ' +
      `LogPath: must be below ${daemon.workspaceDir}, which the daemon's ` +
      'configuration allows in file_dirs: it is "/etc/x"',
  );
  assertEquals(await daemon.client.list(), []);
  const id = await daemon.create({ Id: "p", Argv: ["1000"] });
  await daemon.waitForState(id, "running");
  const request = {
    Cmd: ["true"],
    Envs: [],
    User: "no-such-user",
    WorkDir: "",
    Timeout: 1,
  };
  assertStringIncludes(
    await refusalOf(daemon.client.exec(id, request)),
    unknown,
  );
  assertStringIncludes(
    await refusalOf(
      daemon.client.writeFile(id, { ...file, User: "no-such-user" }),
    ),
    unknown,
  );
});

Deno.test("a folder to work in is made where files may be", async () => {
  await using daemon = await TestDaemon.start();
  const WorkDir = `${daemon.workspaceDir}/a/b`;
  const part = { StartCmd: "pwd; echo data >f", WorkDir, Umask: "077" };
  assertEquals(await outputOf(daemon, { Id: "p", ...part }), [WorkDir]);
  const modeOf = (path: string) => (Deno.statSync(path).mode ?? 0) & 0o7777;
  assertEquals(modeOf(WorkDir), 0o755);
  assertEquals(modeOf(`${WorkDir}/f`), 0o600);
  // What is in there is the process's, and so the folder stays.
  await daemon.client.delete("p");
  assertEquals(await exists(`${WorkDir}/f`), true);
  // One that is there stays as it is.
  await Deno.chmod(WorkDir, 0o700);
  assertEquals(await outputOf(daemon, { Id: "q", ...part }), [WorkDir]);
  assertEquals(modeOf(WorkDir), 0o700);
  await daemon.create({ Id: "r", ...part, WorkDir: `${WorkDir}/f` });
  const { Message } = await daemon.waitForState("r", "stopped");
  assertStringIncludes(Message, `WorkDir ${WorkDir}/f: ${WorkDir}/f is a link`);
});

Deno.test("logs are found where a definition wants them", async () => {
  await using daemon = await TestDaemon.start();
  const LogPath = "${work_base_dir}/p/log";
  const folder = `${daemon.workspaceDir}/work_dir/p/log`;
  const part = { StartCmd: "echo out; echo err >&2", LogPath };
  await outputOf(daemon, { Id: "p", ...part });
  assertEquals(await Deno.readTextFile(`${folder}/stdout`), "out\n");
  assertEquals(await Deno.readTextFile(`${folder}/stderr`), "err\n");
  // The latest has the place: an instance comes again under another id while
  // the record of the one before is still there.
  await outputOf(daemon, { Id: "q", ...part, StartCmd: "echo second" });
  assertEquals(await Deno.readTextFile(`${folder}/stdout`), "second\n");
  await daemon.client.delete("p");
  assertEquals(await Deno.readTextFile(`${folder}/stdout`), "second\n");
  await daemon.client.delete("q");
  assertEquals([...Deno.readDirSync(folder)], []);
  // What is the process's own is not written over.
  await Deno.writeTextFile(`${folder}/stdout`, "theirs");
  await daemon.create({ Id: "r", ...part });
  const { Message } = await daemon.waitForState("r", "stopped");
  assertEquals(
    Message,
    `process r failed to start: LogPath ${folder}: ${folder}/stdout is there ` +
      "and is no link to a log of a process",
  );
  assertEquals(await Deno.readTextFile(`${folder}/stdout`), "theirs");
});

rootTest("a user has a home, groups and folders of its own", async () => {
  await using daemon = await TestDaemon.start();
  await Deno.chmod(daemon.dir, 0o755);
  const WorkDir = `${daemon.workspaceDir}/a/b`;
  const LogPath = `${daemon.workspaceDir}/c/log`;
  for (const User of ["nobody", "65534"]) {
    const lines = await outputOf(daemon, {
      Id: User,
      User,
      WorkDir,
      LogPath,
      StartCmd: `cat ${LogPath}/stderr; id -un; id -G; env`,
    });
    const expected = [
      "65534",
      ...NOBODY_ENVIRONMENT,
      `PATH=${DEFAULT_PATH}`,
      `PWD=${WorkDir}`,
      "nobody",
    ].sort();
    assertEquals(lines, expected, User);
    const uidOf = (path: string) => Deno.lstatSync(path).uid;
    const made = [WorkDir, `${WorkDir}/..`, LogPath, `${LogPath}/stdout`];
    assertEquals(made.map(uidOf), Array(4).fill(65_534));
    await daemon.client.delete(User);
  }
});

rootTest(
  "a user reads its own log through the link, and no other",
  async () => {
    await using daemon = await TestDaemon.start();
    await Deno.chmod(daemon.dir, 0o755);
    await outputOf(daemon, { Id: "ours", StartCmd: "echo secret" });
    const LogPath = `${daemon.workspaceDir}/log`;
    const lines = await outputOf(daemon, {
      Id: "theirs",
      User: "nobody",
      LogPath,
      StartCmd: `echo mine; echo "$(cat ${LogPath}/stdout)"; ` +
        `cat ${daemon.logDir}/ours.stdout || echo closed; ` +
        `ls ${daemon.logDir} || echo hidden`,
    }).catch((error) => [String(error)]);
    assertEquals(lines, ["closed", "hidden", "mine", "mine"]);
    assertEquals((Deno.statSync(daemon.logDir).mode ?? 0) & 0o7777, 0o711);
  },
);

rootTest("default_user is who a process without a user is", async () => {
  await using daemon = await TestDaemon.start({
    flags: { "default-user": "nobody", "allowed-users": "65534,daemon" },
  });
  await Deno.chmod(daemon.dir, 0o755);
  const WHO = { StartCmd: "id -un" };
  assertEquals(await outputOf(daemon, { Id: "p", ...WHO }), ["nobody"]);
  assertEquals(await outputOf(daemon, { Id: "q", ...WHO, User: "daemon" }), [
    "daemon",
  ]);
  const rule = (user: string) =>
    `the user "${user}" is none of 65534, daemon, which the daemon's ` +
    "configuration allows in allowed_users";
  for (const User of ["root", "0"]) {
    assertStringIncludes(
      await refusalOf(daemon.create({ Id: "r", ...WHO, User })),
      `User: ${rule("root")}`,
    );
  }
  const id = await daemon.create({ Id: "s", Argv: ["1000"] });
  await daemon.waitForState(id, "running");
  const exec = (User: string) =>
    daemon.client.exec(id, {
      Cmd: ["/usr/bin/id", "-un"],
      Envs: [],
      User,
      WorkDir: "",
      Timeout: 10,
    });
  assertEquals((await exec("")).Stdout, "nobody\n");
  assertEquals((await exec("1")).Stdout, "daemon\n");
  assertStringIncludes(await refusalOf(exec("root")), rule("root"));
  const To = `${daemon.workspaceDir}/x`;
  const file = { To, Right: "r", Base64: "", Remote: null } as const;
  assertStringIncludes(
    await refusalOf(daemon.client.writeFile(id, { ...file, User: "root" })),
    rule("root"),
  );
});

rootTest("a process stays who it is when the default changes", async () => {
  const flags: Record<string, string> = { "default-user": "nobody" };
  await using daemon = await TestDaemon.start({ flags });
  await Deno.chmod(daemon.dir, 0o755);
  await Deno.chmod(daemon.workDir, 0o777);
  const id = await daemon.create({
    Id: "p",
    Argv: ["1000"],
    StopCmd: "id -un >who; exit 1",
  });
  await daemon.waitForState(id, "running");
  await daemon.kill9();
  // Who may be started now is another matter: what runs is stopped as it runs.
  flags["default-user"] = "";
  flags["allowed-users"] = "daemon";
  await daemon.run();
  await daemon.client.stop(id, 4);
  assertEquals(await Deno.readTextFile(`${daemon.workDir}/who`), "nobody\n");
  const error = await daemon.client.restart(id, 1).catch((error) => error);
  assertStringIncludes(String(error), 'the user "nobody" is none of daemon');
});
