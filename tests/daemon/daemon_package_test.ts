import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { toProcessInfo } from "../../executor/bcs/process_info.ts";
import type { PackageStatus, Uri } from "../../shared/manager_api/types.ts";
import { fullDisk, widenDisk } from "../support/full_disk.ts";
import { PackageServer } from "../support/package_server.ts";
import { gzip, writeTar } from "../support/tar_writer.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TestDaemon } from "../support/test_daemon.ts";
import { exists, IS_ROOT } from "./launch/launch_bench.ts";
import { eventually } from "./support/eventually.ts";
import { livingIn } from "./support/proc.ts";
import { linesOf } from "./support/scripts.ts";

// Packages from a server on loopback to the process that runs out of them.

const UID = Deno.uid();
const MIB = 1024 * 1024;
const SERVE = '#!/bin/sh\necho "$1 $$" >>"$2"\nexec sleep 1000\n';

/** A package whose server says which one it is; in a folder, maybe. */
async function packageOf(version: string, folder = "", padding = 0) {
  return await gzip(writeTar([
    {
      name: `${folder}bin/serve`,
      content: SERVE.replace("$1", version),
      mode: 0o755,
    },
    ...padding === 0
      ? []
      : [{ name: `${folder}padding`, content: new Uint8Array(padding) }],
  ]));
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

function workBase(daemon: TestDaemon): string {
  return `${daemon.workspaceDir}/work_dir`;
}

function trees(daemon: TestDaemon): string[] {
  return names(`${daemon.workspaceDir}/packages`);
}

/** What each start of a process's server has said. */
async function startsOf(daemon: TestDaemon, id: string): Promise<string[]> {
  return (await linesOf(`${daemon.workDir}/${id}.starts`))
    .map((line) => line.split(" ")[0] ?? "");
}

async function untilServed(daemon: TestDaemon, id: string, times = 1) {
  await eventually(
    `${id} serves`,
    async () => (await startsOf(daemon, id)).length >= times,
  );
}

/** A process that is the server of its package. */
async function create(
  daemon: TestDaemon,
  Id: string,
  uri: Partial<Uri>,
  part: Parameters<TestDaemon["create"]>[0] = { Id },
): Promise<string> {
  return await daemon.create({
    WorkDir: `\${work_base_dir}/${Id}`,
    StartCmd: "bin/serve",
    Argv: ["-", `${daemon.workDir}/${Id}.starts`],
    StopTimeout: 2,
    Uris: [{ OutputDir: `\${work_base_dir}/${Id}`, ...uri } as Uri],
    ...part,
    Id,
  });
}

async function remove(daemon: TestDaemon, id: string): Promise<void> {
  await daemon.client.stop(id, 1);
  await daemon.client.delete(id);
}

async function packageStatus(daemon: TestDaemon, id: string) {
  const { Packages = [] } = await daemon.client.status(id);
  return Packages[0] as PackageStatus;
}

async function untilBytes(daemon: TestDaemon, id: string) {
  return await eventually(`${id} has bytes of its package`, async () => {
    const status = await packageStatus(daemon, id);
    return status.State === "downloading" && status.Bytes > 0 ? status : null;
  });
}

async function untilFailed(daemon: TestDaemon, id: string): Promise<string> {
  const { Result, Message } = await daemon.waitForState(id, "stopped");
  assertEquals([Result, await startsOf(daemon, id)], ["package-failed", []]);
  return Message;
}

/** Stops whoever unpacks below a folder in the middle of it. @returns Them. */
async function holdUnpacker(folder: string): Promise<readonly number[]> {
  return await eventually("it is being unpacked", () => {
    const pids = names(folder).filter((name) => name.startsWith(".bcs"))
      .flatMap((name) => livingIn(`${folder}/${name}/tree`));
    try {
      for (const pid of pids) Deno.kill(pid, "SIGSTOP");
    } catch (error) {
      // One of its short-lived programs has ended: it is looked for again.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return null;
    }
    return pids.length > 0 ? pids : null;
  });
}

/** Nothing that was unfinished, and nothing of a process, is left. */
async function assertNothingLeft(daemon: TestDaemon): Promise<void> {
  await eventually(
    "what an earlier daemon left is gone",
    () => trees(daemon).length === 0,
  );
  assertEquals(names(workBase(daemon)), []);
  assertEquals(names(`${daemon.dataDir}/packages/parts`), []);
  assert(!/not removed|not swept/.test(daemon.log), daemon.log);
}

Deno.test("a process runs out of the package that it names", async () => {
  await using server = new PackageServer({ user: "u", password: "pw" });
  await using daemon = await TestDaemon.start({ hosts: [server.host] });
  const archive = await packageOf("one");
  const sum = await server.offer("/game.tar.gz", archive);
  const letGo = server.halt("/game.tar.gz");
  const uri = { Value: server.url("/game.tar.gz"), User: "u", Pwd: "pw" };
  await create(daemon, "p", uri);
  const { Bytes, Total } = await untilBytes(daemon, "p");
  assertEquals([Total, Bytes < Total], [archive.length, true]);
  assertEquals((await daemon.client.status("p")).Status, "staging");
  letGo();
  await daemon.waitForState("p", "running");
  await untilServed(daemon, "p");
  const { Value, State, Sha256, VerifiedBy } = await packageStatus(daemon, "p");
  assertEquals([Value, State, Sha256, VerifiedBy], [
    uri.Value,
    "ready",
    sum,
    "length",
  ]);
  assertEquals(
    await Deno.readLink(`${workBase(daemon)}/p`),
    `${daemon.workspaceDir}/packages/${sum}-${UID}`,
  );
  // It is not asked for once more.
  await daemon.client.restart("p", 1);
  await daemon.restart();
  await daemon.client.restart("p", 1);
  await untilServed(daemon, "p", 3);
  assertEquals(server.countOf("/game.tar.gz"), 1);
  await remove(daemon, "p");
  await assertNothingLeft(daemon);
  // Who comes without the password is not given what is here.
  await create(daemon, "q", { Value: uri.Value });
  assertStringIncludes(await untilFailed(daemon, "q"), "status 401");
  for (const secret of ["pw", btoa("u:pw")]) {
    assert(!daemon.log.includes(`"${secret}`), daemon.log);
  }
});

Deno.test("a package with another checksum starts nothing", async () => {
  await using server = new PackageServer();
  await using daemon = await TestDaemon.start({ hosts: [server.host] });
  const sum = await server.offer("/game.tar.gz", await packageOf("one"));
  const wanted = "0".repeat(64);
  const uri = { Value: server.url("/game.tar.gz"), Sha256: wanted };
  await create(daemon, "p", uri);
  assertStringIncludes(
    await untilFailed(daemon, "p"),
    `package ${uri.Value} for ${workBase(daemon)}/p: cannot fetch ` +
      `${uri.Value}: its sha256 is ${sum}, but the process's definition says ` +
      wanted,
  );
  assertEquals((await packageStatus(daemon, "p")).State, "failed");
  assertEquals(names(`${daemon.dataDir}/packages/content`), []);
  await daemon.client.delete("p");
  await assertNothingLeft(daemon);
});

Deno.test("processes share one download and one tree", async () => {
  await using server = new PackageServer();
  await using daemon = await TestDaemon.start({ hosts: [server.host] });
  const sum = await server.offer("/game.tar.gz", await packageOf("one"));
  const letGo = server.halt("/game.tar.gz");
  const uri = { Value: server.url("/game.tar.gz") };
  await create(daemon, "p", uri);
  await untilBytes(daemon, "p");
  await create(daemon, "q", uri);
  await untilBytes(daemon, "q");
  letGo();
  for (const id of ["p", "q"]) await daemon.waitForState(id, "running");
  assertEquals(server.countOf("/game.tar.gz"), 1);
  assertEquals(trees(daemon), [`${sum}-${UID}`]);
  await Promise.all(["p", "q"].map((id) => remove(daemon, id)));
  await assertNothingLeft(daemon);
});

Deno.test("a new version leaves those alone who run the old one", async () => {
  await using server = new PackageServer();
  await using daemon = await TestDaemon.start({ hosts: [server.host] });
  const one = await server.offer("/game.tar.gz", await packageOf("one"));
  const Value = server.url("/game.tar.gz");
  await create(daemon, "old", { Value });
  await daemon.waitForState("old", "running");
  const two = await server.offer("/game.tar.gz", await packageOf("two"));
  await create(daemon, "new", { Value, PullPolicy: "Always" });
  await daemon.waitForState("new", "running");
  await daemon.client.restart("old", 1);
  await eventually("both serve", async () => {
    const starts = await Promise.all(
      ["old", "new"].map((id) => startsOf(daemon, id)),
    );
    return starts.flat().join() === "one,one,two";
  });
  assertEquals(trees(daemon), [`${one}-${UID}`, `${two}-${UID}`].sort());
  for (const id of ["old", "new"]) await remove(daemon, id);
  await assertNothingLeft(daemon);
});

Deno.test("a daemon killed while it downloads starts its process once", async () => {
  await using server = new PackageServer();
  await using daemon = await TestDaemon.start({ hosts: [server.host] });
  await server.offer("/game.tar.gz", await packageOf("one"));
  const letGo = server.halt("/game.tar.gz");
  await create(daemon, "p", { Value: server.url("/game.tar.gz") });
  await untilBytes(daemon, "p");
  await daemon.kill9();
  letGo();
  await daemon.run();
  await daemon.waitForState("p", "running");
  await untilServed(daemon, "p");
  assertEquals(await startsOf(daemon, "p"), ["one"]);
  await remove(daemon, "p");
  await assertNothingLeft(daemon);
});

Deno.test("a daemon killed while it unpacks starts its process once", async () => {
  await using server = new PackageServer();
  await using daemon = await TestDaemon.start({ hosts: [server.host] });
  const archive = await packageOf("one", "", 60 * MIB);
  const sum = await server.offer("/game.tar.gz", archive);
  for (const Mode of ["link", "copy"] as const) {
    const id = await create(daemon, Mode, {
      Value: server.url("/game.tar.gz"),
      Mode,
    });
    const folder = Mode === "link"
      ? `${daemon.workspaceDir}/packages`
      : workBase(daemon);
    await holdUnpacker(folder);
    assertEquals((await packageStatus(daemon, id)).State, "unpacking");
    await daemon.restart();
    await daemon.waitForState(id, "running");
    await untilServed(daemon, id);
    assertEquals(await startsOf(daemon, id), ["one"]);
    await eventually(
      "what was unfinished is gone",
      () =>
        names(folder).every((name) =>
          [`${sum}-${UID}`, "link", "copy"].includes(name)
        ),
    );
    assertEquals(server.countOf("/game.tar.gz"), 1);
  }
  for (const id of ["link", "copy"]) await remove(daemon, id);
  await assertNothingLeft(daemon);
});

Deno.test("a package is unpacked while another process is deleted", async () => {
  await using server = new PackageServer();
  await using daemon = await TestDaemon.start({ hosts: [server.host] });
  await server.offer("/small.tar.gz", await packageOf("small"));
  await server.offer("/game.tar.gz", await packageOf("one", "", 60 * MIB));
  await create(daemon, "q", { Value: server.url("/small.tar.gz") });
  await daemon.waitForState("q", "running");
  await create(daemon, "p", { Value: server.url("/game.tar.gz") });
  const pids = await holdUnpacker(`${daemon.workspaceDir}/packages`);
  await remove(daemon, "q");
  for (const pid of pids) Deno.kill(pid, "SIGCONT");
  await daemon.waitForState("p", "running");
  await remove(daemon, "p");
  await assertNothingLeft(daemon);
});

Deno.test("a stop does not wait for a package", async () => {
  await using server = new PackageServer();
  await using daemon = await TestDaemon.start({ hosts: [server.host] });
  await server.offer("/game.tar.gz", await packageOf("one"));
  server.halt("/game.tar.gz");
  await create(daemon, "p", { Value: server.url("/game.tar.gz") });
  await untilBytes(daemon, "p");
  // It is never let go: only a stop that gives it up comes to its end.
  const { Status, Result } = await daemon.client.stop("p", 1)
    .then(() => daemon.client.status("p"));
  assertEquals([Status, Result], ["stopped", "stopped"]);
  await eventually("nobody reads it", () => server.broken === 1);
  await daemon.client.delete("p");
  await assertNothingLeft(daemon);
});

Deno.test("files of a process lie in its copy, and go with it", async () => {
  await using server = new PackageServer();
  await using daemon = await TestDaemon.start({ hosts: [server.host] });
  await server.offer("/game.tar.gz", await packageOf("one"));
  const OutputDir = `${workBase(daemon)}/p`;
  const file = (name: string) => ({
    To: `${OutputDir}/etc/${name}`,
    Right: "rw" as const,
    User: "",
    Base64: btoa(name),
    Remote: null,
  });
  await create(
    daemon,
    "p",
    { Value: server.url("/game.tar.gz"), Mode: "copy", PullPolicy: "Always" },
    { Id: "p", Files: ["a", "b", "c"].map(file) },
  );
  await daemon.waitForState("p", "running");
  assertEquals(names(`${OutputDir}/etc`), ["a", "b", "c"]);
  await server.offer("/game.tar.gz", await packageOf("two"));
  await daemon.client.restart("p", 1);
  assertEquals(await Deno.readTextFile(`${OutputDir}/etc/c`), "c");
  assertEquals(names(workBase(daemon)).length, 2);
  await remove(daemon, "p");
  await assertNothingLeft(daemon);
});

Deno.test("a BCS task runs out of its package, with its pid file there", async () => {
  await using server = new PackageServer();
  await using daemon = await TestDaemon.start({ hosts: [server.host] });
  const archive = await gzip(writeTar([{
    name: "gamesvc/start.sh",
    content: "#!/bin/sh\nsetsid sleep 1000 & echo $! >game.pid\n",
    mode: 0o755,
  }]));
  await server.offer("/gamesvc-v1.tar.gz", archive);
  const root = "${work_base_dir}/ns-a.gamesvc.0";
  const data = {
    ProcInfo: {
      procName: "sleep",
      workPath: `${root}/gamesvc`,
      pidFile: `${root}/gamesvc/game.pid`,
      startCmd: "./start.sh",
      startGracePeriod: 10,
      uris: [{
        Value: server.url("/gamesvc-v1.tar.gz"),
        OutputDir: root,
        PullPolicy: "Always",
      }],
    },
  };
  const { processInfo, unsupported } = toProcessInfo({
    task_id: { value: "t" },
    data: btoa(btoa(JSON.stringify(data))),
  }, { user: "", sandbox: "/", owner: "" });
  assertEquals(unsupported, []);
  await daemon.client.create(processInfo);
  const { Pid } = await daemon.waitForState("t", "running");
  assertEquals(
    await linesOf(`${workBase(daemon)}/ns-a.gamesvc.0/gamesvc/game.pid`),
    [String(Pid)],
  );
  await remove(daemon, "t");
  await assertNothingLeft(daemon);
});

Deno.test({
  name: "a disk that is full fails a package, and no more once it is not" +
    (IS_ROOT ? "" : " (skipped: needs root, to mount a full disk)"),
  ignore: !IS_ROOT,
  async fn() {
    await using server = new PackageServer();
    await using dir = await tempDir();
    await using _ = await fullDisk(dir.path);
    await Deno.chmod(dir.path, 0o755);
    await using daemon = await TestDaemon.start({
      hosts: [server.host],
      flags: { "workspace-dir": dir.path },
    });
    await server.offer("/game.tar.gz", await packageOf("one"));
    const modes = ["link", "copy"] as const;
    for (const Mode of modes) {
      const OutputDir = `${dir.path}/work_dir/${Mode}`;
      const uri = { Value: server.url("/game.tar.gz"), OutputDir, Mode };
      const id = await create(daemon, Mode, uri, { Id: Mode });
      assertStringIncludes(
        await untilFailed(daemon, id),
        `for ${OutputDir}: cannot write into ${dir.path}/`,
      );
    }
    // Enough to begin with, and not for what is in the package.
    await widenDisk(dir.path, "8k");
    for (const id of modes) {
      const error = await daemon.client.restart(id, 1).catch((error) => error);
      assertStringIncludes(
        String(error.message),
        'tar says: "bin/serve": Cannot write: No space left on device',
      );
    }
    assertEquals(names(`${dir.path}/packages`), []);
    assertEquals(names(`${dir.path}/work_dir`), []);
    await widenDisk(dir.path, "64k");
    for (const id of modes) await daemon.client.restart(id, 1);
    assertEquals(server.countOf("/game.tar.gz"), 1);
    assertEquals(await exists(`${dir.path}/work_dir/copy/bin/serve`), true);
  },
});

Deno.test("nothing of a process goes into the daemon's own folders", async () => {
  await using daemon = await TestDaemon.start({
    flags: { "file-dirs": "/" },
  });
  const { workspaceDir, dataDir, logDir, dir } = daemon;
  const file = (To: string) => ({
    To,
    Right: "r" as const,
    User: "",
    Base64: "",
    Remote: null,
  });
  const uri = (OutputDir: string) =>
    ({ Value: "http://h/x", OutputDir }) as Uri;
  const error = await daemon.create({
    Id: "p",
    Uris: [
      uri(`${workspaceDir}/packages/x`),
      uri(`${workspaceDir}//packages`),
      uri(`${dataDir}/run/1.1`),
    ],
    Files: [
      file(daemon.socket),
      file(`${dir}/pid/process-daemon.pid`),
      file(`${dataDir}/processes.db`),
      file(`${workspaceDir}/packages.txt`),
    ],
    LogPath: `${logDir}/p`,
  }).catch((error) => error.message);
  const told = [
    `Uris[0].OutputDir: must not be in ${workspaceDir}/packages, `,
    `Uris[1].OutputDir: must not be in ${workspaceDir}/packages, `,
    `Uris[2].OutputDir: must not be in ${dataDir}, `,
    `Files[0].To: must not be in ${daemon.socket}, `,
    `Files[1].To: must not be in ${dir}/pid/process-daemon.pid, `,
    `Files[2].To: must not be in ${dataDir}, `,
  ];
  for (const text of told) assertStringIncludes(error, text);
  assert(!error.includes("Files[3]"), error);
  const other = await daemon.create({ Id: "p", LogPath: `${logDir}/p` })
    .catch((error) => error.message);
  assertStringIncludes(other, `LogPath: must not be in ${logDir}, `);
  const written = await daemon.create({ Id: "p", Argv: ["1000"] })
    .then(() => daemon.client.writeFile("p", file(`${dataDir}/x`)))
    .catch((error) => error.message);
  assertStringIncludes(written, `To: must not be in ${dataDir}, `);
  assertEquals(await exists(`${dataDir}/x`), false);
});
