import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestDaemon } from "../../support/test_daemon.ts";

const ROOT = decodeURIComponent(new URL("../../..", import.meta.url).pathname);

/** Starts procctl as an operator does, with the permissions of its task. */
function spawn(daemon: TestDaemon, ...words: readonly string[]) {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      `--config=${ROOT}deno.json`,
      `--allow-net=unix:${daemon.socket},127.0.0.1:2`,
      `--allow-read=${daemon.socket},${daemon.workDir}`,
      `--allow-write=${daemon.socket}`,
      `${ROOT}scripts/procctl/main.ts`,
      `--socket=${daemon.socket}`,
      ...words,
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs it to its end. */
async function procctl(daemon: TestDaemon, ...words: readonly string[]) {
  const { code, stdout, stderr } = await spawn(daemon, ...words).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

Deno.test("procctl restarts, reloads and signals a process", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "one",
    Argv: ["1000"],
    ReloadCmd: "exit 0;",
  });
  await daemon.waitForState(id, "running");
  const done = { code: 0, stdout: "one\n", stderr: "" };
  assertEquals(await procctl(daemon, "restart", id, "-t", "5"), done);
  assertEquals((await daemon.client.status(id)).Generation, 2);
  assertEquals(await procctl(daemon, "reload", id), done);
  assertEquals(await procctl(daemon, "signal", id, "KILL"), done);
  assertEquals((await daemon.waitForState(id, "stopped")).Signal, 9);
  const refused = await procctl(daemon, "reload", id);
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.stderr, "must be running");
  assertEquals((await procctl(daemon, "restart", id, "-t", "x")).code, 2);
  assertEquals((await procctl(daemon, "signal", id)).code, 2);
});

Deno.test("procctl exec passes on what a command wrote and its end", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({ Id: "one", Argv: ["1000"] });
  await daemon.waitForState(id, "running");
  const text = 'printf "<%s>" "$@"; echo oops >&2; exit 7';
  assertEquals(
    await procctl(daemon, "exec", id, "--", "sh", "-c", text, "-", "-l", "1"),
    { code: 7, stdout: "<-l><1>", stderr: "oops\n" },
  );
  const killed = await procctl(daemon, "exec", id, "--", "sh", "-c", "kill $$");
  assertEquals(killed.code, 143);
  assertEquals((await procctl(daemon, "exec", id)).code, 2);
});

Deno.test("procctl starts what a BCS definition says", async () => {
  await using daemon = await TestDaemon.start();
  const path = `${daemon.workDir}/gamesvc.json`;
  const definition = {
    kind: "process",
    metadata: { name: "gamesvc", namespace: "ns-a" },
    restartPolicy: { policy: "OnFailure", interval: 5, maxtimes: 3 },
    spec: {
      template: {
        spec: {
          processes: [{
            procName: "sleep",
            workPath: daemon.workDir,
            startCmd: "exec sleep 1000",
            env: [{ name: "INSTANCE", value: "${instanceid} ${hostip}" }],
          }],
        },
      },
    },
  };
  await Deno.writeTextFile(path, JSON.stringify(definition));
  const created = await procctl(
    daemon,
    "create",
    "--wait",
    "--instance=2",
    path,
  );
  assertEquals(created, { code: 0, stdout: "ns-a.gamesvc.2\n", stderr: "" });
  const { Info, Status } = await daemon.client.inspect("ns-a.gamesvc.2");
  assertEquals(Status.Status, "running");
  assertEquals(Info.RestartPolicy, {
    Policy: "OnFailure",
    Interval: 5,
    Backoff: 0,
    MaxTimes: 3,
  });
  assertEquals(Info.Envs, ["INSTANCE=******"]);
  assertEquals((await procctl(daemon, "create", path)).code, 0);
  const again = await procctl(daemon, "create", path);
  assertEquals(again.code, 1);
  assertStringIncludes(again.stderr, "already existed");
  const gone = await procctl(
    daemon,
    "rm",
    "-f",
    "ns-a.gamesvc.2",
    "ns-a.gamesvc.0",
    "other",
  );
  assertEquals(gone.code, 1);
  assertEquals(gone.stdout.split("\n").sort(), [
    "",
    "ns-a.gamesvc.0",
    "ns-a.gamesvc.2",
  ]);
  assertStringIncludes(gone.stderr, "process other not found");
});

