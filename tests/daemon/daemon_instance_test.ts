import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TestDaemon } from "../support/test_daemon.ts";

// One daemon per data folder and per socket; what it makes is for its owner.

async function endOf(child: Deno.ChildProcess) {
  const { code, stderr } = await child.output();
  return { code, log: new TextDecoder().decode(stderr) };
}

Deno.test("daemon refuses a data folder that another one has", async () => {
  await using daemon = await TestDaemon.start();
  const { code, log } = await endOf(
    daemon.spawn({ "unix-socket": `${daemon.dir}/other.sock` }),
  );
  assertEquals(code, 1);
  assertStringIncludes(log, "is another daemon running on this data folder?");
  assertEquals(await daemon.client.list(), []);
});

Deno.test("daemon refuses the socket of a live daemon", async () => {
  await using daemon = await TestDaemon.start();
  const { code, log } = await endOf(
    daemon.spawn({ "data-dir": `${daemon.dir}/other` }),
  );
  assertEquals(code, 1);
  assertStringIncludes(log, "another daemon answers there");
  assertEquals(await daemon.client.list(), []);
});

Deno.test("daemon replaces the socket of a dead one", async () => {
  await using daemon = await TestDaemon.start();
  await daemon.kill9();
  assertEquals((await Deno.lstat(daemon.socket)).isSocket, true);
  await daemon.run();
  assertEquals(await daemon.client.list(), []);
});

Deno.test("daemon never replaces a file that is no socket", async () => {
  await using daemon = await TestDaemon.start();
  const path = `${daemon.dir}/file`;
  await Deno.writeTextFile(path, "precious");
  const { code, log } = await endOf(
    daemon.spawn({ "data-dir": `${daemon.dir}/other`, "unix-socket": path }),
  );
  assertEquals(code, 1);
  assertStringIncludes(log, "is a file of another kind");
  assertEquals(await Deno.readTextFile(path), "precious");
});

Deno.test("daemon names every problem of its configuration", async () => {
  await using daemon = await TestDaemon.start();
  const file = `${daemon.dir}/config.json`;
  await Deno.writeTextFile(
    file,
    JSON.stringify({ data_dirr: "/x", launcher: "relative", log_dir: 7 }),
  );
  const { code, log } = await endOf(
    daemon.spawn(
      {
        "workspace-dir": "also/relative",
        "unix-socket": `/${"x".repeat(200)}`,
      },
      ["-f", file, "--no-such-flag"],
    ),
  );
  assertEquals(code, 2);
  for (
    const problem of [
      "data_dirr: is no key",
      "launcher: must be an absolute path",
      "--workspace-dir: must be an absolute path",
      "unix_socket: must have at most 107 bytes",
      "--no-such-flag: is no flag",
    ]
  ) {
    assertStringIncludes(log, problem);
  }
});

Deno.test("daemon says what is wrong with its configuration file", async () => {
  await using daemon = await TestDaemon.start();
  const cases = [
    ["{", "must be a readable JSON file"],
    ["[]", "must be an object"],
    [null, "must be a readable JSON file"],
  ] as const;
  for (const [text, problem] of cases) {
    const file = `${daemon.dir}/config${text === null ? "-no" : ""}.json`;
    if (text !== null) await Deno.writeTextFile(file, text);
    const { code, log } = await endOf(daemon.spawn({}, ["-f", file]));
    assertEquals(code, 2);
    assertStringIncludes(log, problem);
  }
});

Deno.test("daemon lets nobody else read what it keeps", async () => {
  await using daemon = await TestDaemon.start();
  const secret = crypto.randomUUID();
  const id = await daemon.create({
    Id: "one",
    Argv: ["1000"],
    Envs: [`SECRET=${secret}`],
  });
  await daemon.waitForState(id, "running");
  const readable: string[] = [];
  const holding: string[] = [];
  const look = (path: string) => {
    const { mode, isDirectory, isSocket } = Deno.lstatSync(path);
    if (((mode ?? 0) & 0o077) !== 0) readable.push(path);
    if (isDirectory) {
      for (const { name } of Deno.readDirSync(path)) look(`${path}/${name}`);
    } else if (!isSocket && Deno.readTextFileSync(path).includes(secret)) {
      holding.push(path);
    }
  };
  look(daemon.dataDir);
  look(daemon.socket);
  for (const { name } of Deno.readDirSync(daemon.logDir)) {
    look(`${daemon.logDir}/${name}`);
  }
  assertEquals(readable, []);
  assert(holding.every((path) => path.includes("/processes.db")), `${holding}`);
  assertEquals(Deno.lstatSync(daemon.logDir).mode! & 0o777, 0o711);
  const { Info, History } = await daemon.client.inspect(id);
  assertEquals(Info.Envs, ["SECRET=******"]);
  assert(!JSON.stringify(History).includes(secret));
  assert(!daemon.log.includes(secret));
});
