import { backoffMs } from "../../shared/backoff.ts";
import type { BackgroundTasks } from "../../shared/background.ts";
import type { Clock } from "../../shared/clock.ts";
import { assert } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { AgentError } from "../mesos/agent_error.ts";
import type { CallUpdate, TaskStatus } from "../mesos/types.ts";
import { isTerminal } from "./status_update.ts";

/** Waits between two tries to send one update. */
const RETRY = { firstMs: 50, maxMs: 2_000 };
/** Longest wait for the agent to say that it has got an update, ms. */
const SEND_MS_MAX = 30_000;

/** What sending updates needs. */
export interface UpdatePorts {
  /** Sends one UPDATE call. @throws {AgentError} */
  readonly send: (update: CallUpdate, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly background: BackgroundTasks;
  readonly logger: Logger;
  /** Told of each update that the agent has acknowledged. */
  readonly onAcknowledged: (status: TaskStatus) => void;
  /** Told of a refusal that another try will not change. */
  readonly onRefused: (error: AgentError) => void;
}

/**
 * Brings every status to the agent: kept from before its first send until it
 * is acknowledged, sent in order, with the same uuid each time.
 */
export class UpdateManager {
  /** By uuid, oldest first. */
  readonly #unacknowledged = new Map<string, CallUpdate>();
  /** Those that the agent has not accepted yet, oldest first. */
  #unsent: CallUpdate[] = [];
  /** Ends the sending when the subscription is lost; null while it is. */
  #connection: AbortController | null = null;
  #isSending = false;
  /** The latest of each task, acknowledged or not. */
  readonly #latest = new Map<string, TaskStatus>();

  constructor(private readonly ports: UpdatePorts) {}

  /** All updates that the agent has not acknowledged, oldest first. */
  get unacknowledged(): readonly CallUpdate[] {
    return [...this.#unacknowledged.values()];
  }

  /** The latest status of a task; undefined if there was none. */
  latestOf(taskId: string): TaskStatus | undefined {
    return this.#latest.get(taskId);
  }

  /**
   * Takes a status over. A task has one terminal status: what comes after it
   * is a bug of the caller.
   */
  add(status: TaskStatus): void {
    const taskId = status.task_id.value;
    const before = this.#latest.get(taskId);
    assert(
      status.uuid !== undefined && !(before && isTerminal(before.state)),
      `task ${taskId} has ended, it cannot become ${status.state}`,
    );
    this.#latest.set(taskId, status);
    const update = { status };
    this.#unacknowledged.set(status.uuid, update);
    this.#unsent.push(update);
    this.#wake();
  }

  /** The agent has got everything that its SUBSCRIBE carried. */
  onSubscribed(carried: readonly CallUpdate[]): void {
    const known = new Set(carried);
    this.#unsent = this.#unsent.filter((update) => !known.has(update));
    this.#connection?.abort();
    this.#connection = new AbortController();
    this.#wake();
  }

  /** Stops sending until the next subscription. */
  onDisconnected(): void {
    this.#connection?.abort();
    this.#connection = null;
  }

  /** The agent has stored an update; an unknown uuid is an old one. */
  onAcknowledged(uuid: string): void {
    const update = this.#unacknowledged.get(uuid);
    if (update === undefined) return;
    this.#unacknowledged.delete(uuid);
    this.#unsent = this.#unsent.filter((other) => other !== update);
    this.ports.onAcknowledged(update.status);
  }

  #wake(): void {
    if (this.#isSending || this.#connection === null) return;
    this.#isSending = true;
    this.ports.background.run("updates", () => this.#sendAll());
  }

  async #sendAll(): Promise<void> {
    let failures = 0;
    while (true) {
      const update = this.#unsent[0];
      if (update === undefined || this.#connection === null) {
        // In the same step as the look: whatever comes next wakes it again.
        this.#isSending = false;
        return;
      }
      const { signal } = this.#connection;
      const refusal = await this.#send(update, signal);
      if (refusal === null) {
        this.#unsent = this.#unsent.filter((other) => other !== update);
        failures = 0;
        continue;
      }
      if (signal.aborted) continue;
      failures++;
      this.ports.logger.warn("update not accepted", {
        task: update.status.task_id.value,
        state: update.status.state,
        reason: refusal.message,
      });
      // Whoever is told ends this connection: there is nothing to wait for.
      if (refusal.failure !== "unavailable") this.ports.onRefused(refusal);
      const waitMs = backoffMs(failures, RETRY, this.ports.random());
      await this.ports.clock.sleep(waitMs, signal);
    }
  }

  /** Sends once; a call that is never answered counts as refused. */
  async #send(
    update: CallUpdate,
    connection: AbortSignal,
  ): Promise<AgentError | null> {
    const late = new AbortController();
    const limit = this.ports.clock.after(SEND_MS_MAX, () => late.abort());
    try {
      await this.ports.send(
        update,
        AbortSignal.any([connection, late.signal]),
      );
      return null;
    } catch (error) {
      if (error instanceof AgentError) return error;
      throw error;
    } finally {
      limit.cancel();
    }
  }
}
