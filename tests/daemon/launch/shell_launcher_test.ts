import { assert, assertEquals, assertRejects } from "@std/assert";
import { ShellLauncher } from "../../../daemon/launch/launcher.ts";
import type { LaunchAnswer } from "../../../daemon/ports.ts";
import { systemClock } from "../../../shared/clock.ts";
import { AppError } from "../../../shared/errors.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { tempDir, writeProgram } from "../../support/temp_dir.ts";
import { killAll, livingIn } from "../support/proc.ts";

// The daemon's side of a launcher whose last stage, that of the target user,
// does not do what it should: others of that user reach its pipes.

const OWNER = { uid: 0, gid: 0 };
const PLACE = { root: "/", folders: [], name: "f" };
/** More than a pipe holds. */
const CONTENT = { isWritable: false, bytes: new Uint8Array(1_000_000) };

/** Has `body` as the launcher; the folder ends whoever works in it. */
async function withLauncher(
  body: string,
  run: (path: string, dir: string) => Promise<void>,
): Promise<void> {
  await using dir = await tempDir();
  const path = `${dir.path}/launcher.sh`;
  await writeProgram(path, `#!/bin/sh\ncd ${dir.path}\n${body}\n`);
  try {
    await run(path, dir.path);
  } finally {
    await killAll(() => livingIn(dir.path));
  }
}

async function launch(launcher: ShellLauncher): Promise<LaunchAnswer[]> {
  return await Array.fromAsync(launcher.run({
    folder: "/nowhere",
    user: null,
    stdoutPath: "/dev/null",
    stderrPath: "/dev/null",
    workDir: "/",
    environment: [],
    command: ["/usr/bin/true"],
    group: null,
    settings: { umask: "022", nice: 0, oomScoreAdj: 0, rlimits: {} },
  }));
}

Deno.test("a launcher names who was started once", async () => {
  const body = `cat >/dev/null
    echo identity boot 1001 11 1000 10
    echo identity boot 2002 22 1000 10
    echo unlimited for no reason
    echo what is this
    echo exec
    echo identity boot 3003 33 1000 10`;
  await withLauncher(body, async (path) => {
    const launcher = new ShellLauncher(path, new FakeClock());
    const identity = (pid: number, startTicks: number) => (
      { bootId: "boot", pid, startTicks }
    );
    assertEquals(await launch(launcher), [
      {
        type: "launched",
        launched: { command: identity(1001, 11), launcher: identity(1000, 10) },
      },
      { type: "executed" },
    ]);
    await launcher.close();
  });
});

Deno.test("a launch is over with its launcher, whoever has its pipe", async () => {
  for (const last of ["echo exec", ""]) {
    const body = `cat >/dev/null
      echo identity boot 1001 11 1000 10
      ${last}
      sleep 1000 &`;
    await withLauncher(body, async (path) => {
      const answers = await launch(new ShellLauncher(path, systemClock));
      assertEquals(answers[0]?.type, "launched");
      assertEquals(answers.length, last === "" ? 1 : 2);
    });
  }
});

Deno.test("a launcher that was killed is not waited for", async () => {
  // Who is left has both of its pipes, and reads nothing.
  const body = `exec 3<&0; sleep 1000 <&3 & echo new; kill -9 $$`;
  await withLauncher(body, async (path) => {
    const launcher = new ShellLauncher(path, systemClock);
    let isNew = false;
    const { code } = await assertRejects(
      () => launcher.writeFile(PLACE, OWNER, CONTENT, () => isNew = true),
      AppError,
    );
    assertEquals(code, "INTERNAL");
    assert(isNew);
  });
});

Deno.test("a launcher that hangs is killed, with its reader left", async () => {
  const body = `exec 3<&0; sleep 1000 <&3 & echo new; exec sleep 1000`;
  await withLauncher(body, async (path) => {
    let limit = () => {};
    const clock = {
      ...systemClock,
      after(delayMs: number, run: () => void) {
        if (delayMs > 10_000) limit = run;
        return systemClock.after(0, () => {});
      },
    };
    const launcher = new ShellLauncher(path, clock);
    await assertRejects(
      () => launcher.writeFile(PLACE, OWNER, CONTENT, () => limit()),
      AppError,
      'The launcher failed at "write"',
    );
    // It has come too late: nobody is there any more.
    limit();
  });
});
