import { assert, assertEquals } from "@std/assert";
import type { UserIds } from "../../../daemon/ports.ts";
import {
  exists,
  IS_ROOT,
  type LaunchBench,
  NOBODY,
  testShells,
} from "./launch_bench.ts";

// The request that gives the blocks of a log's oldest part back, and the folder
// that logs are made in.

const CONTENT = "0123456789".repeat(2_000);

/** A folder as that of the logs is. */
async function logFolder(bench: LaunchBench): Promise<string> {
  const folder = `${bench.dir}/log dir`;
  await Deno.mkdir(folder, { mode: 0o711 });
  await Deno.writeTextFile(`${folder}/-a *.stdout`, CONTENT);
  return folder;
}

function ask(
  bench: LaunchBench,
  folder: string,
  file: string,
  bytes: string,
): Promise<string[]> {
  return bench.ask("punch", [
    `folder ${folder}`,
    `file ${file}`,
    `bytes ${bytes}`,
  ]);
}

testShells("makes a hole of a log's oldest bytes", async (bench) => {
  const folder = await logFolder(bench);
  const path = `${folder}/-a *.stdout`;
  const before = await Deno.stat(path);
  assertEquals(await ask(bench, folder, "-a *.stdout", "15001"), ["punched"]);
  const text = await Deno.readTextFile(path);
  assertEquals(text, "\0".repeat(15_001) + CONTENT.slice(15_001));
  const after = await Deno.stat(path);
  assertEquals([after.size, after.ino], [before.size, before.ino]);
  assert((after.blocks ?? 0) < (before.blocks ?? 0));
  // It can be done again, after a crash.
  assertEquals(await ask(bench, folder, "-a *.stdout", "15001"), ["punched"]);
  assertEquals(await Deno.readTextFile(path), text);
});

testShells("makes a hole in a log alone", async (bench) => {
  const folder = await logFolder(bench);
  const victim = `${bench.dir}/victim.stdout`;
  await Deno.writeTextFile(victim, CONTENT);
  await Deno.writeTextFile(`${folder}/other`, CONTENT);
  await Deno.symlink(victim, `${folder}/link.stdout`);
  await Deno.mkdir(`${folder}/folder.stdout`);
  await new Deno.Command("/usr/bin/mkfifo", { args: [`${folder}/fifo.stdout`] })
    .output();
  const refused = {
    "link.stdout": "there is no log link.stdout",
    "folder.stdout": "there is no log folder.stdout",
    "fifo.stdout": "there is no log fifo.stdout",
    "none.stdout": "there is no log none.stdout",
    "other": "the request names no log",
    "../victim.stdout": "the request has a path where a name must stand",
    "": "the request has a path where a name must stand",
  };
  for (const [name, message] of Object.entries(refused)) {
    assertEquals(await ask(bench, folder, name, "100"), [`error ${message}`]);
  }
  assertEquals(await exists(`${folder}/none.stdout`), false);
  const noNumber = "error the request has no number of bytes";
  for (const bytes of ["0", "-1", "1k", "", "1 2", "9".repeat(19)]) {
    assertEquals(await ask(bench, folder, "-a *.stdout", bytes), [noNumber]);
  }
  assertEquals(await ask(bench, "log dir", "-a *.stdout", "1"), [
    "error the request has no folder of the logs",
  ]);
  assertEquals(await ask(bench, `${folder}/none`, "-a *.stdout", "1"), [
    `error the folder ${folder}/none cannot be entered`,
  ]);
  await Deno.chmod(folder, 0o731);
  assertEquals(await ask(bench, folder, "-a *.stdout", "1"), [
    `error others may write in the folder ${folder}`,
  ]);
  for (const path of [victim, `${folder}/other`, `${folder}/-a *.stdout`]) {
    assertEquals(await Deno.readTextFile(path), CONTENT);
  }
});

testShells(
  "lends no privilege where a user may have put a link",
  async (bench) => {
    const [logs, kept] = [`${bench.dir}/logs`, `${bench.dir}/kept`];
    await Deno.mkdir(logs);
    await Deno.writeTextFile(kept, "kept\n", { mode: 0o600 });
    await Deno.symlink(kept, `${logs}/a.stdout`);
    const run = async (user: UserIds) =>
      await bench.launch({
        user,
        stdoutPath: `${logs}/a.stdout`,
        stderrPath: `${logs}/a.stderr`,
        command: ["/usr/bin/echo", "said"],
      });
    for (const mode of [0o777, 0o1777, 0o775]) {
      await Deno.chmod(logs, mode);
      const launch = await run(NOBODY);
      assertEquals(await launch.answers, [
        `error others may write in the folder ${logs}, where its logs are to be`,
      ]);
      assertEquals(await launch.end(), "");
    }
    await Deno.chmod(logs, 0o755);
    await Deno.chown(logs, NOBODY.uid, NOBODY.gid);
    assertEquals((await (await run(NOBODY)).answers).length, 1);
    const { uid } = await Deno.stat(kept);
    assertEquals([uid, await Deno.readTextFile(kept)], [0, "kept\n"]);
    assertEquals(await exists(`${logs}/a.stderr`), false);

    await Deno.chown(logs, 0, 0);
    await Deno.remove(`${logs}/a.stdout`);
    await (await run(NOBODY)).end();
    assertEquals((await Deno.stat(`${logs}/a.stdout`)).uid, NOBODY.uid);
  },
  IS_ROOT ? null : "needs root, to act for another user",
);
