import type { BackgroundTasks } from "../../shared/background.ts";
import { AppError } from "../../shared/errors.ts";
import type {
  ProcessInfo,
  ProcessStatusInfo,
} from "../../shared/manager_api/types.ts";
import { toProcessInfo } from "../bcs/process_info.ts";
import type { ReceivedTask, TaskState } from "../mesos/types.ts";
import { isTerminal, type TaskReport } from "../updates/status_update.ts";
import { type ControlPorts, ProcessControl } from "./process_control.ts";
import { toStateReport } from "./task_state.ts";

/** How long a launch waits for the daemon to answer, ms. */
const DAEMON_WAIT_MS = 10_000;
/** Grace of a kill that nobody has given one, ms (Mesos' command executor). */
const KILL_GRACE_MS_DEFAULT = 3_000;

const NANOSECONDS_PER_MS = 1e6;

/** What tasks need of their surroundings. */
export interface TaskPorts extends ControlPorts {
  readonly background: BackgroundTasks;
  /** Resolves when no change of a process can be missed. */
  readonly following: Promise<void>;
  /** Takes a new state of a task over. */
  readonly report: (report: TaskReport) => void;
  /** User for tasks that name none; known from SUBSCRIBED on. */
  readonly defaultUser: () => string;
  readonly sandbox: string;
  /** Told when there is one process less that may run unwanted. */
  readonly onResolved: () => void;
}

interface Task {
  readonly received: ReceivedTask;
  /** The state last reported. */
  state: TaskState;
  isKillRequested: boolean;
  /** Aborted with it: what waits for the daemon need not wait any more. */
  readonly killing: AbortController;
  /** Whether the daemon may know the process. */
  isCreated: boolean;
  /** Whether it has said so. */
  isConfirmed: boolean;
  /** A status that came before it had: whose it is was not known. */
  early: ProcessStatusInfo | null;
  /** Whether the daemon may run a process whose task has ended. */
  isUnresolved: boolean;
  /** Whether the agent has acknowledged any update of it. */
  isAcknowledged: boolean;
}

/** All tasks of this executor: launch, kill, and what the daemon says. */
export class TaskManager {
  readonly #tasks = new Map<string, Task>();

  /** Whether there has been a daemon at all. */
  #wasReached = false;

  readonly #control: ProcessControl;

