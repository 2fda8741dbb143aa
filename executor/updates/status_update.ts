import { boundText } from "../../shared/bound_text.ts";
import type {
  CheckStatusInfo,
  TaskState,
  TaskStatus,
  TaskStatusReason,
} from "../mesos/types.ts";

/** What is new about a task. */
export interface TaskReport {
  readonly taskId: string;
  readonly state: TaskState;
  /** For people; cut to 4 KiB. */
  readonly message: string;
  readonly reason?: TaskStatusReason;
  /** Absent until a health check has said so. */
  readonly healthy?: boolean;
  /** In every status of a task that has a check, else absent. */
  readonly checkStatus?: CheckStatusInfo;
  /** For the scheduler: base64; absent = nothing. */
  readonly data?: string;
}

/** What every status of this executor has in common. */
export interface StatusOrigin {
  /** "" if the agent gave none: it fills it in. */
  readonly agentId: string;
  readonly executorId: string;
  /** Wall clock, ms. */
  readonly nowMs: () => number;
  /** A random UUID in its usual text form. */
  readonly uuid: () => string;
}

/** Longest message, UTF-8 bytes: agent and master keep every status. */
const MESSAGE_BYTES_MAX = 4_096;

/** States after which a task has no other (Mesos `isTerminalState`). */
const TERMINAL: ReadonlySet<TaskState> = new Set([
  "TASK_FINISHED",
  "TASK_FAILED",
  "TASK_KILLED",
  "TASK_ERROR",
]);

/** Whether a task in this state is over. */
export function isTerminal(state: TaskState): boolean {
  return TERMINAL.has(state);
}

/**
 * Makes the status of a report: complete by itself, as the master keeps only
 * the latest.
 *
 * @see Mesos src/common/validation.cpp `validateExecutorCall`
 */
export function buildTaskStatus(
  report: TaskReport,
  origin: StatusOrigin,
): TaskStatus {
  const hex = origin.uuid().replaceAll("-", "");
  return {
    task_id: { value: report.taskId },
    state: report.state,
    message: boundText(report.message, MESSAGE_BYTES_MAX),
    ...(report.data === undefined ? {} : { data: report.data }),
    ...(origin.agentId === "" ? {} : { agent_id: { value: origin.agentId } }),
    // The time of the event, in seconds: a resend must not look younger.
    timestamp: origin.nowMs() / 1000,
    executor_id: { value: origin.executorId },
    source: "SOURCE_EXECUTOR",
    ...(report.reason === undefined ? {} : { reason: report.reason }),
    ...(report.healthy === undefined ? {} : { healthy: report.healthy }),
    ...(report.checkStatus === undefined
      ? {}
      : { check_status: report.checkStatus }),
    uuid: Uint8Array.fromHex(hex).toBase64(),
  };
}
