import { boundText } from "../../shared/bound_text.ts";
import type { HealthPlan } from "./check_definition.ts";
import type { Observation, Outcome } from "./probe.ts";

/** Longest message to a framework, bytes. */
const MESSAGE_BYTES_MAX = 1_024;

/** What is to be told of a task's health. */
export interface HealthChange {
  readonly healthy: boolean;
  /** Failures in a row; 0 when healthy. */
  readonly consecutiveFailures: number;
  /** Whether the task is to be killed for it. */
  readonly isKillDue: boolean;
  /** For people; at most 1 KiB. */
  readonly message: string;
}

/** What is known of a task's health. */
export interface HealthState {
  /** Whether it had no success yet. */
  readonly isInitializing: boolean;
  /** Failures in a row that count. */
  readonly consecutiveFailures: number;
}

/** What comes of one probe of a health check. */
export interface HealthDecision {
  readonly state: HealthState;
  /** null = nothing new. */
  readonly report: HealthChange | null;
}

/** A task that was just started. */
export const HEALTH_UNKNOWN: HealthState = {
  isInitializing: true,
  consecutiveFailures: 0,
};

/** What is healthy where nothing else is said, as in Mesos. */
const STATUS_MIN = 200;
const STATUS_MAX = 399;

/**
 * Decides what one probe means for a task. Mesos reports every failure; here
 * only what changes is: the first result, healthy or not, and the moment at
 * which the failures in a row are enough to kill the task. Pure.
 *
 * @param plan `graceMs`, `failuresMax` and the statuses that are healthy.
 * @param elapsedMs Since the start of the task.
 * @see Mesos src/checks/health_checker.cpp `success`, `failure`
 */
export function decideHealth(
  plan: Pick<HealthPlan, "graceMs" | "failuresMax" | "probe">,
  state: HealthState,
  outcome: Outcome,
  elapsedMs: number,
): HealthDecision {
  if (outcome.type === "skipped") return { state, report: null };
  const what = describe(outcome);
  if (outcome.type !== "failed" && isHealthy(plan, outcome)) {
    const isNew = state.isInitializing || state.consecutiveFailures > 0;
    return {
      state: { isInitializing: false, consecutiveFailures: 0 },
      report: isNew
        ? {
          healthy: true,
          consecutiveFailures: 0,
          isKillDue: false,
          message: `health check passed: ${what}`,
        }
        : null,
    };
  }
  const { graceMs, failuresMax } = plan;
  if (state.isInitializing && graceMs > 0 && elapsedMs <= graceMs) {
    return { state, report: null };
  }
  const consecutiveFailures = state.consecutiveFailures + 1;
  const isKillDue = consecutiveFailures === failuresMax;
  return {
    state: { ...state, consecutiveFailures },
    report: isKillDue || consecutiveFailures === 1
      ? {
        healthy: false,
        consecutiveFailures,
        isKillDue,
        message: boundText(
          `health check failed, ${consecutiveFailures} of ${failuresMax}: ` +
            what,
          MESSAGE_BYTES_MAX,
        ),
      }
      : null,
  };
}

function isHealthy(
  { probe }: Pick<HealthPlan, "probe">,
  seen: Observation,
): boolean {
  switch (seen.type) {
    case "COMMAND":
      return seen.exitCode === 0;
    case "HTTP": {
      const statuses = probe.type === "HTTP" ? probe.statuses : [];
      return statuses.length > 0
        ? statuses.includes(seen.statusCode)
        : seen.statusCode >= STATUS_MIN && seen.statusCode <= STATUS_MAX;
    }
    case "TCP":
      return seen.succeeded;
  }
}

function describe(outcome: Exclude<Outcome, { type: "skipped" }>): string {
  switch (outcome.type) {
    case "failed":
      return outcome.reason;
    case "COMMAND":
      return `the command ended with exit code ${outcome.exitCode}`;
    case "HTTP":
      return `the server answered with status ${outcome.statusCode}`;
    case "TCP":
      return outcome.succeeded
        ? "the port takes connections"
        : "the port takes no connection";
  }
}
