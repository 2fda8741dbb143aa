import type { Timer } from "../../shared/clock.ts";
import { AppError } from "../../shared/errors.ts";
import type {
  ProcessInfo,
  ProcessStatusInfo,
} from "../../shared/manager_api/types.ts";
import type { ReceivedTask, TaskInfo, TaskState } from "../mesos/types.ts";
import { isTerminal } from "../updates/status_update.ts";
import { graceOf } from "./kill_grace.ts";
import type { TaskPorts } from "./ports.ts";
import type { ProcessControl } from "./process_control.ts";
import {
  type KillCause,
  type StateReport,
  type StateRules,
  toKilledState,
  toStateReport,
} from "./task_state.ts";
import { TaskHealth } from "./task_health.ts";

/** How long a launch waits for the daemon to answer, ms. */
const DAEMON_WAIT_MS = 10_000;
const NANOSECONDS_PER_MS = 1e6;

/** What a task is made of. */
export interface TaskInput {
  readonly received: ReceivedTask;
  /** Whether it is described as the BCS scheduler does it. */
  readonly isBcs: boolean;
  /** Whose names for ends it gets. */
  readonly rules: StateRules;
  /** Those that were delivered together, itself included. */
  readonly group: readonly Task[];
}

/** All that a status says of a task beside its state. */
export interface TaskView {
  readonly info: TaskInfo;
  readonly isBcs: boolean;
  /** What the daemon was asked for; null = nothing yet. */
  readonly process: ProcessInfo | null;
  /** What the daemon last said; null = nothing yet. */
  readonly status: ProcessStatusInfo | null;
  /** Absent until a health check has said so. */
  readonly healthy: boolean | undefined;
  readonly consecutiveFailures: number;
}

/** One task: the one writer of what is known and reported of it. */
export class Task {
  readonly id: string;
  #state: TaskState = "TASK_STAGING";
  #killCause: KillCause | null = null;
  /** Aborted with it: what waits for the daemon need not wait any more. */
  readonly #killing = new AbortController();
  /** Whether the daemon has been asked for the process, and has said yes. */
  #process: "none" | "asked" | "known" = "none";
  #processInfo: ProcessInfo | null = null;
  #status: ProcessStatusInfo | null = null;
  /** Which start of the process was reported as running. */
  #generation = 0;
  /** Resolves when it is known whether there is a process of ours. */
  readonly #created = Promise.withResolvers<void>();
  #isUnresolved = false;
  #isAcknowledged = false;
  #timeLimit: Timer | null = null;
  readonly #health: TaskHealth;

