import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { findLastLines } from "../../../daemon/logs/find_last_lines.ts";
import { AppError } from "../../../shared/errors.ts";
import { LINE_FORMAT, LineCheck, LOG, LogBench, readLog } from "./log_bench.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** Lines of 10 bytes: 4 KiB of them stay where they are at every rotation. */
const lines = (from: number, to: number) =>
  Array.from(
    { length: to - from + 1 },
    (_, index) => `line ${String(from + index).padStart(4, "0")}\n`,
  ).join("");

Deno.test("a million lines written while they are rotated are all there", async () => {
  await using bench = await LogBench.create(MIB, 1000);
  // Blocks of 4 KiB, so that lines are cut across writes.
  const writer = new Deno.Command("/bin/sh", {
    args: ["-c", 'exec /usr/bin/seq -f "$1" 1 1000000 >>"$2"', "sh"].concat(
      LINE_FORMAT,
      bench.path,
    ),
  }).spawn();
  const log = bench.open();
  let isWriting = true;
  const written = writer.status.finally(() => isWriting = false);
  let whileWriting = 0;
  while (isWriting || log.isFull) {
    log.look();
    if (!log.isFull) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    } else if (await log.rotate() && isWriting) {
      whileWriting++;
    }
  }
  assertEquals((await written).code, 0);
  log.look();
  assert(whileWriting > 2, `only ${whileWriting} rotations`);
  assertEquals(log.end, 21_000_000);
  const starts = bench.starts();
  const check = new LineCheck();
  for (const [index, start] of starts.entries()) {
    const path = `${bench.logDir}/${LOG}.${String(start).padStart(16, "0")}`;
    const bytes = await Deno.readFile(path);
    assertEquals(start + bytes.length, starts[index + 1] ?? bench.holes.at(-1));
    assert(bytes.length <= MIB);
    check.add(bytes);
    check.end();
  }
  const live = await log.read(bench.holes.at(-1) ?? 0, 2 * MIB);
  check.add(live.bytes);
  check.end();
  assertEquals(check.count, 1_000_000);
  // What was moved out takes no room any more.
  const { blocks } = await Deno.stat(bench.path);
  assert((blocks ?? 0) * 512 < 2 * MIB, `${blocks} blocks`);
  assertEquals(bench.cuts, []);
});

Deno.test("a log is cut behind a line, and its end stays", async () => {
  await using bench = await LogBench.create(16 * KIB, 3);
  bench.append(lines(1, 1638) + "no end");
  const log = bench.open();
  log.look();
  assertEquals([log.start, log.end, log.isFull], [0, 16_386, true]);
  assert(await log.rotate());
  assertEquals(log.isFull, false);
  assertEquals(bench.names(), [LOG, `${LOG}.${"0".repeat(16)}`]);
  const part = await Deno.readTextFile(
    `${bench.logDir}/${LOG}.${"0".repeat(16)}`,
  );
  assertEquals(part, lines(1, 1229));
  assertEquals(bench.holes, [12_290]);
  assertEquals(await readLog(log), lines(1, 1638) + "no end");
  const { size } = await Deno.stat(bench.path);
  assertEquals(size, 16_386);
});

Deno.test("a line longer than a file is cut rather than kept for ever", async () => {
  await using bench = await LogBench.create(16 * KIB, 5);
  const text = "x".repeat(50_000) + "\n";
  bench.append(text);
  const log = bench.open();
  log.look();
  while (log.isFull) assert(await log.rotate());
  assertEquals(bench.holes, [16_384, 32_768, 45_905]);
  assertEquals(await readLog(log), text);
});

Deno.test("no more files are kept than allowed, and what is gone is known", async () => {
  for (const files of [1, 2, 3]) {
    await using bench = await LogBench.create(16 * KIB, files);
    const log = bench.open();
    for (let begin = 1; begin < 9000; begin += 1000) {
      bench.append(lines(begin, begin + 999));
      log.look();
      while (log.isFull) assert(await log.rotate());
      assert(bench.names().length <= files, `${bench.names()}`);
    }
    assertEquals(log.end, 90_000);
    assert(log.start > 40_000 && log.start % 10 === 0, `${log.start}`);
    const kept = await readLog(log);
    assertEquals(kept, lines(log.start / 10 + 1, 9000));
    // Whoever asks for what is gone is given the next that is kept.
    assertEquals((await log.read(5, 10)).start, log.start);
    assertEquals(log.nextKept(5), log.start);
    assertEquals((await log.readBefore(log.start, 10)).bytes.length, 0);
    // A daemon that begins knows the same.
    const next = bench.open();
    next.look();
    assertEquals([next.start, next.end], [log.start, log.end]);
    assertEquals(await readLog(next), kept);
  }
});

