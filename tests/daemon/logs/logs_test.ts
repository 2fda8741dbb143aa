import { assert, assertEquals } from "@std/assert";
import { Logs } from "../../../daemon/logs/logs.ts";
import { BackgroundTasks } from "../../../shared/background.ts";
import { AppError } from "../../../shared/errors.ts";
import { createLogger } from "../../../shared/logger.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { type TempDir, tempDir } from "../../support/temp_dir.ts";

// When logs are looked at and rotated; the clock is the test's, and so is
// whether a hole can be made.

const KIB = 1024;
const LINES = "0123456789abcde\n".repeat(2 * KIB);

class LogsBench implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly holes: string[] = [];
  readonly warnings: string[] = [];
  readonly logs: Logs;
  canPunch = true;
  readonly #background = new BackgroundTasks((_name, error) => {
    throw error;
  });

  private constructor(private readonly dir: TempDir) {
    const policy = { fileBytes: 20 * KIB, files: 5 };
    this.logs = new Logs(`${dir.path}/log`, `${dir.path}/marks`, policy, {
      launcher: {
        punch: (_folder, name, bytes) => {
          this.holes.push(`${name} ${bytes}`);
          return this.canPunch
            ? Promise.resolve()
            : Promise.reject(new AppError("INVALID_ARGUMENT", "no holes"));
        },
      },
      clock: this.clock,
      background: this.#background,
      logger: createLogger((line) => this.warnings.push(line), () => 0),
    });
  }

  static async create(): Promise<LogsBench> {
    const dir = await tempDir();
    await Deno.mkdir(`${dir.path}/log`);
    await Deno.mkdir(`${dir.path}/marks`);
    return new LogsBench(dir);
  }

  get logDir(): string {
    return `${this.dir.path}/log`;
  }

  append(name: string, text = LINES): void {
    const path = `${this.logDir}/${name}`;
    Deno.writeTextFileSync(path, text, { append: true });
  }

  /** Lets time pass, and what then began end. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 250) {
      this.clock.advance(Math.min(left, 250));
      await this.#background.settle();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.logs.close();
    assertEquals(this.clock.pending, 0);
    await this.dir[Symbol.asyncDispose]();
  }
}

Deno.test("logs are rotated in their turn once they are full", async () => {
  await using bench = await LogsBench.create();
  bench.logs.watch("a");
  bench.append("a.stdout", LINES + LINES);
  bench.append("b.stdout");
  await bench.pass(250);
  assertEquals(
    bench.holes,
    [20_480, 40_960, 61_440].map((place) => `a.stdout ${place}`),
  );
  bench.logs.watch("b");
  bench.append("a.stderr");
  await bench.pass(32_000);
  assertEquals(bench.holes.slice(3), ["b.stdout 20480", "a.stderr 20480"]);
  assertEquals(bench.warnings, []);
});

Deno.test("a log that grows faster is looked at sooner", async () => {
  await using bench = await LogsBench.create();
  bench.logs.watch("a");
  bench.append("a.stdout", "x".repeat(8 * KIB));
  await bench.pass(250);
  // 12 KiB are left, at 8 KiB in 250 ms.
  bench.append("a.stdout", "x".repeat(13 * KIB));
  await bench.pass(250);
  assertEquals(bench.holes, ["a.stdout 17408"]);
});

Deno.test("the logs of a process that has ended are left alone", async () => {
  await using bench = await LogsBench.create();
  bench.logs.watch("a");
  bench.logs.rest("a");
  bench.append("a.stdout");
  await bench.pass(60_000);
  assertEquals([bench.holes, bench.clock.pending], [[], 0]);
  bench.logs.watch("a");
  await bench.pass(250);
  assertEquals(bench.holes.length, 1);
});

Deno.test("a log that cannot be rotated is told of once, and tried again", async () => {
  await using bench = await LogsBench.create();
  bench.canPunch = false;
  bench.logs.watch("a");
  bench.append("a.stdout");
  await bench.pass(30 * 60_000);
  const [warning = "", ...more] = bench.warnings;
  assertEquals(more, []);
  assert(warning.includes('"a.stdout"') && warning.includes("no holes"));
  assertEquals(bench.holes.length, 3);
  bench.canPunch = true;
  await bench.pass(10 * 60_000);
  assertEquals(bench.holes.length, 4);
  assertEquals(bench.logs.of("a", "stdout").isFull, false);
});

Deno.test("a log that is cut short with every line is told of ever less", async () => {
  await using bench = await LogsBench.create();
  bench.logs.watch("a");
  for (let times = 0; times < 100; times++) {
    bench.append("a.stderr", "0123456789\n");
    bench.logs.of("a", "stderr").look();
    Deno.truncateSync(`${bench.logDir}/a.stderr`);
    bench.logs.of("a", "stderr").look();
  }
  const lost = bench.warnings.map((line) => JSON.parse(line).bytesLost);
  assertEquals(lost, [11, 22, 44, 88, 176, 352, 704]);
});

Deno.test("a thousand processes are looked at in turns", async () => {
  await using bench = await LogsBench.create();
  for (let id = 0; id < 1_000; id++) bench.logs.watch(`p${id}`);
  // Each has to have its turn within a few seconds.
  for (let id = 0; id < 1_000; id += 111) bench.append(`p${id}.stderr`);
  await bench.pass(250);
  assert(bench.holes.length <= 1, `${bench.holes}`);
  await bench.pass(5_000);
  assertEquals(bench.holes.length, 10);
});
