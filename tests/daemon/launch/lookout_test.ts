import { assert, assertEquals, assertRejects } from "@std/assert";
import { ShellLookout } from "../../../daemon/launch/lookout.ts";
import { systemClock } from "../../../shared/clock.ts";
import { AppError } from "../../../shared/errors.ts";
import { LAUNCHER_PATH } from "../../support/launcher_shells.ts";
import { tempDir, writeProgram } from "../../support/temp_dir.ts";
import { bootId, listProcesses, readProc } from "../support/proc.ts";

/** The launchers that this test has started. */
function watchers(): number[] {
  return listProcesses()
    .filter(({ pid, parent }) =>
      parent === Deno.pid &&
      readProc(pid, "cmdline")?.endsWith("launcher.sh\0watch\0")
    )
    .map(({ pid }) => pid);
}

Deno.test("one launcher looks again and again", async () => {
  const child = new Deno.Command("/usr/bin/sleep", { args: ["1000"] }).spawn();
  const lookout = new ShellLookout(LAUNCHER_PATH, systemClock);
  const pids = [Deno.pid, child.pid];
  const { bootId: boot, alive, gone } = await lookout.look(pids, pids);
  assertEquals(boot, bootId());
  assertEquals([...alive.keys(), ...gone], pids);
  const [first] = watchers();
  // Nothing is said of those that are there and were not asked for.
  const unasked = await lookout.look(pids, []);
  assertEquals([...unasked.alive.keys(), ...unasked.gone], []);
  child.kill("SIGKILL");
  await child.status;
  assertEquals([...(await lookout.look(pids, [])).gone], [child.pid]);
  assertEquals((await lookout.look([Deno.pid], [])).gone.size, 0);
  assertEquals(watchers(), [first]);
  await lookout.close();
  assertEquals(watchers(), []);
});

Deno.test("a launcher that was killed is replaced at the next look", async () => {
  const lookout = new ShellLookout(LAUNCHER_PATH, systemClock);
  const pids = [Deno.pid];
  await lookout.look(pids, []);
  const [first = 0] = watchers();
  Deno.kill(first, "SIGKILL");
  const { code } = await assertRejects(
    () => lookout.look(pids, []),
    AppError,
  );
  assertEquals(code, "UNAVAILABLE");
  assertEquals([...(await lookout.look(pids, pids)).alive.keys()], pids);
  assert(!watchers().includes(first));
  await lookout.close();
});

Deno.test("a launcher that hangs is killed", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/launcher.sh`;
  await writeProgram(path, `#!/bin/sh\ncd ${dir.path}\nexec sleep 1000\n`);
  const clock = {
    after: (_: number, run: () => void) => systemClock.after(0, run),
  };
  const lookout = new ShellLookout(path, clock);
  await assertRejects(() => lookout.look([Deno.pid], []), AppError);
});

Deno.test("a launcher that does not exist is an error like any other", async () => {
  const lookout = new ShellLookout("/no/such/launcher.sh", systemClock);
  await assertRejects(() => lookout.look([1], []), AppError);
  await lookout.close();
});

Deno.test("a look that is under way fails when the launcher is let go", async () => {
  const lookout = new ShellLookout(LAUNCHER_PATH, systemClock);
  // Of which everything, a part or nothing is sent by then.
  for (const turns of [0, 1, 2, 5, 20]) {
    const refused = assertRejects(
      () => lookout.look([Deno.pid], [Deno.pid]),
      AppError,
    );
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    await lookout.close();
    assertEquals((await refused).code, "UNAVAILABLE");
  }
  assertEquals(watchers(), []);
});