Deno.test("a daemon that dies amid a rotation loses and doubles nothing", async () => {
  // A crash is what stands on the disk at an instant, and a new LogFile.
  const crash = () => {
    throw new Error("crash");
  };
  const instants: Record<string, (bench: LogBench) => void> = {
    "before the hole": (bench) => bench.beforePunch = crash,
    "after the hole": (bench) => bench.afterPunch = crash,
  };
  const text = lines(1, 4000);
  for (const [instant, arrange] of Object.entries(instants)) {
    await using bench = await LogBench.create(16 * KIB, 10);
    bench.append(text);
    const first = bench.open();
    first.look();
    assert(await first.rotate());
    arrange(bench);
    await assertRejects(() => first.rotate(), Error, "crash");
    // Nobody knows whether there is a hole: what was moved out is kept.
    assertEquals(await readLog(first), text, instant);
    bench.beforePunch = bench.afterPunch = () => {};
    const second = bench.open();
    second.look();
    assertEquals(await readLog(second), text, instant);
    while (second.isFull) assert(await second.rotate());
    assertEquals(await readLog(second), text, instant);
  }
});

Deno.test("a part stays if its hole was made and an error said", async () => {
  await using bench = await LogBench.create(16 * KIB, 10);
  const text = lines(1, 2000);
  bench.append(text);
  const log = bench.open();
  log.look();
  bench.afterPunch = () => {
    throw new AppError("INVALID_ARGUMENT", "Input/output error");
  };
  await assertRejects(() => log.rotate(), AppError);
  assertEquals(await readLog(log), text);
  assertEquals(await readLog(bench.open()), text.slice(0, bench.holes[0]));
});

Deno.test("a part stays if its hole may be made later", async () => {
  await using bench = await LogBench.create(16 * KIB, 10);
  const text = lines(1, 2000);
  bench.append(text);
  const log = bench.open();
  log.look();
  bench.beforePunch = () => {
    throw new AppError("INTERNAL", "the launcher was given up");
  };
  await assertRejects(() => log.rotate(), AppError);
  await bench.punch(bench.holes[0] ?? 0);
  assertEquals(await readLog(log), text);
});

Deno.test("a log that its process cuts short goes on with later places", async () => {
  await using bench = await LogBench.create(16 * KIB, 10);
  bench.append(lines(1, 2000));
  const log = bench.open();
  log.look();
  assert(await log.rotate());
  const [hole = 0] = bench.holes;
  await Deno.truncate(bench.path);
  bench.append("after\n");
  log.look();
  assertEquals(bench.cuts, [20_000 - hole]);
  assertEquals(log.end, 20_006);
  assertEquals((await log.read(hole, 100)).start, 20_000);
  assertEquals(await readLog(log), lines(1, hole / 10) + "after\n");
  // The lines before the gap are not taken for the last ones.
  assertEquals(await findLastLines(log, 5, log.end, log.start), 20_000);
  // A daemon that begins now knows the same places.
  const heir = bench.open();
  heir.look();
  assertEquals([heir.end, await readLog(heir)], [20_006, await readLog(log)]);
  bench.append(lines(1, 2000));
  log.look();
  assert(await log.rotate());
  assertEquals(
    await readLog(log),
    lines(1, hole / 10) + "after\n" + lines(1, 2000),
  );
  const next = bench.open();
  next.look();
  assertEquals(await readLog(next), await readLog(log));
  assertEquals(bench.cuts, [20_000 - hole]);
});

