import type { ProcessStatusInfo } from "../../shared/manager_api/types.ts";
import type { TaskState } from "../mesos/types.ts";

/** What the executor remembers of a task to report its changes. */
export interface TaskProgress {
  /** The state last reported. */
  readonly state: TaskState;
  /** Whether the scheduler or the agent asked for its end. */
  readonly isKillRequested: boolean;
}

/** The next state to report, if any. */
export interface StateReport {
  readonly state: TaskState;
  readonly message: string;
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
    case "running":
      return progress.state === "TASK_STARTING"
        ? { state: "TASK_RUNNING", message }
        : null;
    case "stopped":
      return { state: toTerminalState(progress, status), message };
  }
}

/** Unknown is not success: only an exit code that was seen to be 0 is. */
function toTerminalState(
  { isKillRequested }: TaskProgress,
  { Result, ExitKnown, ExitCode }: ProcessStatusInfo,
): TaskState {
  // An operator's stop ends the task as the scheduler's own would.
  if (isKillRequested || Result === "stopped") return "TASK_KILLED";
  return Result === "exited" && ExitKnown && ExitCode === 0
    ? "TASK_FINISHED"
    : "TASK_FAILED";
}
