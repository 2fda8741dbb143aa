import { backoffMs } from "../../shared/backoff.ts";
import type { Clock } from "../../shared/clock.ts";
import { AppError, messageOf } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { ManagerClient } from "../../shared/manager_api/client.ts";
import type {
  ProcessEvent,
  ProcessStatusInfo,
} from "../../shared/manager_api/types.ts";

/** Waits between two tries to reach the daemon. */
const RETRY = { firstMs: 50, maxMs: 2_000 };
/** Time between two looks where the daemon has no events, ms. */
const POLL_MS = 1_000;

/** What following needs. */
export interface FollowerPorts {
  readonly manager: Pick<ManagerClient, "follow" | "status">;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly logger: Logger;
  /** Ids of the processes to look at where there are no events. */
  readonly processIds: () => readonly string[];
  /** Whether the daemon has said that it knows a process. */
  readonly isCreated: (id: string) => boolean;
  readonly onStatus: (status: ProcessStatusInfo) => void;
  /** The daemon does not know a process that it was asked for. */
  readonly onForgotten: (id: string) => void;
}

/**
 * Passes on every change of the daemon's processes, over its restarts too:
 * each new stream begins after the last event of the one before.
 *
 * @param onFollowing Called with each stream that is open: from the first on
 * no change can be missed any more.
 * @param signal Ends it.
 */
export async function followProcesses(
  ports: FollowerPorts,
  onFollowing: () => void,
  signal: AbortSignal,
): Promise<void> {
  let lastSeq: number | undefined;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const events: AsyncIterable<ProcessEvent> = await ports.manager.follow(
        lastSeq,
        signal,
      );
      onFollowing();
      failures = 0;
      // What changed while nobody followed, or before the first stream.
      await lookAtAll(ports);
      for await (const event of events) {
        lastSeq = event.Seq;
        if (event.Cause !== "deleted") ports.onStatus(event.Status);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof AppError && error.code === "NOT_FOUND") {
        ports.logger.warn("the daemon has no events, polling instead");
        onFollowing();
        return await pollProcesses(ports, signal);
      }
      failures++;
      ports.logger.warn("not following the daemon", {
        reason: messageOf(error),
      });
    }
    const waitMs = backoffMs(Math.max(1, failures), RETRY, ports.random());
    await ports.clock.sleep(waitMs, signal);
  }
}

/** The original daemon's only way. */
async function pollProcesses(
  ports: FollowerPorts,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await lookAtAll(ports);
    await ports.clock.sleep(POLL_MS, signal);
  }
}

async function lookAtAll(
  { manager, logger, processIds, isCreated, onStatus, onForgotten }:
    FollowerPorts,
): Promise<void> {
  for (const id of processIds()) {
    // It cannot forget what it creates while it is asked.
    const wasCreated = isCreated(id);
    try {
      onStatus(await manager.status(id));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      logger.warn("no status", { id, reason: error.message });
      if (error.code === "NOT_FOUND" && wasCreated) onForgotten(id);
    }
  }
}