Deno.test("a daemon that begins sees that a log was cut short meanwhile", async () => {
  await using bench = await LogBench.create(16 * KIB, 10);
  bench.append(lines(1, 2000));
  const log = bench.open();
  log.look();
  assert(await log.rotate());
  await Deno.remove(bench.path);
  bench.append("after\n");
  const next = bench.open();
  next.look();
  const [hole = 0] = bench.holes;
  assertEquals([next.end, next.nextKept(hole)], [hole + 6, hole]);
  assertEquals(await readLog(next), lines(1, hole / 10) + "after\n");
});

Deno.test("parts that an operator removes are a gap, not zeros", async () => {
  await using bench = await LogBench.create(16 * KIB, 10);
  bench.append(lines(1, 6000));
  const log = bench.open();
  log.look();
  while (log.isFull) assert(await log.rotate());
  const hole = bench.holes.at(-1) ?? 0;
  for (const start of bench.starts()) {
    await Deno.remove(`${bench.path}.${String(start).padStart(16, "0")}`);
  }
  assertEquals((await log.read(0, 100)).start, hole);
  assertEquals(await readLog(bench.open(), hole), "");
  const next = bench.open();
  next.look();
  assertEquals(next.start, hole);
  assertEquals(await readLog(next), lines(hole / 10 + 1, 6000));
});

Deno.test("a log that cannot be given back stays as it is", async () => {
  await using bench = await LogBench.create(16 * KIB, 10);
  bench.append(lines(1, 2000));
  const log = bench.open();
  log.look();
  await Deno.chmod(bench.logDir, 0o777);
  const { message } = await assertRejects(() => log.rotate(), AppError);
  assertStringIncludes(message, "others may write in the folder");
  assertEquals(bench.names(), [LOG]);
  assertEquals([log.start, log.isFull], [0, true]);
  assertEquals(await readLog(log), lines(1, 2000));
  await Deno.chmod(bench.logDir, 0o711);
  assert(await log.rotate());
  assertEquals(await readLog(log), lines(1, 2000));
});

Deno.test("a reader whom a rotation overtakes is not given the hole", async () => {
  await using bench = await LogBench.create(16 * KIB, 100);
  const text = lines(1, 2000);
  bench.append(text);
  const log = bench.open();
  log.look();
  // The reader has found its file, and gets to read only afterwards.
  const { open } = Deno;
  const rotated = Promise.withResolvers<void>();
  const waitAndOpen = (path: string) => rotated.promise.then(() => open(path));
  Object.defineProperty(Deno, "open", { value: waitAndOpen });
  const read = log.read(0, 100);
  Object.defineProperty(Deno, "open", { value: open });
  assert(await log.rotate());
  rotated.resolve();
  const { start, bytes } = await read;
  assertEquals(start, 0);
  assertEquals(new TextDecoder().decode(bytes), text.slice(0, 100));
});

Deno.test("the last lines are found across files", async () => {
  await using bench = await LogBench.create(16 * KIB, 100);
  bench.append(lines(1, 9999));
  const log = bench.open();
  log.look();
  while (log.isFull) assert(await log.rotate());
  const find = (count: number, lowest = 0) =>
    findLastLines(log, count, log.end, lowest);
  for (const count of [0, 1, 2, 409, 410, 411, 3000, 9998, 9999, 10_000]) {
    assertEquals(await find(count), Math.max(0, 9999 - count) * 10, `${count}`);
  }
  assertEquals(await find(9999, 5_003), 5_003);
  bench.append("\n\nno end");
  log.look();
  assertEquals(await find(1), 99_992);
  assertEquals(await find(2), 99_991);
  assertEquals(await find(4), 99_980);
});

Deno.test("the first of all lines may be empty", async () => {
  await using bench = await LogBench.create(16 * KIB, 100);
  bench.append("\na\n");
  const log = bench.open();
  log.look();
  const found = [1, 2, 3, 4].map((count) => findLastLines(log, count, 3, 0));
  assertEquals(await Promise.all(found), [1, 0, 0, 0]);
});

Deno.test("what lies at the place of a log and is no file is left alone", async () => {
  await using bench = await LogBench.create(16 * KIB, 3);
  const secret = `${bench.logDir}/secret`;
  await Deno.writeTextFile(secret, lines(1, 5000));
  await Deno.symlink(secret, bench.path);
  const log = bench.open();
  log.look();
  assertEquals([log.end, log.isFull], [0, false]);
  await log.remove();
  assertEquals(bench.names(), ["secret"]);
});