  constructor(
    private readonly input: TaskInput,
    private readonly control: ProcessControl,
    private readonly ports: TaskPorts,
  ) {
    const { info } = input.received;
    this.id = info.task_id.value;
    this.#health = new TaskHealth(this.id, info, {
      ...ports,
      onHealth: ({ isKillDue, message }) => {
        this.#reportAgain("REASON_TASK_HEALTH_CHECK_STATUS_UPDATED", message);
        if (isKillDue) this.kill("unhealthy");
      },
      onCheck: () => this.#reportAgain("REASON_TASK_CHECK_STATUS_UPDATED"),
    });
  }

  get received(): ReceivedTask {
    return this.input.received;
  }

  /** Those that were delivered together, itself included. */
  get group(): readonly Task[] {
    return this.input.group;
  }

  /** The state last reported. */
  get state(): TaskState {
    return this.#state;
  }

  get isOver(): boolean {
    return isTerminal(this.#state);
  }

  /** Whether its process runs, as far as is known. */
  get isRunning(): boolean {
    return this.#state === "TASK_RUNNING" && this.#status?.Status === "running";
  }

  /** Whether it is over, or will be soon. */
  get isEnding(): boolean {
    return this.isOver || this.isBeingKilled;
  }

  /** Whether somebody wants its end. */
  get isBeingKilled(): boolean {
    return this.#killCause !== null;
  }

  /** Whether the daemon may know its process. */
  get hasProcess(): boolean {
    return this.#process !== "none";
  }

  /** Whether the daemon has said that it knows its process. */
  get isCreated(): boolean {
    return this.#process === "known";
  }

  /** Whether the daemon may run its process though the task has ended. */
  get isUnresolved(): boolean {
    return this.#isUnresolved;
  }

  /** Whether the agent has acknowledged any update of it. */
  get isAcknowledged(): boolean {
    return this.#isAcknowledged;
  }

  /** Ends it without having begun it. */
  refuse(report: StateReport): void {
    this.#report(report);
  }

  /** Has the daemon start its process. */
  launch(info: ProcessInfo): void {
    const { background, clock } = this.ports;
    this.#processInfo = info;
    this.#report({
      state: "TASK_STARTING",
      message: `process ${this.id} is starting`,
    });
    const limit = this.received.info.max_completion_time;
    if (limit !== undefined) {
      this.#timeLimit = clock.after(
        limit.nanoseconds / NANOSECONDS_PER_MS,
        () => this.kill("time-over"),
      );
    }
    background.run(
      `launch ${this.id}`,
      () => this.#launch(info).finally(this.#created.resolve),
    );
  }

  /**
   * Ends it; that is reported when nothing of its process is left. What
   * wanted its end first is what it ended of, but a repeat may hurry.
   *
   * @param graceMs Time until force; absent = what the task says.
   */
  kill(cause: KillCause, graceMs?: number): void {
    if (this.isOver) return;
    this.#killCause ??= cause;
    this.#timeLimit?.cancel();
    this.#health.stop();
    this.#killing.abort();
    if (
      this.#process !== "none" && this.#state !== "TASK_KILLING" &&
      cause !== "time-over" && this.ports.hasKillingState()
    ) {
      this.#report({
        state: "TASK_KILLING",
        message: `process ${this.id} is being stopped`,
      });
    }
    const timeoutMs = graceMs ?? graceOf(this.received.info, cause);
    this.ports.background.run(`kill ${this.id}`, async () => {
      // Until then a process of this name may be another's, and the launch
      // itself sees that it is not wanted.
      if (!this.isCreated) await this.#created.promise;
      await this.control.stop(
        this.id,
        timeoutMs,
        () => this.isCreated && !this.isOver,
        () => this.onForgotten(),
      );
    });
  }

  /** Its process has changed. */
  onStatus(status: ProcessStatusInfo): void {
    if (this.isOver || this.#process === "none") return;
    this.#status = status;
    // Until the daemon has said yes, a process of this name may be another's.
    if (this.#process === "known") this.#follow(status);
  }

  /** The daemon has lost its process: nobody will ever say how it ended. */
  onForgotten(): void {
    if (this.#process !== "known" || this.isOver) return;
    this.#report({
      ...this.#endOf("TASK_FAILED"),
      message: `process ${this.id} is not known to the daemon any more`,
    });
  }

  /** The agent has stored an update of it. */
  async onAcknowledged(state: TaskState): Promise<void> {
    this.#isAcknowledged = true;
    if (!isTerminal(state) || !this.hasProcess) return;
    // Whoever restarted it has crossed its end: it has no task any more.
    if (!await this.control.delete(this.id)) await this.#remove();
  }

  /** Its checks rest while there is nobody to tell. */
  onConnected(isConnected: boolean): void {
    this.#health.setConnected(isConnected);
  }

  #follow(status: ProcessStatusInfo): void {
    const report = toStateReport(this.#progress, status);
    this.#health.setRunning(status.Status === "running");
    if (report === null) return;
    if (report.state === "TASK_RUNNING") {
      this.#generation = status.Generation;
      this.#health.restart();
    }
    this.#report(report);
  }

  get #progress() {
    return {
      state: this.#state,
      killCause: this.#killCause,
      generation: this.#generation,
      rules: this.input.rules,
      hasFinishedMate: this.input.group.some(({ state }) =>
        state === "TASK_FINISHED"
      ),
    };
  }

  async #launch(info: ProcessInfo): Promise<void> {
    const { following, clock } = this.ports;
    const { signal } = this.#killing;
    const deadlineMs = clock.monotonicMs() + DAEMON_WAIT_MS;
    // Not for ever: without a daemon, creating is what says so.
    const waited = new AbortController();
    const over = AbortSignal.any([signal, waited.signal]);
    await Promise.race([following, clock.sleep(DAEMON_WAIT_MS, over)]);
    waited.abort();
    if (this.#killCause !== null) {
      return this.#report({
        ...this.#endOf("TASK_FAILED"),
        message: `process ${this.id} was killed before it was started`,
      });
    }
    try {
      this.#process = "asked";
      await this.control.create(info, signal, deadlineMs);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return this.#onNotCreated(error);
    }
    this.#process = "known";
    this.ports.onCreated();
    if (this.#status !== null) this.#follow(this.#status);
  }

  #onNotCreated(error: AppError): void {
    this.#process = "none";
    // The daemon may have got it all the same, and only its answer not us.
    if (error.code === "UNAVAILABLE" && this.ports.wasReached()) {
      this.ports.background.run(`resolve ${this.id}`, () => this.#remove());
    }
    this.#report({
      ...(error.code === "INVALID_ARGUMENT"
        ? { reason: "REASON_TASK_INVALID" as const }
        : {}),
      ...this.#endOf("TASK_FAILED"),
      message: `process ${this.id} was not started: ${error.message}`,
    });
  }

  /** Sees to it that no process of it runs that nobody wants. */
  async #remove(): Promise<void> {
    this.#isUnresolved = true;
    await this.control.remove(this.id);
    this.#isUnresolved = false;
    this.ports.onResolved();
  }

  /** What it has become without a process that would tell. */
  #endOf(otherwise: TaskState): Omit<StateReport, "message"> {
    return this.#killCause === null
      ? { state: otherwise }
      : toKilledState(this.#killCause, this.#progress);
  }

  /** The same state, but something else about it is new. */
  #reportAgain(
    reason: NonNullable<StateReport["reason"]>,
    message = this.#status?.Message ?? "",
  ): void {
    if (this.isOver) return;
    this.#report({ state: this.#state, message, reason });
  }

  #report(report: StateReport): void {
    this.#state = report.state;
    if (this.isOver) {
      this.#timeLimit?.cancel();
      this.#health.stop();
    }
    const { healthy, consecutiveFailures, checkStatus } = this.#health;
    const { report: send, describe } = this.ports;
    send({
      taskId: this.id,
      ...report,
      ...(checkStatus === undefined ? {} : { checkStatus }),
      ...describe({
        info: this.received.info,
        isBcs: this.input.isBcs,
        process: this.#processInfo,
        status: this.#status,
        healthy,
        consecutiveFailures,
      }),
    });
    this.ports.onReported(this);
  }
}
