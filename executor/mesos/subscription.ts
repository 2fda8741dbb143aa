import type { Clock } from "../../shared/clock.ts";
import { messageOf } from "../../shared/errors.ts";
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
  // One recovery timer per outage, not per attempt.
  let lostMs = clock.monotonicMs();
  while (!signal.aborted) {
    let reason = "the stream ended";
    try {
      const events = await ports.agent.subscribe(ports.buildCall(), signal);
      for await (const event of events) {
        ports.onEvent(event);
        // Only this proves that the agent has taken us back.
        lostMs = clock.monotonicMs();
        if (event.type === "ERROR") break;
      }
    } catch (error) {
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
    if (clock.monotonicMs() - lostMs >= options.recoveryTimeoutMs) {
      return `the agent was away for ${options.recoveryTimeoutMs} ms: ${reason}`;
    }
    await clock.sleep(ports.random() * options.backoffMsMax, signal);
  }
  return null;
}
