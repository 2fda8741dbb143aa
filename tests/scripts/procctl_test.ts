import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestDaemon } from "../support/test_daemon.ts";

const ROOT = decodeURIComponent(new URL("../..", import.meta.url).pathname);

/** Runs procctl as an operator does, with the permissions of its task. */
async function procctl(daemon: TestDaemon, ...words: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      `--config=${ROOT}deno.json`,
      `--allow-net=unix:${daemon.socket},127.0.0.1:2`,
      `--allow-read=${daemon.socket}`,
      `--allow-write=${daemon.socket}`,
      `${ROOT}scripts/procctl/main.ts`,
      `--socket=${daemon.socket}`,
      ...words,
    ],
  }).output();
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
  assertEquals(await procctl(daemon, "restart", id, "5"), done);
  assertEquals((await daemon.client.status(id)).Generation, 2);
  assertEquals(await procctl(daemon, "reload", id), done);
  assertEquals(await procctl(daemon, "signal", id, "KILL"), done);
  assertEquals((await daemon.waitForState(id, "stopped")).Signal, 9);
  const refused = await procctl(daemon, "reload", id);
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.stderr, "must be running");
  assertEquals((await procctl(daemon, "restart", id, "x")).code, 1);
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
