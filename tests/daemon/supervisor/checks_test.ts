import { assertEquals } from "@std/assert";
import { toStatus } from "../../../daemon/lifecycle/status.ts";
import { toSettings } from "../../../daemon/lifecycle/settings.ts";
import type { Phase } from "../../../daemon/lifecycle/record.ts";
import { Checks } from "../../../daemon/supervisor/checks.ts";
import { ProcessRunner } from "../../../daemon/supervisor/process_runner.ts";
import { AppError } from "../../../shared/errors.ts";
import { createLogger } from "../../../shared/logger.ts";
import type { ExecResult } from "../../../shared/manager_api/types.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { EVENTS, record, SIMPLE } from "../lifecycle/records.ts";

const WELL: ExecResult = {
  TimedOut: false,
  ExitKnown: true,
  ExitCode: 0,
  Signal: 0,
  Stdout: "",
  Stderr: "",
  Truncated: false,
};
const RUNNING: Phase = { state: "running", tracked: SIMPLE };
const STARTING: Phase = {
  state: "starting",
  step: "check",
  tracked: SIMPLE,
  deadlineMs: 5_000,
};

/** Checks whose commands end as the test says. */
function bench(phase: Phase) {
  const clock = new FakeClock(0);
  const causes: string[] = [];
  const limits: number[] = [];
  const waiting: PromiseWithResolvers<ExecResult>[] = [];
  const checks = new Checks({
    clock,
    random: () => 0.5,
    logger: createLogger(() => {}, () => 0),
    groups: { forHelper: () => null },
    surroundings: {
      of: ({ record: { info } }) =>
        Promise.resolve({
          user: null,
          workDir: "/",
          environment: [],
          settings: toSettings(info),
        }),
    },
    execs: {
      run: (_runner, { timeoutMs }) => {
        const answer = Promise.withResolvers<ExecResult>();
        waiting.push(answer);
        limits.push(timeoutMs);
        return answer.promise;
      },
    },
  });
  const runner = new ProcessRunner(record(phase, { CheckCmd: "/bin/check" }), {
    store: {
      update: (record, Cause, Time) => {
        causes.push(`${Time} ${Cause}`);
        return { Seq: 1, Time, Id: "p", Cause, Status: toStatus(record) };
      },
    },
    clock,
    publish: () => {},
    perform: (runner, { type }) => {
      if (type === "check") checks.follow(runner);
    },
  });
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  return {
    clock,
    causes,
    limits,
    waiting,
    checks,
    runner,
    settle,
    async advance(ms: number) {
      clock.advance(ms);
      await settle();
    },
    async end(outcome: Partial<ExecResult> | AppError = {}) {
      const answer = waiting.shift();
      if (answer === undefined) throw new Error("nothing is checked");
      if (outcome instanceof AppError) answer.reject(outcome);
      else answer.resolve({ ...WELL, ...outcome });
      await settle();
    },
  };
}

Deno.test("follow() checks a start at once and every second", async () => {
  const { advance, end, settle, waiting, checks, runner, causes, limits } =
    bench(STARTING);
  checks.follow(runner);
  await settle();
  await advance(0);
  assertEquals(waiting.length, 1);
  await end({ ExitCode: 1 });
  await advance(999);
  assertEquals(waiting.length, 0);
  await advance(1);
  await end();
  assertEquals(causes, ["1000 checkPassed"]);
  assertEquals(runner.record.phase, RUNNING);
  // No check has more time than the start.
  assertEquals(limits, [5_000, 4_000]);
});

Deno.test("follow() gives a start its time, and not more", async () => {
  const { advance, end, settle, checks, runner, causes, limits } = bench(
    STARTING,
  );
  checks.follow(runner);
  await settle();
  await advance(0);
  const busy = new AppError("RESOURCE_EXHAUSTED", "busy");
  for (let time = 0; time < 5; time++) {
    await end(time === 2 ? busy : { ExitCode: 1, Stderr: `no ${time}\n` });
    await advance(1_000);
  }
  assertEquals(causes, []);
  await end({ ExitCode: 1, Stdout: "still not\n" });
  assertEquals(causes, ["5000 checkFailed"]);
  assertEquals(
    runner.record.message,
    "process p failed to start: its check command exited with code 1: " +
      "still not",
  );
  assertEquals(limits.at(-1), 1_000);
});

Deno.test("follow() calls a process unhealthy at the third failure", async () => {
  const { advance, end, settle, checks, runner, causes, clock } = bench(
    RUNNING,
  );
  checks.follow(runner);
  await settle();
  // A random part of the interval, then all of it.
  await advance(5_000);
  for (
    const outcome of [
      { ExitCode: 1 },
      { ExitCode: 1 },
      {},
      { ExitCode: 1 },
      { TimedOut: true, ExitKnown: false },
      // Our own doing says nothing.
      new AppError("RESOURCE_EXHAUSTED", "busy"),
      new AppError("FAILED_PRECONDITION", "no such program"),
      { Signal: 9 },
      {},
      {},
    ]
  ) {
    await end(outcome);
    await advance(10_000);
  }
  assertEquals(causes, ["65000 checkFailed", "85000 checkPassed"]);
  assertEquals(runner.record.phase, RUNNING);
  await end();
  runner.dispatch(EVENTS.stopRequested);
  runner.close();
  await settle();
  assertEquals(clock.pending, 0);
});

Deno.test("follow() runs one check at a time, over restarts too", async () => {
  const { advance, end, settle, checks, runner, waiting } = bench(RUNNING);
  checks.follow(runner);
  checks.follow(runner);
  await settle();
  await advance(60_000);
  assertEquals(waiting.length, 1);
  checks.follow(runner);
  runner.dispatch(EVENTS.restartRequested);
  const { ended, prepared, launched, executed } = EVENTS;
  for (const event of [ended, prepared, launched, executed]) {
    runner.dispatch(event);
  }
  await settle();
  await advance(1_000);
  // The command of before is being killed.
  assertEquals([waiting.length, runner.record.generation], [1, 2]);
  await end({ Signal: 9 });
  await advance(0);
  assertEquals(waiting.length, 1);
  await end();
  assertEquals(runner.record.phase.state, "running");
});

Deno.test("close() has nobody judged by a check that was cut short", async () => {
  const { advance, end, settle, checks, runner, causes, clock } = bench({
    ...STARTING,
    deadlineMs: 0,
  });
  checks.follow(runner);
  await settle();
  await advance(0);
  let isClosed = false;
  const closed = checks.close().then(() => isClosed = true);
  await settle();
  assertEquals(isClosed, false, "its command has not ended");
  await end(new AppError("FAILED_PRECONDITION", "killed"));
  await closed;
  assertEquals([causes, clock.pending], [[], 0]);
});
