import { BackgroundTasks } from "../shared/background.ts";
import type { Clock } from "../shared/clock.ts";
import { unreachable } from "../shared/errors.ts";
import type { Logger } from "../shared/logger.ts";
import type { ProcessManager } from "../shared/manager_api/client.ts";
import type { MessageHandler } from "./bcs/message_handler.ts";
import { Completion } from "./completion.ts";
import type { ExecutorConfig } from "./config.ts";
import { type Departure, toDeparture } from "./departure.ts";
import type { AgentClient } from "./mesos/agent_client.ts";
import { AgentError } from "./mesos/agent_error.ts";
import { sendHeartbeats } from "./mesos/heartbeat.ts";
import { Subscription } from "./mesos/subscription.ts";
import type {
  Caller,
  CallUpdate,
  Event,
  EventKill,
  EventSubscribed,
  ReceivedTask,
  SubscribeCall,
} from "./mesos/types.ts";
import { shutdownBudgetMs } from "./shutdown_budget.ts";
import { describeTask, toIp } from "./bcs/describe_task.ts";
import { LeaseKeeper } from "./tasks/lease_keeper.ts";
import { followProcesses } from "./tasks/process_follower.ts";
import { TaskManager } from "./tasks/task_manager.ts";
import { buildTaskStatus, type TaskReport } from "./updates/status_update.ts";
import { UpdateManager } from "./updates/update_manager.ts";

/** Longest wait for what is still under way when the executor leaves, ms. */
const SETTLE_MS_MAX = 5_000;
const NANOSECONDS_PER_MS = 1e6;

/** What the executor is given from outside. */
export interface ExecutorPorts {
  readonly agent: Pick<AgentClient, "subscribe" | "send">;
  readonly manager: ProcessManager;
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
  readonly #subscription: Subscription;
  readonly #tasks: TaskManager;
  readonly #leases: LeaseKeeper;
  readonly #updates: UpdateManager;
  /** Null until the first message: most executors never get one. */
  #messages: Promise<MessageHandler> | null = null;
  readonly #completion: Completion;
  /** Aborted when the executor leaves. */
  readonly #leaving = new AbortController();
  readonly #caller: Caller;
  /** The updates that the last SUBSCRIBE carried. */
  #carried: readonly CallUpdate[] = [];
  /** What the agent said last when it took us in. */
  #subscribed: EventSubscribed | null = null;
  #isShuttingDown = false;
  /** Why there is nobody any more to acknowledge updates. */
  #departure: Departure | null = null;
  readonly #following = Promise.withResolvers<void>();

