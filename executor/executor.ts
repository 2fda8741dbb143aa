import { BackgroundTasks } from "../shared/background.ts";
import type { Clock, Timer } from "../shared/clock.ts";
import { unreachable } from "../shared/errors.ts";
import type { Logger } from "../shared/logger.ts";
import type { ManagerClient } from "../shared/manager_api/client.ts";
import type { ExecutorConfig } from "./config.ts";
import type { AgentClient } from "./mesos/agent_client.ts";
import { runSubscription } from "./mesos/subscription.ts";
import type {
  CallUpdate,
  Event,
  EventSubscribed,
  ReceivedTask,
  SubscribeCall,
} from "./mesos/types.ts";
import { followProcesses } from "./tasks/process_follower.ts";
import { TaskManager } from "./tasks/task_manager.ts";
import { buildTaskStatus, type TaskReport } from "./updates/status_update.ts";
import { UpdateManager } from "./updates/update_manager.ts";

/** Longest wait for the last acknowledgements, ms (Mesos' own executors). */
const ACKNOWLEDGE_WAIT_MS = 60_000;
/** Longest wait for what is still under way when the executor leaves, ms. */
const SETTLE_MS_MAX = 5_000;
/** Part of the shutdown grace that is kept for the last updates. */
const SHUTDOWN_RESERVE = 0.2;
/** The least that is kept of it, ms. */
const RESERVE_MS_MIN = 500;

const NANOSECONDS_PER_MS = 1e6;

/** What the executor is given from outside. */
export interface ExecutorPorts {
  readonly agent: AgentClient;
  readonly manager: ManagerClient;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** A random UUID in its usual text form. */
  readonly uuid: () => string;
  readonly logger: Logger;
  /** Told of a bug: the executor cannot go on. */
  readonly onFailure: (name: string, error: unknown) => void;
}

/** Runs the tasks of one executor, from SUBSCRIBE to the last update. */
export class Executor {
  readonly #background: BackgroundTasks;
  readonly #tasks: TaskManager;
  readonly #updates: UpdateManager;
  /** Aborted when the executor leaves. */
  readonly #leaving = new AbortController();
  /** The updates that the last SUBSCRIBE carried. */
  #carried: readonly CallUpdate[] = [];
  #subscribed: EventSubscribed | null = null;
  /** Whether the current stream has begun with SUBSCRIBED. */
  #isSubscribed = false;
  #isShuttingDown = false;
  /** Whether there is anybody to acknowledge updates. */
  #hasAgent = true;
  #onProgress = () => {};
  #following: () => void = () => {};

