import type { Clock, Timer } from "../../shared/clock.ts";
import { InvariantError, messageOf } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { type Departure, toDeparture } from "../departure.ts";
import type { AgentClient } from "./agent_client.ts";
import { AgentError } from "./agent_error.ts";
import type { Event, SubscribeCall } from "./types.ts";

/**
 * Longest way from a try to SUBSCRIBED, ms: as long as the agent itself waits
 * for a new executor (Mesos EXECUTOR_REGISTRATION_TIMEOUT).
 */
const ATTEMPT_MS_MAX = 60_000;
/**
 * Longest silence of an agent that sends heartbeats, ms: it sends one every
 * 30 minutes (Mesos src/slave/constants.hpp), and one may be late or lost.
 */
const SILENCE_MS_MAX = 65 * 60_000;
/**
 * The share of the longest back-off that is used: what the agent gives is the
 * very time in which a restarted agent expects us, so half of it is for the
 * way there.
 */
const BACKOFF_SHARE = 0.5;

/** Where the executor stands with its agent. */
export type SubscriptionState =
  | { readonly phase: "disconnected" }
  | {
    readonly phase:
      /** SUBSCRIBE was sent. */
      | "connecting"
      /** It was accepted; SUBSCRIBED has not come yet. */
      | "subscribing"
      | "subscribed";
    /** Counts the tries, from 1. */
    readonly connectionId: number;
  };

/** What a subscription needs of its surroundings. */
export interface SubscriptionPorts {
  readonly agent: Pick<AgentClient, "subscribe">;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly logger: Logger;
  /** Makes the SUBSCRIBE of this moment, with all that is unacknowledged. */
  readonly buildCall: () => SubscribeCall;
  /** Handles one event; the next is read when it is done. */
  readonly onEvent: (event: Event) => void;
  /** The stream is gone; calls make no sense until SUBSCRIBED. */
  readonly onDisconnected: () => void;
}

/** Times that the agent gave. */
export interface SubscriptionOptions {
  readonly checkpoint: boolean;
  readonly recoveryTimeoutMs: number;
  readonly backoffMsMax: number;
}

/**
 * Keeps the executor subscribed, one stream at a time.
 *
 * @see Mesos docs/executor-http-api.md "Disconnections"
 */
export class Subscription {
  #state: SubscriptionState = { phase: "disconnected" };
  #connections = 0;
  /** Ends the current stream; its reason says why. */
  #stream = new AbortController();
  /** Whether this agent sends heartbeats: old ones do not. */
  #hasHeartbeats = false;

  constructor(
    private readonly ports: SubscriptionPorts,
    private readonly options: SubscriptionOptions,
  ) {}

  /** Where it stands. */
  get state(): SubscriptionState {
    return this.#state;
  }

  /** Gives the current stream up, as if it had broken. */
  drop(reason: string): void {
    this.#stream.abort(reason);
  }

  /**
   * Runs until there is no agent to come back to.
   *
   * @param signal Ends it from outside.
   * @returns Why the executor has to leave; null if it was ended.
   */
  async run(signal: AbortSignal): Promise<Departure | null> {
    const { clock, logger, random } = this.ports;
    const { checkpoint, recoveryTimeoutMs, backoffMsMax } = this.options;
    let outage = new TimeLimit(clock, recoveryTimeoutMs);
    try {
      while (!signal.aborted) {
        const over = AbortSignal.any([signal, outage.signal]);
        const end = await this.#runStream(over, outage);
        if (signal.aborted) return null;
        this.#state = { phase: "disconnected" };
        this.ports.onDisconnected();
        if (typeof end !== "string") return end;
        logger.warn("not subscribed", { reason: end });
        if (!checkpoint) {
          return away(`the agent is lost without checkpointing: ${end}`);
        }
        if (outage.isCancelled) {
          outage = new TimeLimit(clock, recoveryTimeoutMs);
        }
        await clock.sleep(
          random() * backoffMsMax * BACKOFF_SHARE,
          AbortSignal.any([signal, outage.signal]),
        );
        if (outage.signal.aborted) {
          return away(`the agent was away for ${recoveryTimeoutMs} ms: ${end}`);
        }
      }
      return null;
    } finally {
      outage.cancel();
    }
  }

  /** One try, and its stream to the end; a text says why it may go on. */
  async #runStream(
    over: AbortSignal,
    outage: TimeLimit,
  ): Promise<string | Departure> {
    const connectionId = ++this.#connections;
    this.#stream = new AbortController();
    const { signal } = this.#stream;
    const quiet = new Watchdog(this.ports.clock, () => this.drop("timed out"));
    quiet.restart(ATTEMPT_MS_MAX);
    try {
      this.#state = { phase: "connecting", connectionId };
      const events = await this.ports.agent.subscribe(
        this.ports.buildCall(),
        AbortSignal.any([over, signal]),
      );
      this.#state = { phase: "subscribing", connectionId };
      for await (const event of events) {
        if (event.type === "SUBSCRIBED") {
          this.#state = { phase: "subscribed", connectionId };
          outage.cancel();
        }
        if (event.type === "HEARTBEAT") this.#hasHeartbeats = true;
        if (this.#state.phase !== "subscribed") {
          // Nothing but SUBSCRIBED ends the wait for it.
        } else if (this.#hasHeartbeats) quiet.restart(SILENCE_MS_MAX);
        else quiet.cancel();
        this.ports.onEvent(event);
        if (event.type === "ERROR") return "the agent reported an error";
        if (signal.aborted) break;
      }
      return signal.aborted ? String(signal.reason) : "the stream ended";
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      if (signal.aborted) return String(signal.reason);
      const departure = error instanceof AgentError ? toDeparture(error) : null;
      return departure ?? messageOf(error);
    } finally {
      quiet.cancel();
      // Whatever was not read of the stream is not ours any more.
      this.#stream.abort("ended");
    }
  }
}

function away(message: string): Departure {
  return { cause: "away", message };
}

/** One per outage, not per try; it ends a try that hangs, too. */
class TimeLimit {
  readonly #over = new AbortController();
  readonly #timer: Timer;
  isCancelled = false;

  constructor(clock: Clock, timeoutMs: number) {
    this.#timer = clock.after(timeoutMs, () => this.#over.abort());
  }

  /** Aborted when the time is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  cancel(): void {
    this.isCancelled = true;
    this.#timer.cancel();
  }
}

/** Runs something unless it is restarted or cancelled in time. */
class Watchdog {
  #timer: Timer | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly onTimeUp: () => void,
  ) {}

  restart(timeoutMs: number): void {
    this.cancel();
    this.#timer = this.clock.after(timeoutMs, this.onTimeUp);
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