  constructor(private readonly ports: TaskPorts) {
    this.#control = new ProcessControl(ports);
    ports.following.then(() => this.#wasReached = true);
  }

  /** Tasks none of whose updates is acknowledged, for SUBSCRIBE. */
  get unacknowledged(): readonly ReceivedTask[] {
    return [...this.#tasks.values()]
      .filter(({ isAcknowledged }) => !isAcknowledged)
      .map(({ received }) => received);
  }

  /** Ids of the processes that the daemon may know. */
  get processIds(): readonly string[] {
    return [...this.#tasks].filter(([, task]) =>
      task.isCreated && !isTerminal(task.state)
    ).map(([id]) => id);
  }

  /** Whether there has been any task. */
  get hasAny(): boolean {
    return this.#tasks.size > 0;
  }

  /** Whether there is a task whose end was not reported. */
  get hasLive(): boolean {
    return [...this.#tasks.values()].some(({ state }) => !isTerminal(state));
  }

  /** Whether the daemon may still run a process that nobody wants. */
  get hasUnresolved(): boolean {
    return [...this.#tasks.values()].some(({ isUnresolved }) => isUnresolved);
  }

  /** Starts tasks that were delivered together; known ones are not repeated. */
  launch(received: readonly ReceivedTask[]): void {
    for (const each of received) {
      const id = each.info.task_id.value;
      if (this.#tasks.has(id)) continue;
      const task: Task = {
        received: each,
        state: "TASK_STARTING",
        isKillRequested: false,
        killing: new AbortController(),
        isCreated: false,
        isConfirmed: false,
        early: null,
        isUnresolved: false,
        isAcknowledged: false,
      };
      this.#tasks.set(id, task);
      this.ports.report({
        taskId: id,
        state: "TASK_STARTING",
        message: `process ${id} is starting`,
      });
      this.ports.background.run(`launch ${id}`, () => this.#launch(id, task));
    }
  }

  /**
   * Ends a task; it is reported when nothing of its process is left.
   *
   * @param graceMs Time until force; absent = what the task says.
   */
  kill(id: string, graceMs?: number): void {
    const task = this.#tasks.get(id);
    if (task === undefined || isTerminal(task.state)) {
      this.ports.logger.warn("nothing to kill", { task: id });
      return;
    }
    task.isKillRequested = true;
    task.killing.abort();
    const policy = task.received.info.kill_policy?.grace_period;
    const timeoutMs = graceMs ??
      (policy ? policy.nanoseconds / NANOSECONDS_PER_MS : undefined) ??
      KILL_GRACE_MS_DEFAULT;
    this.ports.background.run(`kill ${id}`, () =>
      this.#control.stop(
        id,
        timeoutMs,
        // Before it is created, the launch itself sees that it is not wanted.
        () => task.isCreated && !isTerminal(task.state),
        () => this.onForgotten(id),
      ));
  }

  /** Ends every task, in parallel. */
  killAll(graceMs: number): void {
    for (const [id, task] of this.#tasks) {
      if (!isTerminal(task.state)) this.kill(id, graceMs);
    }
  }

  /** A process has changed; those of others are none of our business. */
  onStatus(status: ProcessStatusInfo): void {
    const task = this.#tasks.get(status.Id);
    if (task === undefined || !task.isCreated || isTerminal(task.state)) return;
    if (!task.isConfirmed) {
      task.early = status;
      return;
    }
    const report = toStateReport(task, status);
    if (report === null) return;
    this.#report(status.Id, task, report);
  }

  /** The daemon has lost a process: nobody will ever say how it ended. */
  onForgotten(id: string): void {
    const task = this.#tasks.get(id);
    if (!task?.isConfirmed || isTerminal(task.state)) return;
    this.#report(id, task, {
      state: task.isKillRequested ? "TASK_KILLED" : "TASK_FAILED",
      message: `process ${id} is not known to the daemon any more`,
    });
  }

  /** The agent has stored an update of a task. */
  async onAcknowledged(id: string, state: TaskState): Promise<void> {
    const task = this.#tasks.get(id);
    if (task === undefined) return;
    task.isAcknowledged = true;
    if (!isTerminal(state) || !task.isCreated) return;
    await this.#control.delete(id);
  }

  async #launch(id: string, task: Task): Promise<void> {
    const { following, clock } = this.ports;
    const deadlineMs = clock.monotonicMs() + DAEMON_WAIT_MS;
    try {
      const info = this.#toProcess(task.received);
      // Not for ever: without a daemon, creating is what says so.
      await Promise.race([
        following,
        clock.sleep(DAEMON_WAIT_MS, task.killing.signal),
      ]);
      if (task.isKillRequested) {
        return this.#report(id, task, {
          state: "TASK_KILLED",
          message: `process ${id} was killed before it was started`,
        });
      }
      task.isCreated = true;
      await this.#control.create(info, task.killing.signal, deadlineMs);
      task.isConfirmed = true;
      if (task.early !== null) this.onStatus(task.early);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      task.isCreated = false;
      // The daemon may have got it all the same, and only its answer not us.
      if (error.code === "UNAVAILABLE" && this.#wasReached) {
        task.isUnresolved = true;
        this.ports.background.run(
          `resolve ${id}`,
          async () => {
            await this.#control.remove(id);
            task.isUnresolved = false;
            this.ports.onResolved();
          },
        );
      }
      this.#report(id, task, {
        state: task.isKillRequested ? "TASK_KILLED" : "TASK_FAILED",
        message: `process ${id} was not started: ${error.message}`,
        ...(error.code === "INVALID_ARGUMENT"
          ? { reason: "REASON_TASK_INVALID" as const }
          : {}),
      });
    }
  }

  #toProcess({ info }: ReceivedTask): ProcessInfo {
    const { sandbox, executorId, defaultUser } = this.ports;
    const { processInfo, unsupported } = toProcessInfo(info, {
      user: defaultUser(),
      sandbox,
      executorId,
    });
    if (unsupported.length > 0) {
      throw new AppError("INVALID_ARGUMENT", unsupported.join("; "));
    }
    return processInfo;
  }

  #report(id: string, task: Task, report: Omit<TaskReport, "taskId">): void {
    task.state = report.state;
    this.ports.report({ taskId: id, ...report });
  }
}