  constructor(
    private readonly config: ExecutorConfig,
    private readonly ports: ExecutorPorts,
  ) {
    this.#caller = {
      executor_id: { value: config.executorId },
      framework_id: { value: config.frameworkId },
    };
    const background = new BackgroundTasks(ports.onFailure);
    this.#background = background;
    this.#completion = new Completion(ports.clock, () => ({
      isOver: (this.#tasks.hasAny || this.#isShuttingDown) &&
        !this.#tasks.hasLive,
      isHeard: !this.#tasks.hasUnresolved &&
        (this.#departure !== null ||
          this.#updates.unacknowledged.length === 0),
      isConnected: this.#isSubscribed,
      isLeaving: this.#isShuttingDown,
    }), config.shutdownGraceMs);
    this.#subscription = new Subscription({
      ...ports,
      buildCall: () => this.#buildSubscribe(),
      onEvent: (event) => this.#onEvent(event),
      onDisconnected: () => {
        this.#updates.onDisconnected();
        this.#tasks.onConnected(false);
        this.#completion.update();
      },
    }, config);
    this.#updates = new UpdateManager({
      ...ports,
      background,
      send: (update, signal) =>
        ports.agent.send({ ...this.#caller, type: "UPDATE", update }, signal),
      onAcknowledged: ({ task_id, state }) =>
        background.run(`acknowledged ${task_id.value}`, async () => {
          await this.#tasks.onAcknowledged(task_id.value, state);
          this.#completion.update();
        }),
      onRefused: (error) => this.#onRefused(error),
    });
    // A name of this very run: another of the same id does not answer for it.
    const owner = [config.frameworkId, config.executorId, ports.uuid()]
      .join("/");
    this.#leases = new LeaseKeeper({
      ...ports,
      owner,
      hasProcesses: () => this.#tasks.processIds.length > 0,
    });
    this.#tasks = new TaskManager({
      ...ports,
      ...config,
      owner,
      background,
      following: this.#following.promise,
      report: (report) => this.#report(report),
      describe: (view) =>
        describeTask(view, {
          hostname: this.#subscribed?.agent_info.hostname ?? "",
          ip: toIp(config.agentUrl),
        }),
      hasKillingState: () => this.#hasCapability("TASK_KILLING_STATE"),
      defaultUser: () => this.#defaultUser(),
      signal: this.#leaving.signal,
      onCreated: () => this.#leases.onCreated(),
      onResolved: () => this.#completion.update(),
    });
  }

  /**
   * Runs to the end: all tasks over and their updates acknowledged.
   *
   * @returns Why it had to leave; null if it was simply done.
   */
  async run(): Promise<Departure | null> {
    const { signal } = this.#leaving;
    const { ports } = this;
    this.#background.run("follower", () =>
      followProcesses(
        {
          ...ports,
          processIds: () => this.#tasks.processIds,
          isCreated: (id) => this.#tasks.isCreated(id),
          onForgotten: (id) => this.#tasks.onForgotten(id),
          onStatus: (status) => this.#tasks.onStatus(status),
        },
        () => {
          this.#following.resolve();
          this.#leases.onDaemonThere();
        },
        signal,
      ));
    this.#background.run("leases", () => this.#leases.run(signal));
    this.#background.run("heartbeats", () =>
      sendHeartbeats({
        ...ports,
        isSubscribed: () => this.#isSubscribed,
        send: (signal) =>
          ports.agent.send({ ...this.#caller, type: "HEARTBEAT" }, signal),
      }, signal));
    this.#background.run("subscription", async () => {
      const departure = await this.#subscription.run(signal);
      if (departure !== null) this.#depart(departure);
    });
    await this.#completion.reach();
    this.#leaving.abort();
    this.#updates.onDisconnected();
    const { length } = this.#updates.unacknowledged;
    if (length > 0) {
      ports.logger.error("left without every acknowledgement", {
        updates: length,
      });
    }
    await Promise.race([
      this.#background.settle(),
      ports.clock.sleep(SETTLE_MS_MAX),
    ]);
    return this.#departure;
  }

  /** Ends every task inside the grace period, then leaves. */
  shutdown(): void {
    this.#isShuttingDown = true;
    this.#tasks.shutdown(shutdownBudgetMs(this.config.shutdownGraceMs));
    this.#completion.update();
  }

  #onEvent(event: Event): void {
    switch (event.type) {
      case "SUBSCRIBED":
        return this.#onSubscribed(event.subscribed);
      case "LAUNCH":
        return this.#launch([event.launch.task]);
      case "LAUNCH_GROUP":
        return this.#launch(event.launch_group.task_group.tasks);
      case "KILL":
        return this.#kill(event.kill);
      case "ACKNOWLEDGED":
        return this.#updates.onAcknowledged(event.acknowledged.uuid);
      case "MESSAGE":
        return this.#onMessage(event.message.data);
      case "SHUTDOWN":
        // It may come instead of SUBSCRIBED, from an agent that ends us.
        if (!this.#isSubscribed) this.#updates.onSubscribed(this.#carried);
        return this.shutdown();
      case "ERROR":
        return this.ports.logger.error("the agent reports an error", {
          text: event.error.message,
        });
      case "HEARTBEAT":
        return;
      case "UNKNOWN":
        return this.ports.logger.info("event of an unknown type ignored");
      default:
        return unreachable(event);
    }
  }

  #onSubscribed(subscribed: EventSubscribed): void {
    this.#subscribed = subscribed;
    this.#updates.onSubscribed(this.#carried);
    this.#tasks.onConnected(true);
    this.#completion.update();
    this.ports.logger.info("subscribed", {
      framework: subscribed.framework_info.name,
      agent: subscribed.agent_info.hostname,
    });
  }

  #launch(tasks: readonly ReceivedTask[]): void {
    this.#tasks.launch(tasks);
    // The agent may not know yet that we are leaving.
    if (this.#isShuttingDown) this.shutdown();
  }

  #kill({ task_id, kill_policy }: EventKill): void {
    const grace = kill_policy?.grace_period;
    this.#tasks.kill(
      task_id.value,
      grace && grace.nanoseconds / NANOSECONDS_PER_MS,
    );
  }

  #onMessage(data: string): void {
    this.#messages ??= this.#loadMessages();
    const messages = this.#messages;
    this.#background.run(
      "message",
      async () => (await messages).handle(data),
    );
  }

  async #loadMessages(): Promise<MessageHandler> {
    const { MessageHandler } = await import("./bcs/message_handler.ts");
    return new MessageHandler({
      ...this.ports,
      background: this.#background,
      taskIds: () => this.#tasks.runningIds,
      isEnding: (taskId) => this.#tasks.isEnding(taskId),
      statusOf: (taskId) => this.#updates.latestOf(taskId) ?? null,
      send: (data) => this.#sendMessage(data),
    });
  }

  #report(report: TaskReport): void {
    const { clock, uuid, logger } = this.ports;
    logger.info("task changed", {
      task: report.taskId,
      state: report.state,
      text: report.message,
    });
    this.#updates.add(buildTaskStatus(report, {
      ...this.config,
      nowMs: clock.nowMs,
      uuid,
    }));
    this.#completion.update();
  }

  /** The agent does not take updates: it has to be asked anew, or left. */
  #onRefused(error: AgentError): void {
    const departure = toDeparture(error);
    if (departure === null) this.#subscription.drop(error.message);
    else this.#depart(departure);
  }

  #depart(departure: Departure): void {
    if (this.#departure !== null) return;
    this.ports.logger.error("leaving", { reason: departure.message });
    this.#departure = departure;
    this.#updates.onDisconnected();
    this.shutdown();
  }

  /** Nobody acknowledges a message: it arrives, or it does not. */
  async #sendMessage(data: string): Promise<void> {
    try {
      await this.ports.agent.send(
        { ...this.#caller, type: "MESSAGE", message: { data } },
        this.#leaving.signal,
      );
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.ports.logger.warn("message not sent", { reason: error.message });
    }
  }

  #buildSubscribe(): SubscribeCall {
    this.#carried = this.#updates.unacknowledged;
    return {
      ...this.#caller,
      type: "SUBSCRIBE",
      subscribe: {
        unacknowledged_tasks: this.#tasks.unacknowledged,
        unacknowledged_updates: this.#carried,
      },
    };
  }

  get #isSubscribed(): boolean {
    return this.#subscription.state.phase === "subscribed";
  }

  #hasCapability(name: "TASK_KILLING_STATE"): boolean {
    return this.#subscribed?.framework_info.capabilities
      ?.some(({ type }) => type === name) ?? false;
  }

  #defaultUser(): string {
    return this.#subscribed?.executor_info.command?.user ??
      this.#subscribed?.framework_info.user ?? "";
  }
}
