import { AppError, InvalidInputError } from "../../shared/errors.ts";
import { parseProcessInfo } from "../../shared/manager_api/parse.ts";
import type {
  ProcessInfo,
  ProcessStatusInfo,
} from "../../shared/manager_api/types.ts";
import { toProcessInfo } from "../bcs/process_info.ts";
import { findCheckProblems } from "../health/check_definition.ts";
import type { ReceivedTask, TaskState } from "../mesos/types.ts";
import type { TaskPorts } from "./ports.ts";
import { ProcessControl } from "./process_control.ts";
import { Task } from "./task.ts";
import type { StateRules } from "./task_state.ts";

/** What the tasks of an executor need of their surroundings. */
export interface TaskManagerPorts
  extends Omit<TaskPorts, "wasReached" | "onReported"> {
  /** User for tasks that name none; known from SUBSCRIBED on. */
  readonly defaultUser: () => string;
  readonly sandbox: string;
  /** `auto`: BCS's for its own tasks, Mesos' for all others. */
  readonly rules: StateRules | "auto";
}

/** A task that was delivered, and what is to be made of it. */
type Candidate =
  & { readonly received: ReceivedTask; readonly isBcs: boolean }
  & ({ readonly process: ProcessInfo } | { readonly problem: string });

/** All tasks of this executor: launch, kill, and what the daemon says. */
export class TaskManager {
  readonly #tasks = new Map<string, Task>();
  readonly #control: ProcessControl;
  readonly #taskPorts: TaskPorts;
  #isShuttingDown = false;

