import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { LOG, LogBench, readLog } from "./log_bench.ts";

// Disks that cannot do what a rotation needs.

const KIB = 1024;
const TEXT = "0123456789abcde\n".repeat(2_560);
const NO_MOUNT = Deno.uid() === 0 ? null : "not root";

/** Puts a file system in the place of the logs, for as long as it is used. */
async function mount(
  bench: LogBench,
  type: string,
  options: string,
): Promise<AsyncDisposable> {
  await run("mount", "-t", type, "-o", options, "logs", bench.logDir);
  return {
    [Symbol.asyncDispose]: () => run("umount", "--lazy", bench.logDir),
  };
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(`/usr/bin/${program}`, {
    args,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

function testDisk(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: name + (NO_MOUNT === null ? "" : ` (skipped: ${NO_MOUNT})`),
    ignore: NO_MOUNT !== null,
    fn,
  });
}

testDisk(
  "a log on a disk without holes grows, and nothing is lost",
  async () => {
    await using bench = await LogBench.create(16 * KIB, 3);
    await using _disk = await mount(bench, "ramfs", "mode=711");
    bench.append(TEXT);
    const log = bench.open();
    log.look();
    const { message } = await assertRejects(() => log.rotate(), Error);
    assertStringIncludes(message, "cannot make a hole in " + LOG);
    assertStringIncludes(message, "unsupported");
    assertEquals(bench.names(), [LOG]);
    assertEquals(await readLog(log), TEXT);
  },
);

testDisk(
  "a log on a full disk waits for room, and nothing is lost",
  async () => {
    await using bench = await LogBench.create(16 * KIB, 3);
    await using _disk = await mount(bench, "tmpfs", "mode=711,size=52k");
    bench.append(TEXT);
    const log = bench.open();
    log.look();
    const { message } = await assertRejects(() => log.rotate(), Error);
    assertStringIncludes(message, "No space left");
    assertEquals(bench.names(), [LOG]);
    assertEquals(await readLog(log), TEXT);
    await run("mount", "-o", "remount,size=60k", bench.logDir);
    while (log.isFull) assert(await log.rotate());
    assertEquals(await readLog(log), TEXT);
  },
);

testDisk("a finished part belongs to who wrote it", async () => {
  await using bench = await LogBench.create(16 * KIB, 3);
  bench.append(TEXT);
  await Deno.chmod(bench.path, 0o600);
  await Deno.chown(bench.path, 65_534, 65_534);
  const log = bench.open();
  log.look();
  assert(await log.rotate());
  const { uid, gid, mode } = await Deno.stat(`${bench.path}.${"0".repeat(16)}`);
  assertEquals([uid, gid, (mode ?? 0) & 0o777], [65_534, 65_534, 0o600]);
});
