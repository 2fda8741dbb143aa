import type { BackgroundTasks } from "../../shared/background.ts";
import type { TaskReport } from "../updates/status_update.ts";
import type { ControlPorts } from "./process_control.ts";
import type { Task, TaskView } from "./task.ts";

/** What one task needs of its surroundings. */
export interface TaskPorts extends ControlPorts {
  readonly background: BackgroundTasks;
  /** Resolves when no change of a process can be missed. */
  readonly following: Promise<void>;
  /** Whether there has been a daemon at all. */
  readonly wasReached: () => boolean;
  /** Whether the framework knows TASK_KILLING. */
  readonly hasKillingState: () => boolean;
  /** What the scheduler is told of a task beside its state. */
  readonly describe: (view: TaskView) => Pick<TaskReport, "healthy" | "data">;
  /** Takes a new status of a task over. */
  readonly report: (report: TaskReport) => void;
  /** Told after each report of a task. */
  readonly onReported: (task: Task) => void;
  /** Told when the daemon has a process more of ours. */
  readonly onCreated: () => void;
  /** Told when there is one process less that may run unwanted. */
  readonly onResolved: () => void;
}