  constructor(
    private readonly config: ExecutorConfig,
    private readonly ports: ExecutorPorts,
  ) {
    const { clock, random, logger, manager } = ports;
    this.#background = new BackgroundTasks(ports.onFailure);
    this.#updates = new UpdateManager({
      send: (update, signal) =>
        ports.agent.send({ ...this.#caller(), type: "UPDATE", update }, signal),
      clock,
      random,
      logger,
      background: this.#background,
      onAcknowledged: (taskId, { state }) =>
        this.#background.run(
          `acknowledged ${taskId}`,
          async () => {
            await this.#tasks.onAcknowledged(taskId, state);
            this.#onProgress();
          },
        ),
    });
    this.#tasks = new TaskManager({
      manager,
      clock,
      random,
      logger,
      background: this.#background,
      following: new Promise((resolve) => this.#following = resolve),
      report: (report) => this.#report(report),
      defaultUser: () => this.#defaultUser(),
      sandbox: config.sandbox,
      executorId: config.executorId,
      signal: this.#leaving.signal,
      onResolved: () => this.#onProgress(),
    });
  }

  /**
   * Runs to the end: all tasks over and their updates acknowledged.
   *
   * @returns Whether the agent ever took this executor in.
   */
  async run(): Promise<boolean> {
    const { signal } = this.#leaving;
    this.#background.run("follower", () =>
      followProcesses(
        {
          ...this.ports,
          processIds: () => this.#tasks.processIds,
          onForgotten: (id) => this.#tasks.onForgotten(id),
          onStatus: (status) => this.#tasks.onStatus(status),
        },
        this.#following,
        signal,
      ));
    this.#background.run("subscription", async () => {
      const reason = await runSubscription(
        {
          ...this.ports,
          buildCall: () => this.#buildSubscribe(),
          onEvent: (event) => this.#onEvent(event),
          onDisconnected: () => {
            this.#isSubscribed = false;
            this.#updates.onDisconnected();
          },
        },
        this.config,
        signal,
      );
      if (reason === null) return;
      this.ports.logger.error("leaving", { reason });
      this.#hasAgent = false;
      this.shutdown();
      this.#onProgress();
    });
    await this.#finished();
    this.#leaving.abort();
    await Promise.race([
      this.#background.settle(),
      this.ports.clock.sleep(SETTLE_MS_MAX),
    ]);
    return this.#subscribed !== null;
  }

  /** Ends every task inside the grace period, then leaves. */
  shutdown(): void {
    this.#isShuttingDown = true;
    this.#killAll();
    this.#onProgress();
  }

  #killAll(): void {
    const { shutdownGraceMs: graceMs } = this.config;
    const reserveMs = Math.max(graceMs * SHUTDOWN_RESERVE, RESERVE_MS_MIN);
    // Whole seconds, as the daemon takes them, and none more than there are.
    this.#tasks.killAll(Math.floor((graceMs - reserveMs) / 1000) * 1000);
  }

  /** Resolves when there is nothing left to do, or to wait for. */
  async #finished(): Promise<void> {
    const failSafe = new FailSafe(this.ports.clock, () => this.#onProgress());
    while (true) {
      const isOver = (this.#tasks.hasAny || this.#isShuttingDown) &&
        !this.#tasks.hasLive;
      const isHeard = this.#updates.unacknowledged.length === 0 &&
        !this.#tasks.hasUnresolved;
      if (isOver && (isHeard || !this.#hasAgent)) break;
      if (failSafe.isTimeUp) break;
      // A task may come while the last one's end is acknowledged; but a
      // shutdown ends, whatever the daemon says or does not say.
      if (isOver || this.#isShuttingDown) failSafe.arm();
      else failSafe.cancel();
      await new Promise<void>((resolve) => this.#onProgress = resolve);
    }
    failSafe.cancel();
    const { length } = this.#updates.unacknowledged;
    if (length > 0) {
      this.ports.logger.error("left without every acknowledgement", {
        updates: length,
      });
    }
  }

  #onEvent(event: Event): void {
    switch (event.type) {
      case "SUBSCRIBED":
        this.#subscribed = event.subscribed;
        this.#isSubscribed = true;
        this.#updates.onSubscribed(this.#carried);
        this.ports.logger.info("subscribed", {
          framework: event.subscribed.framework_info.name,
          agent: event.subscribed.agent_info.hostname,
        });
        return;
      case "LAUNCH":
        return this.#launch([event.launch.task]);
      case "LAUNCH_GROUP":
        return this.#launch(event.launch_group.task_group.tasks);
      case "KILL": {
        const { task_id, kill_policy } = event.kill;
        const grace = kill_policy?.grace_period;
        return this.#tasks.kill(
          task_id.value,
          grace && grace.nanoseconds / NANOSECONDS_PER_MS,
        );
      }
      case "ACKNOWLEDGED": {
        const { task_id, uuid } = event.acknowledged;
        return this.#updates.onAcknowledged(task_id.value, uuid);
      }
      case "SHUTDOWN":
        // It may come instead of SUBSCRIBED, from an agent that ends us.
        if (!this.#isSubscribed) this.#updates.onSubscribed(this.#carried);
        return this.shutdown();
      case "ERROR":
        return this.ports.logger.error("the agent reports an error", {
          text: event.error.message,
        });
      case "MESSAGE":
      case "HEARTBEAT":
      case "UNKNOWN":
        return this.ports.logger.info("event ignored", { type: event.type });
      default:
        return unreachable(event);
    }
  }

  #launch(tasks: readonly ReceivedTask[]): void {
    this.#tasks.launch(tasks);
    // The agent may not know yet that we are leaving.
    if (this.#isShuttingDown) this.#killAll();
  }

  #report(report: TaskReport): void {
    const { clock, uuid, logger } = this.ports;
    logger.info("task changed", {
      task: report.taskId,
      state: report.state,
      text: report.message,
    });
    this.#updates.add(buildTaskStatus(report, {
      agentId: this.config.agentId,
      executorId: this.config.executorId,
      nowMs: clock.nowMs,
      uuid,
    }));
    this.#onProgress();
  }

  #buildSubscribe(): SubscribeCall {
    this.#carried = this.#updates.unacknowledged;
    return {
      ...this.#caller(),
      type: "SUBSCRIBE",
      subscribe: {
        unacknowledged_tasks: this.#tasks.unacknowledged,
        unacknowledged_updates: this.#carried,
      },
    };
  }

  #caller() {
    return {
      executor_id: { value: this.config.executorId },
      framework_id: { value: this.config.frameworkId },
    };
  }

  #defaultUser(): string {
    return this.#subscribed?.executor_info.command?.user ??
      this.#subscribed?.framework_info.user ?? "";
  }
}

/** Ends the wait for acknowledgements that never come. */
class FailSafe {
  #timer: Timer | null = null;
  isTimeUp = false;

  constructor(
    private readonly clock: Clock,
    private readonly onTimeUp: () => void,
  ) {}

  /** Begins the wait, unless it has begun. */
  arm(): void {
    this.#timer ??= this.clock.after(ACKNOWLEDGE_WAIT_MS, () => {
      this.isTimeUp = true;
      this.onTimeUp();
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.isTimeUp = false;
  }
}
