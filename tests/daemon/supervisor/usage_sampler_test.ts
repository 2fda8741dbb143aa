import { assertEquals } from "@std/assert";
import type { ProcessRecord } from "../../../daemon/lifecycle/record.ts";
import { UsageSampler } from "../../../daemon/supervisor/usage_sampler.ts";
import { BackgroundTasks } from "../../../shared/background.ts";
import { AppError } from "../../../shared/errors.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { FakeLauncher } from "../../support/fake_launcher.ts";
import { MemoryLogger, settled } from "../../support/in_process_daemon.ts";
import { record, SIMPLE } from "../lifecycle/records.ts";

const AMOUNTS = {
  cpuUs: 1_000_000,
  memoryBytes: 10,
  memoryPeakBytes: 20,
  processes: 1,
};

/** A running process and one that is stopped. */
function bench() {
  const clock = new FakeClock();
  const launcher = new FakeLauncher();
  const logger = new MemoryLogger();
  const failures: unknown[] = [];
  const startedMs = clock.nowMs() - 5_000;
  const running = record(
    { state: "running", tracked: SIMPLE },
    {},
    { number: 1, startedMs },
  );
  const stopped = record({ state: "stopped" }, {}, { number: 2, startedMs });
  const records: ProcessRecord[] = [running, stopped];
  launcher.usage = { atMs: 0, used: new Map([[1, AMOUNTS], [2, AMOUNTS]]) };
  const sampler = new UsageSampler({
    launcher,
    groups: { groupOf: () => null },
    clock,
    logger,
    background: new BackgroundTasks((_name, error) => failures.push(error)),
    records: () => records,
  });
  /** Keeps the launcher from answering. */
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    launcher.beforeUsageAnswer = () => promise;
    return resolve;
  };
  return {
    clock,
    launcher,
    logger,
    failures,
    records,
    running,
    stopped,
    sampler,
    hold,
  };
}

Deno.test("usage is measured when somebody asks, of who is alive", async () => {
  const { sampler, launcher, running, stopped, clock } = bench();
  assertEquals(sampler.of(running), null);
  assertEquals(launcher.sent, []);
  await sampler.freshen();
  assertEquals(launcher.sent, ["usage 1"]);
  assertEquals(sampler.of(running), {
    Time: clock.nowMs(),
    CpuSeconds: 1,
    CpuPercent: 20,
    MemoryBytes: 10,
    MemoryPeakBytes: 20,
    Processes: 1,
    UptimeSeconds: 5,
  });
  assertEquals(sampler.of(stopped), null);
  assertEquals(sampler.of({ ...running, generation: 9 }), null);
  assertEquals(sampler.of({ ...running, phase: { state: "stopped" } }), null);
  assertEquals(clock.pending, 0);
});

Deno.test("usage is measured again once it is old", async () => {
  const { sampler, launcher, clock } = bench();
  await sampler.freshen();
  clock.advance(2_000);
  await sampler.freshen();
  assertEquals(launcher.sent.length, 1);
  clock.advance(1);
  await sampler.freshen();
  assertEquals(launcher.sent.length, 2);
  // Who does not wait is content with less.
  clock.advance(10_000);
  sampler.refresh();
  assertEquals(launcher.sent.length, 2);
  clock.advance(1);
  sampler.refresh();
  assertEquals(launcher.sent.length, 3);
  await settled();
});

Deno.test("usage goes on from what was measured before", async () => {
  const { sampler, launcher, running, clock } = bench();
  await sampler.freshen();
  clock.advance(10_000);
  // Of a child that has ended nothing is known any more.
  const amounts = { ...AMOUNTS, cpuUs: 500_000, memoryPeakBytes: 5 };
  launcher.usage = { atMs: 10_000, used: new Map([[1, amounts]]) };
  await sampler.freshen();
  const usage = sampler.of(running);
  assertEquals(
    [usage?.CpuSeconds, usage?.CpuPercent, usage?.MemoryPeakBytes],
    [1, 0, 20],
  );
});

Deno.test("usage is measured by one call at a time", async () => {
  const { sampler, launcher, running, hold } = bench();
  const release = hold();
  sampler.refresh();
  sampler.refresh();
  const waiting = [sampler.freshen(), sampler.freshen()];
  await settled();
  assertEquals(launcher.sent, ["usage 1"]);
  assertEquals(sampler.of(running), null);
  release();
  await Promise.all(waiting);
  assertEquals(launcher.sent, ["usage 1"]);
  assertEquals(sampler.of(running)?.Processes, 1);
});

Deno.test("usage is waited for a second and no longer", async () => {
  const { sampler, launcher, running, clock, hold } = bench();
  const release = hold();
  let hasAnswered = false;
  const answered = sampler.freshen().then(() => hasAnswered = true);
  clock.advance(999);
  await settled();
  assertEquals(hasAnswered, false);
  clock.advance(1);
  await answered;
  assertEquals(sampler.of(running), null);
  release();
  await settled();
  assertEquals(sampler.of(running)?.Processes, 1);
  assertEquals(launcher.sent.length, 1);
});

Deno.test("usage that cannot be measured stays as it was", async () => {
  const { sampler, launcher, running, clock, logger, failures } = bench();
  await sampler.freshen();
  const before = sampler.of(running);
  clock.advance(5_000);
  launcher.beforeUsageAnswer = () =>
    Promise.reject(new AppError("UNAVAILABLE", "no more processes"));
  await sampler.freshen();
  assertEquals(sampler.of(running), before);
  assertEquals(logger.lines, ["usage not measured"]);
  // It is not tried at every request.
  await sampler.freshen();
  assertEquals([launcher.sent.length, failures], [2, []]);
});

Deno.test("usage is not measured where nobody is alive", async () => {
  const { sampler, launcher, records, stopped } = bench();
  records.shift();
  await sampler.freshen();
  assertEquals([launcher.sent, sampler.of(stopped)], [[], null]);
});

Deno.test("a bug in measuring is not taken for a busy host", async () => {
  const { sampler, launcher, failures } = bench();
  const bug = new TypeError("bug");
  launcher.beforeUsageAnswer = () => Promise.reject(bug);
  await sampler.freshen();
  await settled();
  assertEquals(failures, [bug]);
});
