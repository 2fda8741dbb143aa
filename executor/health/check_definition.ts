import type { Problem } from "../../shared/errors.ts";
import type {
  CheckInfo,
  CheckStatusInfo,
  HealthCheck,
  TaskInfo,
} from "../mesos/types.ts";
import { toCheckStatus } from "./check_state.ts";
import type { Probe } from "./probe.ts";
import { readProbe } from "./read_probe.ts";

/** When to probe, and what. */
export interface CheckPlan {
  /** From the start of the task to the first probe. */
  readonly delayMs: number;
  /** From the end of a probe to the next one. */
  readonly intervalMs: number;
  /** What one probe may take. */
  readonly timeoutMs: number;
  readonly probe: Probe;
}

/** The same, and what to make of failures. */
export interface HealthPlan extends CheckPlan {
  /** From the start of the task: until its first success, none counts. */
  readonly graceMs: number;
  /** Failures in a row for which the task is to be killed; 1 or more. */
  readonly failuresMax: number;
}

/** What a task's definitions come to. */
export interface CheckPlans {
  /** null = none that is understood. */
  readonly health: HealthPlan | null;
  /** null = none that is understood. */
  readonly check: CheckPlan | null;
  /** With any of them, neither plan is to be used. */
  readonly problems: readonly Problem[];
}

/** The definitions, as a task carries them. */
export type CheckDefinition = Pick<TaskInfo, "health_check" | "check">;

/** Longest time of one probe, ms: one that never ends would be the last. */
const TIMEOUT_MS_MAX = 3_600_000;
/** Shortest time between two probes, ms: an interval may be 0. */
const INTERVAL_MS_MIN = 100;

/**
 * Reads a task's definitions, with the defaults of Mesos' messages. To Mesos
 * a time-out of 0 means none; here it means an hour, the longest there is.
 */
export function readChecks(
  { health_check: health, check }: CheckDefinition,
): CheckPlans {
  const problems: Problem[] = [];
  return {
    health: health ? readHealthPlan(health, problems) : null,
    check: check ? readCheckPlan(check, problems) : null,
    problems,
  };
}

/**
 * Finds what is wrong with a task's definitions.
 *
 * @returns Every problem, with a path such as `health_check.http.port`.
 */
export function findCheckProblems(definition: CheckDefinition): Problem[] {
  return [...readChecks(definition).problems];
}

/**
 * What `check_status` is before the first result.
 *
 * @returns Its type and an empty result; undefined without a check, or with
 * one that is not understood.
 */
export function initialCheckStatus(
  check: CheckInfo | undefined,
): CheckStatusInfo | undefined {
  const plan = check && readCheckPlan(check, []);
  return plan ? toCheckStatus(plan.probe.type, null) : undefined;
}

function readHealthPlan(
  definition: HealthCheck,
  problems: Problem[],
): HealthPlan | null {
  const graceMs = readSeconds(
    definition.grace_period_seconds ?? 10,
    "health_check.grace_period_seconds",
    problems,
  );
  const plan = readPlan(
    definition,
    { field: "health_check", commandParent: "health_check" },
    problems,
  );
  const failures = definition.consecutive_failures ?? 3;
  if (failures < 0) {
    problems.push({
      field: "health_check.consecutive_failures",
      rule: `must be 0 or more: current value is ${failures}`,
    });
  }
  return plan && { ...plan, graceMs, failuresMax: Math.max(1, failures) };
}

function readCheckPlan(
  { command, ...rest }: CheckInfo,
  problems: Problem[],
): CheckPlan | null {
  // What the two messages have in common, they have alike but for this.
  const definition = command ? { ...rest, command: command.command } : rest;
  return readPlan(
    definition,
    { field: "check", commandParent: "check.command" },
    problems,
  );
}

function readPlan(
  definition: HealthCheck,
  paths: { readonly field: string; readonly commandParent: string },
  problems: Problem[],
): CheckPlan | null {
  const read = (
    name: "delay_seconds" | "interval_seconds" | "timeout_seconds",
    defaultS: number,
  ) =>
    readSeconds(
      definition[name] ?? defaultS,
      `${paths.field}.${name}`,
      problems,
    );
  const delayMs = read("delay_seconds", 15);
  const intervalMs = Math.max(read("interval_seconds", 10), INTERVAL_MS_MIN);
  const timeoutMs = Math.min(
    read("timeout_seconds", 20) || TIMEOUT_MS_MAX,
    TIMEOUT_MS_MAX,
  );
  const probe = readProbe(definition, { ...paths, timeoutMs }, problems);
  return probe && { delayMs, intervalMs, timeoutMs, probe };
}

/** Returns milliseconds. */
function readSeconds(
  seconds: number,
  field: string,
  problems: Problem[],
): number {
  if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1000;
  problems.push({
    field,
    rule: `must be seconds, 0 or more: current value is ${seconds}`,
  });
  return 0;
}
