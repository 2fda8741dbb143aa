import type { TaskState, TaskStatus } from "../../proto/mesos_types.ts";
import type { AgentRecords } from "./agent_records.ts";
import { checkUuid } from "./agent_rules.ts";

/** A status update that the agent took note of. */
export interface UpdateRecord {
  /** When it arrived, by `performance.now()`. */
  readonly at: number;
  /** The call it came in. */
  readonly via: "UPDATE" | "SUBSCRIBE";
  /** The status, in Mesos' JSON mapping. */
  readonly status: TaskStatus;
}

/** One task as the agent sees it. */
interface AgentTask {
  /** Queued until it was put into an executor's stream. */
  phase: "queued" | "launched";
  state: TaskState;
  readonly updates: UpdateRecord[];
  /** How many of them `nextUpdate` went past. */
  seen: number;
}

const TERMINAL: ReadonlySet<TaskState> = new Set([
  "TASK_FINISHED",
  "TASK_FAILED",
  "TASK_KILLED",
  "TASK_ERROR",
  "TASK_LOST",
  "TASK_DROPPED",
  "TASK_GONE",
  "TASK_GONE_BY_OPERATOR",
]);

/** Where a state stands in a task's life; one that repeats is no step back. */
function rankOf(state: TaskState): number {
  if (TERMINAL.has(state)) return 4;
  return ["TASK_STAGING", "TASK_STARTING", "TASK_RUNNING", "TASK_KILLING"]
    .indexOf(state);
}

/**
 * The agent's book of tasks and updates.
 *
 * @see Mesos src/slave/slave.cpp `Slave::statusUpdate`,
 * `Executor::updateTaskState`
 */
export class AgentTasks {
  /** Tasks of which nobody knew when the executor subscribed again. */
  readonly dropped: string[] = [];
  readonly #agentId: string;
  readonly #records: AgentRecords;
  readonly #tasks = new Map<string, AgentTask>();
  /** Updates seen, as JSON, by uuid. */
  readonly #uuids = new Map<string, string>();

  constructor(agentId: string, records: AgentRecords) {
    this.#agentId = agentId;
    this.#records = records;
  }

  /** Notes a task that is to be delivered; a known one stays as it is. */
  queue(taskId: string): void {
    if (this.#tasks.has(taskId)) return;
    const updates: UpdateRecord[] = [];
    const state = "TASK_STAGING";
    this.#tasks.set(taskId, { phase: "queued", state, updates, seen: 0 });
  }

  /** Notes that a task was put into the stream. */
  deliver(taskId: string): void {
    const task = this.#tasks.get(taskId);
    if (task !== undefined) task.phase = "launched";
  }

  /**
   * Ends a task that was never delivered.
   *
   * @returns False if it was, or there is none.
   */
  killQueued(taskId: string): boolean {
    const task = this.#tasks.get(taskId);
    if (task?.phase !== "queued") return false;
    task.state = "TASK_KILLED";
    return true;
  }

  /** All updates of a task, oldest first, each uuid once. */
  updates(taskId: string): readonly UpdateRecord[] {
    return this.#tasks.get(taskId)?.updates ?? [];
  }

  /** The next update that matches; those before it are gone past. */
  takeUpdate(
    taskId: string,
    matches: (status: TaskStatus) => boolean,
  ): UpdateRecord | undefined {
    const task = this.#tasks.get(taskId);
    if (task === undefined) return undefined;
    while (task.seen < task.updates.length) {
      const update = task.updates[task.seen++];
      if (update && matches(update.status)) return update;
    }
    return undefined;
  }

  /** @returns True if the update is to be acknowledged. */
  apply(at: number, via: UpdateRecord["via"], status: TaskStatus): boolean {
    const taskId = status.task_id.value;
    const violate = (text: string) =>
      this.#records.violate(at, `${status.state} of ${taskId}: ${text}`);
    const badUuid = checkUuid(status.uuid);
    if (status.uuid === undefined || badUuid !== undefined) {
      violate(badUuid ?? "no uuid");
      return false;
    }
    if ((status.agent_id?.value ?? this.#agentId) !== this.#agentId) {
      violate(
        `agent_id must be ${this.#agentId} or unset, ` +
          `it is ${status.agent_id?.value}: ignored, never acknowledged`,
      );
      return false;
    }
    const text = JSON.stringify(status);
    const earlier = this.#uuids.get(status.uuid);
    if (earlier !== undefined) {
      if (earlier !== text) {
        violate(`uuid was used for another update: ${earlier} then ${text}`);
      }
      return true;
    }
    const task = this.#tasks.get(taskId);
    if (task === undefined) {
      violate("the task is not the executor's: never acknowledged");
      return false;
    }
    if (task.phase === "queued" && !TERMINAL.has(status.state)) {
      violate("the task was never delivered: a real agent would crash");
      return false;
    }
    this.#uuids.set(status.uuid, text);
    if (TERMINAL.has(task.state) && !this.dropped.includes(taskId)) {
      violate(`the task is already in ${task.state}`);
    } else {
      if (rankOf(status.state) < rankOf(task.state)) {
        violate(`the task was in ${task.state} before: out of order`);
      }
      task.state = status.state;
    }
    const last = task.updates.at(-1)?.status.timestamp ?? 0;
    if ((status.timestamp ?? last) < last) {
      violate(`it is older than the update before: out of order`);
    }
    task.updates.push({ at, via, status });
    return true;
  }

  /**
   * Gives up on delivered tasks that have no update and that the executor,
   * subscribing, does not know of.
   */
  reconcile(knownTaskIds: ReadonlySet<string>): void {
    for (const [taskId, task] of this.#tasks) {
      if (
        task.phase === "launched" && task.state === "TASK_STAGING" &&
        !knownTaskIds.has(taskId)
      ) {
        task.state = "TASK_LOST";
        this.dropped.push(taskId);
      }
    }
  }
}