Deno.test("procctl create --wait says why it does not run", async () => {
  await using daemon = await TestDaemon.start();
  const path = `${daemon.workDir}/p.json`;
  await Deno.writeTextFile(
    path,
    JSON.stringify({ Id: "p", StartCmd: "/no/such/program" }),
  );
  const failed = await procctl(daemon, "create", "--wait", path);
  assertEquals([failed.code, failed.stdout], [1, "p\n"]);
  assertStringIncludes(failed.stderr, "/no/such/program does not exist");
  for (const text of ["{", '{"kind":"pod"}', '{"Id":"q"}']) {
    await Deno.writeTextFile(path, text);
    assertEquals((await procctl(daemon, "create", path)).code, 1, text);
  }
  assertEquals(await procctl(daemon, "create", `${path}.no`), {
    code: 1,
    stdout: "",
    stderr: `procctl: Cannot read ${path}.no: ` +
      "No such file or directory (os error 2)\n",
  });
});

Deno.test("procctl lists, explains and tells of a process", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({ Id: "one", Argv: ["1000"] });
  await daemon.waitForState(id, "running");
  const table = await procctl(daemon, "ps", "one");
  assertEquals(table.stdout.split("\n").map((line) => line.split(/ +/)[0]), [
    "ID",
    "one",
    "",
  ]);
  const [status] = JSON.parse((await procctl(daemon, "ps", "--json")).stdout);
  assertEquals([status.Id, status.Status], ["one", "running"]);
  assertEquals((await procctl(daemon, "ps", "-q")).stdout, "one\n");
  assertEquals((await procctl(daemon, "ps", "two")).code, 1);
  const why = await procctl(daemon, "explain", id);
  assertStringIncludes(why.stdout, "one is running for ");
  assertStringIncludes(why.stdout, "created → staging");
  const told = await procctl(daemon, "events", "one", "--json");
  assertEquals(JSON.parse(told.stdout.split("\n")[0] ?? "").Cause, "created");
  assertEquals((await procctl(daemon, "events", "two")).stdout, "");
  assertStringIncludes(
    (await procctl(daemon, "health")).stdout,
    "ok: 1 process, up for ",
  );
  assertStringIncludes(
    (await procctl(daemon, "version")).stdout,
    "process-daemon ",
  );
});

Deno.test("procctl says that the daemon is away", async () => {
  await using daemon = await TestDaemon.start();
  await daemon.kill9();
  for (const words of [["ps"], ["stop", "p"], ["logs", "-f", "p"]]) {
    const { code, stderr } = await procctl(daemon, ...words);
    assertEquals(code, 3, words.join(" "));
    assertStringIncludes(stderr, "Cannot reach the process daemon");
  }
});

Deno.test("procctl logs -f outlives a daemon that is killed", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({
    Id: "p",
    StartCmd: "echo one; while [ ! -e go ]; do sleep 0.1; done; echo two",
    WorkDir: daemon.workDir,
  });
  await daemon.waitForState(id, "running");
  const following = spawn(daemon, "logs", "-f", id, "--stream=stdout");
  const lines = following.stdout.pipeThrough(new TextDecoderStream())
    .getReader();
  assertEquals((await lines.read()).value, "one\n");
  await daemon.kill9();
  await daemon.run();
  await Deno.writeTextFile(`${daemon.workDir}/go`, "");
  assertEquals((await lines.read()).value, "two\n");
  await daemon.waitForState(id, "stopped");
  await daemon.client.delete(id);
  assertEquals((await lines.read()).done, true);
  assertEquals(await new Response(following.stderr).text(), "");
  assertEquals((await following.status).code, 0);
});
