import type { Clock, Timer } from "../../shared/clock.ts";
import { InvariantError, messageOf } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { AgentClient } from "./agent_client.ts";
import { AgentError } from "./agent_error.ts";
import type { Event, SubscribeCall } from "./types.ts";

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
 * Keeps the executor subscribed. Ends when there is no agent to come back to.
 *
 * @param signal Ends it from outside.
 * @returns Why the executor has to leave; null if it was ended.
 * @see Mesos docs/executor-http-api.md "Disconnections"
 */
export async function runSubscription(
  ports: SubscriptionPorts,
  options: SubscriptionOptions,
  signal: AbortSignal,
): Promise<string | null> {
  const { clock, logger } = ports;
  let recovery = new RecoveryTimer(clock, options.recoveryTimeoutMs);
  try {
    while (!signal.aborted) {
      let reason = "the stream ended";
      try {
        const events = await ports.agent.subscribe(
          ports.buildCall(),
          AbortSignal.any([signal, recovery.signal]),
        );
        for await (const event of events) {
          // Only an event proves that the agent has taken us back.
          recovery.cancel();
          ports.onEvent(event);
          if (event.type === "ERROR") break;
        }
      } catch (error) {
        if (error instanceof InvariantError) throw error;
        if (signal.aborted) return null;
        if (error instanceof AgentError && error.failure === "rejected") {
          return error.message;
        }
        reason = messageOf(error);
      }
      if (signal.aborted) return null;
      ports.onDisconnected();
      logger.warn("not subscribed", { reason });
      if (!options.checkpoint) {
        return `connection to the agent lost without checkpointing: ${reason}`;
      }
      if (recovery.isCancelled) {
        recovery = new RecoveryTimer(clock, options.recoveryTimeoutMs);
      }
      await clock.sleep(
        ports.random() * options.backoffMsMax,
        AbortSignal.any([signal, recovery.signal]),
      );
      if (recovery.signal.aborted) {
        return `the agent was away for ${options.recoveryTimeoutMs} ms: ` +
          reason;
      }
    }
    return null;
  } finally {
    recovery.cancel();
  }
}

/** One per outage, not per attempt; ends an attempt that hangs, too. */
class RecoveryTimer {
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
