/** Time and the daemon are scripted: nothing here waits for either. */
import { assertEquals } from "@std/assert";
import { LeaseKeeper } from "../../../executor/tasks/lease_keeper.ts";
import { AppError, type ErrorCode } from "../../../shared/errors.ts";
import type { LeaseInfo } from "../../../shared/manager_api/types.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { MemoryLogger, settled } from "../../support/in_process_daemon.ts";

/** A keeper that is at work. */
class Bench {
  readonly clock = new FakeClock();
  readonly logger = new MemoryLogger();
  /** When each heartbeat came, ms. */
  readonly beats: number[] = [];
  hasProcesses: boolean;
  /** What the daemon answers. */
  answer: LeaseInfo | ErrorCode = { Processes: 1, Timeout: 600 };
  /** Until then it does not. */
  answered: Promise<void> = Promise.resolve();
  isOver = false;
  readonly #aborter = new AbortController();
  readonly keeper = new LeaseKeeper({
    manager: {
      heartbeat: async (owner) => {
        assertEquals(owner, "run-1");
        this.beats.push(this.clock.monotonicMs());
        await this.answered;
        if (typeof this.answer === "object") return this.answer;
        throw new AppError(this.answer, "scripted");
      },
    },
    clock: this.clock,
    logger: this.logger,
    owner: "run-1",
    hasProcesses: () => this.hasProcesses,
  });

  constructor({ hasProcesses } = { hasProcesses: true }) {
    this.hasProcesses = hasProcesses;
    this.keeper.run(this.#aborter.signal).then(() => this.isOver = true);
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settled();
  }

  async end(): Promise<void> {
    this.#aborter.abort();
    await settled();
    assertEquals([this.isOver, this.clock.pending], [true, 0]);
  }
}

Deno.test("LeaseKeeper beats each minute while there are processes", async () => {
  const bench = new Bench();
  await settled();
  assertEquals(bench.beats, [0]);
  for (let left = 3; left > 0; left--) {
    await bench.advance(59_999);
    await bench.advance(1);
  }
  assertEquals(bench.beats, [0, 60_000, 120_000, 180_000]);
  bench.hasProcesses = false;
  for (let left = 10; left > 0; left--) await bench.advance(60_000);
  assertEquals([bench.beats.length, bench.clock.pending], [4, 0]);
  await bench.end();
});

Deno.test("LeaseKeeper begins with the first process", async () => {
  const bench = new Bench({ hasProcesses: false });
  await bench.advance(200_000);
  bench.keeper.onDaemonThere();
  await settled();
  assertEquals([bench.beats, bench.clock.pending], [[], 0]);
  bench.hasProcesses = true;
  bench.keeper.onCreated();
  await settled();
  assertEquals(bench.beats, [200_000]);
  await bench.end();
});

Deno.test("LeaseKeeper beats four times within a short lease", async () => {
  const bench = new Bench();
  bench.answer = { Processes: 1, Timeout: 10 };
  await settled();
  for (let left = 4; left > 0; left--) await bench.advance(2_500);
  assertEquals(bench.beats, [0, 2_500, 5_000, 7_500, 10_000]);
  // It is another daemon's, and what was known does not hold.
  bench.answer = { Processes: 1, Timeout: 4 };
  bench.keeper.onDaemonThere();
  await settled();
  await bench.advance(1_000);
  assertEquals(bench.beats.slice(5), [10_000, 11_000]);
  await bench.end();
});

Deno.test("LeaseKeeper does not hurry where the daemon has none of its leases", async () => {
  const bench = new Bench();
  bench.answer = { Processes: 0, Timeout: 0 };
  await settled();
  await bench.advance(59_999);
  assertEquals(bench.beats, [0]);
  await bench.advance(1);
  assertEquals(bench.beats, [0, 60_000]);
  await bench.end();
});

Deno.test("LeaseKeeper misses no process that is created while it asks", async () => {
  const bench = new Bench();
  const { promise, resolve } = Promise.withResolvers<void>();
  await settled();
  bench.answered = promise;
  await bench.advance(60_000);
  bench.keeper.onCreated();
  bench.keeper.onCreated();
  await bench.advance(1);
  assertEquals(bench.beats, [0, 60_000]);
  resolve();
  await settled();
  assertEquals(bench.beats, [0, 60_000, 60_001]);
  await bench.end();
});

Deno.test("LeaseKeeper asks soon again while it is not answered, and says so once", async () => {
  const bench = new Bench();
  bench.answer = "UNAVAILABLE";
  await settled();
  for (let seconds = 1; seconds < 10; seconds++) {
    await bench.advance(999);
    await bench.advance(1);
    assertEquals(bench.beats.at(-1), seconds * 1_000);
    assertEquals(bench.beats.length, seconds + 1);
  }
  assertEquals(bench.logger.lines, ["leases not renewed"]);
  bench.answer = { Processes: 1, Timeout: 600 };
  bench.keeper.onDaemonThere();
  await settled();
  const { length } = bench.beats;
  await bench.advance(59_999);
  assertEquals(bench.beats.length, length);
  bench.answer = "INTERNAL";
  await bench.advance(1);
  await bench.advance(1_000);
  assertEquals(bench.beats.length, length + 2);
  assertEquals(bench.logger.lines.length, 2);
  await bench.end();
});

Deno.test("LeaseKeeper does not go on asking a daemon without leases", async () => {
  const bench = new Bench();
  bench.answer = "NOT_FOUND";
  await settled();
  for (let left = 10; left > 0; left--) await bench.advance(60_000);
  bench.keeper.onCreated();
  await settled();
  assertEquals(bench.beats, [0]);
  assertEquals(bench.logger.lines.length, 1);
  assertEquals(bench.clock.pending, 0);
  // It may be another one that comes back.
  bench.answer = { Processes: 1, Timeout: 600 };
  bench.keeper.onDaemonThere();
  await settled();
  await bench.advance(60_000);
  assertEquals(bench.beats, [0, 600_000, 660_000]);
  await bench.end();
});
