import type { RestartPolicy } from "../../shared/manager_api/types.ts";
import type { ProcessRecord } from "./record.ts";

/**
 * The shortest wait before a start again, ms: what ends at once must not keep
 * the host busy, whatever its policy says.
 */
const WAIT_MS_MIN = 1_000;
/** A run of so many times the wait before it was a good one. */
const GOOD_RUN_WAITS = 10;
/** But never one that was shorter than this, ms. */
const GOOD_RUN_MS_MIN = 60_000;
/** And always one that was longer than this, ms. */
const GOOD_RUN_MS_MAX = 3_600_000;

/** What a policy says of a process that has ended by itself. */
export type NextStart =
  | { readonly kind: "none" }
  /** It was started again as often as it may be. */
  | { readonly kind: "given-up"; readonly restarts: number }
  | {
    readonly kind: "wait";
    /** Starts again in a row so far. */
    readonly restarts: number;
    readonly waitMs: number;
  };

/**
 * Whether and when a process that has ended is started again. Nobody is
 * started again whose end was asked for.
 *
 * @param record As it ended: with its result, exit and `finishedMs`.
 */
export function toNextStart(record: ProcessRecord): NextStart {
  const policy = record.info.RestartPolicy ?? null;
  if (policy === null || policy.Policy === "Never" || wasAsked(record)) {
    return { kind: "none" };
  }
  if (policy.Policy === "OnFailure" && hasSucceeded(record)) {
    return { kind: "none" };
  }
  const restarts = hasRunWell(record, policy) ? 0 : record.restarts ?? 0;
  if (policy.MaxTimes > 0 && restarts >= policy.MaxTimes) {
    return { kind: "given-up", restarts };
  }
  return { kind: "wait", restarts, waitMs: waitMsOf(policy, restarts + 1) };
}

/** The wait before the n-th start again in a row, from 1, ms. */
function waitMsOf({ Interval, Backoff }: RestartPolicy, n: number): number {
  return Math.max(WAIT_MS_MIN, (Interval + (n - 1) * Backoff) * 1000);
}

function wasAsked({ phase, result }: ProcessRecord): boolean {
  return result === "stopped" || result === "lease-expired" ||
    (phase.state === "stopping" && phase.asked !== null);
}

/** Unknown is not success: only an exit code that was seen to be 0 is. */
function hasSucceeded({ result, exit }: ProcessRecord): boolean {
  return result === "exited" && exit?.kind === "exited" && exit.code === 0;
}

/**
 * Whether its last run was so long that what went wrong before is over. One
 * that was never proved to run was none.
 */
function hasRunWell(
  { result, restarts, startedMs, finishedMs }: ProcessRecord,
  policy: RestartPolicy,
): boolean {
  if (result === "start-failed" || result === "package-failed") return false;
  const waitedMs = restarts ? waitMsOf(policy, restarts) : 0;
  const goodMs = Math.min(
    Math.max(GOOD_RUN_WAITS * waitedMs, GOOD_RUN_MS_MIN),
    GOOD_RUN_MS_MAX,
  );
  return (finishedMs ?? 0) - startedMs >= goodMs;
}
