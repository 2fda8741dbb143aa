import type { BackgroundTasks } from "../../shared/background.ts";
import type { Clock } from "../../shared/clock.ts";
import { AppError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Identity } from "../lifecycle/record.ts";
import type { Launcher, ProbeAnswer } from "../ports.ts";

/** Time between two looks, ms: processes that nobody waits for end unseen. */
const INTERVAL_MS = 150;

interface Watch {
  readonly identity: Identity;
  readonly onGone: () => void;
}

/**
 * Watches processes that are nobody's children here: daemons that a start
 * command left behind, and all that an earlier daemon started. One launcher
 * call looks at all of them; with nobody to watch there is none.
 */
export class Prober {
  readonly #watches = new Set<Watch>();
  #isLooping = false;

  constructor(
    private readonly launcher: Pick<Launcher, "probe">,
    private readonly clock: Clock,
    private readonly background: BackgroundTasks,
    private readonly logger: Logger,
  ) {}

  /**
   * Calls `onGone` once when the process is no more.
   *
   * @returns Ends the watch.
   */
  watch(identity: Identity, onGone: () => void): () => void {
    const watch = { identity, onGone };
    this.#watches.add(watch);
    if (!this.#isLooping) {
      this.#isLooping = true;
      this.background.run("prober", () => this.#runLoop());
    }
    return () => this.#watches.delete(watch);
  }

  async #runLoop(): Promise<void> {
    while (this.#watches.size > 0) {
      try {
        await this.look();
      } catch (error) {
        // The host may be out of processes: nobody is believed gone for that.
        if (!(error instanceof AppError)) throw error;
        this.logger.warn("probe failed", { reason: error.message });
      }
      await this.clock.sleep(INTERVAL_MS);
    }
    this.#isLooping = false;
  }

  /** Looks once at everybody who is watched now. */
  async look(): Promise<void> {
    const watches = [...this.#watches];
    const pids = new Set(watches.map(({ identity }) => identity.pid));
    const answer = await this.launcher.probe([...pids]);
    for (const watch of watches) {
      if (isAlive(watch.identity, answer)) continue;
      if (this.#watches.delete(watch)) watch.onGone();
    }
  }
}

/** Whether this very process is among those that the kernel told of. */
export function isAlive(identity: Identity, answer: ProbeAnswer): boolean {
  const found = answer.alive.get(identity.pid)?.identity;
  return found !== undefined && found.bootId === identity.bootId &&
    found.startTicks === identity.startTicks;
}
