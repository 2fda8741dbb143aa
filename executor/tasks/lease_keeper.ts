import type { Clock } from "../../shared/clock.ts";
import { AppError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { ManagerClient } from "../../shared/manager_api/client.ts";

/** Longest time between two heartbeats, ms. */
const INTERVAL_MS_MAX = 60_000;
/** The share of a lease after which it is renewed: three may be lost. */
const LEASE_SHARE = 0.25;
/** Wait between two tries while the daemon does not answer, ms. */
const RETRY_MS = 1_000;

/** What keeping leases takes. */
export interface LeasePorts {
  readonly manager: Pick<ManagerClient, "heartbeat">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What this run of the executor is called by the daemon. */
  readonly owner: string;
  /** Whether the daemon may have a process of ours that lives. */
  readonly hasProcesses: () => boolean;
}

/**
 * Tells the daemon that somebody looks after our processes: without that it
 * stops them. One without leases (the original) is not asked again until it is
 * another.
 */
export class LeaseKeeper {
  #isOffered = true;
  #hasFailed = false;
  #woken = new AbortController();

  constructor(private readonly ports: LeasePorts) {}

  /** A process was created: how long its lease is, the daemon has to say. */
  onCreated(): void {
    this.#woken.abort();
  }

  /** The daemon is there, again, and maybe another one. */
  onDaemonThere(): void {
    this.#isOffered = true;
    this.#woken.abort();
  }

  /**
   * Sends heartbeats for as long as there are processes.
   *
   * @param signal Ends it.
   */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // Before the daemon is asked: what happens meanwhile is not to be missed.
      this.#woken = new AbortController();
      const over = AbortSignal.any([signal, this.#woken.signal]);
      const isDue = this.#isOffered && this.ports.hasProcesses();
      const waitMs = isDue ? await this.#beat() : null;
      if (waitMs === null) await aborted(over);
      else await this.ports.clock.sleep(waitMs, over);
    }
  }

  /** @returns Time until the next one, ms; null = none is of use. */
  async #beat(): Promise<number | null> {
    const { manager, owner, logger } = this.ports;
    try {
      const { Timeout } = await manager.heartbeat(owner);
      this.#hasFailed = false;
      return Timeout === 0
        ? INTERVAL_MS_MAX
        : Math.min(INTERVAL_MS_MAX, Timeout * 1000 * LEASE_SHARE);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === "NOT_FOUND") {
        logger.info("the daemon knows no leases, its processes have none");
        this.#isOffered = false;
        return null;
      }
      if (!this.#hasFailed) {
        logger.warn("leases not renewed", { reason: error.message });
      }
      this.#hasFailed = true;
      return RETRY_MS;
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
