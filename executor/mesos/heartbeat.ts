import type { Clock } from "../../shared/clock.ts";
import type { Logger } from "../../shared/logger.ts";
import { AgentError } from "./agent_error.ts";

/**
 * Time between two HEARTBEAT calls, ms: the longest that Mesos' own library
 * lets pass (src/executor/executor.cpp), for whatever stands between us and
 * the agent and forgets connections that say nothing.
 */
const INTERVAL_MS = 30 * 60_000;

/** What heartbeats take. */
export interface HeartbeatPorts {
  /** Sends one HEARTBEAT call. @throws {AgentError} */
  readonly send: (signal: AbortSignal) => Promise<void>;
  readonly isSubscribed: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Sends heartbeats while subscribed. An agent older than 1.8 refuses them:
 * that is no failure.
 *
 * @param signal Ends it.
 */
export async function sendHeartbeats(
  { send, isSubscribed, clock, logger }: HeartbeatPorts,
  signal: AbortSignal,
): Promise<void> {
  while (true) {
    await clock.sleep(INTERVAL_MS, signal);
    if (signal.aborted) return;
    if (!isSubscribed()) continue;
    try {
      await send(signal);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      if (!signal.aborted) {
        logger.info("heartbeat not accepted", { reason: error.message });
      }
    }
  }
}
