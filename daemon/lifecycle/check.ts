import type { Decision, EventOf, RecordIn } from "./decision.ts";
import type { Phase, ProcessRecord, Tracked } from "./record.ts";
import { run } from "./running.ts";
import { toSpec } from "./spec.ts";
import { stopFailed } from "./stop_ladder.ts";

/** Failures in a row until a running process is called unhealthy. */
const FAILURES_MAX = 3;

/**
 * The main process is there: it runs, or proves that first by its CheckCmd.
 *
 * @param deadlineMs When it must have proved it; wall clock.
 */
export function arrive(
  record: ProcessRecord,
  tracked: Tracked,
  deadlineMs: number,
): Decision {
  if (toSpec(record.info).check === null) return run(record, tracked);
  return {
    record: {
      ...record,
      phase: { state: "starting", step: "check", tracked, deadlineMs },
      pid: tracked.main?.pid ?? 0,
      message: `process ${record.id} is up, its check command has not ` +
        "succeeded yet",
    },
    effects: [{ type: "check" }],
  };
}

/**
 * Decides whether the outcome of a check is news: of a start, its success or
 * that its time is over; of a running process, a change of its health.
 *
 * @param failures Checks that have failed in a row, with this one; 0 = it
 * succeeded.
 */
export function isCheckNews(
  phase: Phase,
  failures: number,
  nowMs: number,
): boolean {
  if (phase.state === "starting" && phase.step === "check") {
    return failures === 0 || nowMs >= phase.deadlineMs;
  }
  if (phase.state !== "running") return false;
  return phase.isUnhealthy ? failures === 0 : failures >= FAILURES_MAX;
}

/** The check command succeeded: that is what `running` waited for. */
export function passCheck(record: RecordIn<"starting">): Decision {
  const { phase } = record;
  return phase.step === "check"
    ? run(record, phase.tracked)
    : { record, effects: [] };
}

/** It never did in time: what was started is stopped. */
export function failCheck(
  record: RecordIn<"starting">,
  { message, nowMs }: EventOf<"checkFailed">,
): Decision {
  const { phase } = record;
  return phase.step === "check"
    ? stopFailed(record, phase.tracked, message, nowMs)
    : { record, effects: [] };
}

/** What was unhealthy is well again. */
export function noteHealthy(record: RecordIn<"running">): Decision {
  const { isUnhealthy, ...phase } = record.phase;
  if (isUnhealthy === undefined) return { record, effects: [] };
  const { message } = run(record, phase.tracked).record;
  return { record: { ...record, phase, message }, effects: [] };
}

/** It is said, and nothing else: a check that kills by mistake costs players. */
export function noteUnhealthy(
  record: RecordIn<"running">,
  { message }: EventOf<"checkFailed">,
): Decision {
  const { phase, id } = record;
  if (phase.isUnhealthy) return { record, effects: [] };
  return {
    record: {
      ...record,
      phase: { ...phase, isUnhealthy: true },
      message: `process ${id} is running, but not well: ${message}`,
    },
    effects: [],
  };
}
