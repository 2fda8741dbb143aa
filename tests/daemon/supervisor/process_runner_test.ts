import { assertEquals } from "@std/assert";
import type { Effect } from "../../../daemon/lifecycle/events.ts";
import type { ProcessRecord } from "../../../daemon/lifecycle/record.ts";
import { toStatus } from "../../../daemon/lifecycle/status.ts";
import { ProcessRunner } from "../../../daemon/supervisor/process_runner.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { ended, EVENTS, exited, record, SIMPLE } from "../lifecycle/records.ts";

/** A runner whose effects are only remembered. */
function bench(start: ProcessRecord) {
  const effects: Effect[] = [];
  const clock = new FakeClock(0);
  const runner = new ProcessRunner(start, {
    store: {
      update: (record, Cause, Time) => ({
        Seq: 1,
        Time,
        Id: record.id,
        Cause,
        Status: toStatus(record),
      }),
    },
    clock,
    publish: () => {},
    perform: (_runner, effect) => effects.push(effect),
  });
  return { runner, effects, clock };
}

Deno.test("reporter() drops what an earlier generation has to say", () => {
  const { runner } = bench(record({ state: "running", tracked: SIMPLE }));
  const report = runner.reporter();
  runner.dispatch(EVENTS.restartRequested);
  report(ended(exited(0)));
  assertEquals(runner.record.generation, 2);
  for (const event of [EVENTS.prepared, EVENTS.launched, EVENTS.executed]) {
    runner.dispatch(event);
  }
  assertEquals(runner.record.phase.state, "running");
  // The launcher and its exit file both tell of the end.
  report(ended(exited(0)));
  report(EVENTS.mainGone);
  assertEquals(runner.record.phase.state, "running");
  runner.reporter()(ended(exited(0)));
  assertEquals(runner.record.phase.state, "stopped");
});

Deno.test("a restart command has a deadline, and what runs has none", () => {
  const { runner, effects, clock } = bench(
    record({ state: "running", tracked: SIMPLE }, { RestartCmd: "/bin/r" }),
  );
  runner.dispatch({ type: "restartRequested", timeoutMs: 1_000, nowMs: 0 });
  runner.dispatch(EVENTS.helperStarted);
  clock.advance(999);
  assertEquals(effects.map(({ type }) => type), ["runRestart"]);
  clock.advance(1);
  assertEquals(effects.map(({ type }) => type), ["runRestart", "killSession"]);
  runner.dispatch(EVENTS.restartEnded);
  assertEquals([runner.record.phase.state, clock.pending], ["running", 0]);
});

Deno.test("a wait for the next start is over at its time, or after all of it", () => {
  // A clock that was set back does not make it longer.
  for (
    const [deadlineMs, waitMs, leftMs] of [
      [3_000, 5_000, 3_000],
      [9e9, 5_000, 5_000],
      [-9e9, 5_000, 0],
    ] as const
  ) {
    const { runner, effects, clock } = bench(
      record({ state: "starting", step: "backoff", deadlineMs, waitMs }, {
        RestartPolicy: {
          Policy: "Always",
          Interval: 5,
          Backoff: 0,
          MaxTimes: 0,
        },
      }),
    );
    clock.advance(leftMs - 1);
    assertEquals(runner.record.generation, 1);
    clock.advance(1);
    assertEquals([runner.record.generation, clock.pending], [2, 0]);
    assertEquals(effects, [{ type: "prepare" }]);
  }
});