  constructor(private readonly ports: TaskManagerPorts) {
    this.#control = new ProcessControl(ports);
    let wasReached = false;
    ports.following.then(() => wasReached = true);
    this.#taskPorts = {
      ...ports,
      wasReached: () => wasReached,
      onReported: (task) => this.#endGroup(task),
    };
  }

  /** Tasks none of whose updates is acknowledged, for SUBSCRIBE. */
  get unacknowledged(): readonly ReceivedTask[] {
    return this.#all.filter(({ isAcknowledged }) => !isAcknowledged)
      .map(({ received }) => received);
  }

  /** Ids of the processes that the daemon may know. */
  get processIds(): readonly string[] {
    return this.#all.filter(({ hasProcess, isOver }) => hasProcess && !isOver)
      .map(({ id }) => id);
  }

  /** Whether the daemon has said that it knows the process of a task. */
  isCreated(id: string): boolean {
    return this.#tasks.get(id)?.isCreated ?? false;
  }

  /** Ids of the tasks whose processes run. */
  get runningIds(): readonly string[] {
    return this.#all.filter(({ isRunning, isEnding }) => isRunning && !isEnding)
      .map(({ id }) => id);
  }

  /** Whether a task is over, or will be soon. */
  isEnding(id: string): boolean {
    return this.#tasks.get(id)?.isEnding ?? false;
  }

  /** Whether there has been any task. */
  get hasAny(): boolean {
    return this.#tasks.size > 0;
  }

  /** Whether there is a task whose end was not reported. */
  get hasLive(): boolean {
    return this.#all.some(({ isOver }) => !isOver);
  }

  /** Whether the daemon may still run a process that nobody wants. */
  get hasUnresolved(): boolean {
    return this.#all.some(({ isUnresolved }) => isUnresolved);
  }

  /**
   * Starts tasks that were delivered together: all of them or, if one is
   * invalid, none. Those that are known already are not repeated.
   */
  launch(delivered: readonly ReceivedTask[]): void {
    const ids = new Set<string>();
    const candidates = delivered.filter(({ info: { task_id } }) => {
      const isNew = !this.#tasks.has(task_id.value) && !ids.has(task_id.value);
      ids.add(task_id.value);
      return isNew;
    }).map((received) => this.#examine(received));
    const group: Task[] = [];
    for (const { received, isBcs } of candidates) {
      const rules = this.#rulesFor(isBcs);
      const task = new Task(
        { received, isBcs, rules, group },
        this.#control,
        this.#taskPorts,
      );
      group.push(task);
      this.#tasks.set(task.id, task);
    }
    const invalid = candidates.find((each) => "problem" in each);
    candidates.forEach((candidate, index) => {
      const task = group[index];
      if (task === undefined || task.isOver) return;
      if ("problem" in candidate) {
        task.refuse({
          state: "TASK_FAILED",
          reason: "REASON_TASK_INVALID",
          message: `process ${task.id} was not started: ${candidate.problem}`,
        });
      } else if (invalid !== undefined) {
        task.refuse({
          state: "TASK_KILLED",
          message: `process ${task.id} was not started, as task ` +
            `${invalid.received.info.task_id.value} of its group is invalid`,
        });
      } else task.launch(candidate.process);
    });
  }

  /**
   * Ends a task; it is reported when nothing of its process is left.
   *
   * @param graceMs Time until force; absent = what the task says.
   */
  kill(id: string, graceMs?: number): void {
    const task = this.#tasks.get(id);
    if (task === undefined || task.isOver) {
      this.ports.logger.warn("nothing to kill", { task: id });
      return;
    }
    task.kill("kill", graceMs);
  }

  /** Ends every task, in parallel, and for each that comes later. */
  shutdown(graceMs: number): void {
    this.#isShuttingDown = true;
    for (const task of this.#all) task.kill("shutdown", graceMs);
  }

  /** A process has changed; those of others are none of our business. */
  onStatus(status: ProcessStatusInfo): void {
    this.#tasks.get(status.Id)?.onStatus(status);
  }

  /** The daemon has lost a process. */
  onForgotten(id: string): void {
    this.#tasks.get(id)?.onForgotten();
  }

  /** The agent has stored an update of a task. */
  async onAcknowledged(id: string, state: TaskState): Promise<void> {
    await this.#tasks.get(id)?.onAcknowledged(state);
  }

  /** Whether there is an agent to tell what checks find. */
  onConnected(isConnected: boolean): void {
    for (const task of this.#all) task.onConnected(isConnected);
  }

  get #all(): readonly Task[] {
    return [...this.#tasks.values()];
  }

  /**
   * The policy of Mesos' default executor: a task that failed, or was killed,
   * takes the rest of its group with it.
   */
  #endGroup(ended: Task): void {
    if (this.#isShuttingDown || !FAILED.has(ended.state)) return;
    for (const task of ended.group) {
      // Those that were never begun are told so by the launch itself; those
      // that are being killed keep the time that they were given.
      const isLeft = task === ended || task.state === "TASK_STAGING" ||
        task.isBeingKilled;
      if (!isLeft) task.kill("group-failed");
    }
  }

  /** Makes a process of a task, or says why that cannot be. */
  #examine(received: ReceivedTask): Candidate {
    const { info } = received;
    try {
      const { sandbox, owner, defaultUser } = this.ports;
      const { processInfo, unsupported, isBcs } = toProcessInfo(info, {
        user: defaultUser(),
        sandbox,
        owner,
      });
      const problems = findCheckProblems(info);
      if (problems.length > 0) {
        throw new InvalidInputError(`task "${info.task_id.value}"`, problems);
      }
      if (unsupported.length > 0) {
        throw new AppError("INVALID_ARGUMENT", unsupported.join("; "));
      }
      // The daemon would refuse it as well, but then others of its group run.
      parseProcessInfo(JSON.stringify(processInfo));
      return { received, isBcs, process: processInfo };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return { received, isBcs: false, problem: error.message };
    }
  }

  #rulesFor(isBcs: boolean): StateRules {
    const { rules } = this.ports;
    return rules === "auto" ? (isBcs ? "bcs" : "mesos") : rules;
  }
}

/** The ends of a task that end its group. */
const FAILED: ReadonlySet<TaskState> = new Set<TaskState>([
  "TASK_FAILED",
  "TASK_KILLED",
]);
