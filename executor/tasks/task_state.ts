import type { ProcessStatusInfo } from "../../shared/manager_api/types.ts";
import type { TaskState, TaskStatusReason } from "../mesos/types.ts";

/** Who or what wants a task to end. */
export type KillCause =
  /** The scheduler, by KILL. */
  | "kill"
  /** The agent or the operator: all of the executor ends. */
  | "shutdown"
  /** Another task of its group has failed. */
  | "group-failed"
  /** Its health check has failed too often. */
  | "unhealthy"
  /** It has taken longer than `max_completion_time`. */
  | "time-over";

/**
 * How ends are called. `bcs` differs from Mesos where the BCS scheduler would
 * draw the wrong conclusion:
 *
 * - a task that was killed as unhealthy has failed: only failed groups are
 *   started again;
 * - a task that a shutdown stopped, when another of its group had finished, has
 *   finished: a group of finished and killed tasks has no name there.
 */
export type StateRules = "mesos" | "bcs";

/** What the executor remembers of a task to report its changes. */
export interface TaskProgress {
  /** The state last reported. */
  readonly state: TaskState;
  /** Why it has to end; null = it need not. */
  readonly killCause: KillCause | null;
  /** Which start of the process was reported as running; 0 = none. */
  readonly generation: number;
  readonly rules: StateRules;
  /** Whether another task of its group has finished. */
  readonly hasFinishedMate: boolean;
}

/** The next state to report, if any. */
export interface StateReport {
  readonly state: TaskState;
  readonly message: string;
  readonly reason?: TaskStatusReason;
}

/**
 * Decides what a process' status means for its task. Pure.
 *
 * @returns null if the scheduler knows all that already.
 */
export function toStateReport(
  progress: TaskProgress,
  status: ProcessStatusInfo,
): StateReport | null {
  const message = status.Message;
  switch (status.Status) {
    case "staging":
    case "starting":
    case "stopping":
      return null;
    case "running": {
      const { state, generation } = progress;
      const isNews = state === "TASK_STARTING" ||
        (state === "TASK_RUNNING" && status.Generation > generation);
      return isNews ? { state: "TASK_RUNNING", message } : null;
    }
    case "stopped":
      return { ...toEnd(progress, status), message };
  }
}

/** Unknown is not success: only an exit code that was seen to be 0 is. */
function toEnd(
  progress: TaskProgress,
  { Result, ExitKnown, ExitCode }: ProcessStatusInfo,
): Omit<StateReport, "message"> {
  if (progress.killCause !== null) {
    return toKilledState(progress.killCause, progress);
  }
  // An operator's stop ends the task as the scheduler's own would.
  if (Result === "stopped") return { state: "TASK_KILLED" };
  return Result === "exited" && ExitKnown && ExitCode === 0
    ? { state: "TASK_FINISHED" }
    : { state: "TASK_FAILED" };
}

/**
 * What a task has become that was made to end, however its process did it.
 *
 * @see Mesos src/launcher/default_executor.cpp `waited`
 */
export function toKilledState(
  cause: KillCause,
  { rules, hasFinishedMate }: Pick<TaskProgress, "rules" | "hasFinishedMate">,
): Omit<StateReport, "message"> {
  const isBcs = rules === "bcs";
  switch (cause) {
    case "kill":
    case "group-failed":
      return { state: "TASK_KILLED" };
    case "shutdown":
      return {
        state: isBcs && hasFinishedMate ? "TASK_FINISHED" : "TASK_KILLED",
      };
    case "unhealthy":
      return {
        state: isBcs ? "TASK_FAILED" : "TASK_KILLED",
        reason: "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED",
      };
    case "time-over":
      return {
        state: "TASK_FAILED",
        reason: "REASON_MAX_COMPLETION_TIME_REACHED",
      };
  }
}
