import type { BackgroundTasks } from "../../shared/background.ts";
import type { Clock } from "../../shared/clock.ts";
import { AppError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Identity } from "../lifecycle/record.ts";
import type { Lookout, ProbeAnswer } from "../ports.ts";

/** Time between two looks, ms: processes that nobody waits for end unseen. */
const INTERVAL_MS = 150;
/** The same with many to look at: it is this that an idle daemon does. */
const INTERVAL_MANY_MS = 250;
const MANY = 200;
/**
 * How many are looked at closely each time, in turns. A number that nobody has
 * is seen by every look; only a zombie that its parent leaves, or a stranger
 * with the number of one who is gone, is seen when its turn has come.
 */
const CLOSELY_MAX = 4;

interface Watch {
  readonly identity: Identity;
  readonly onGone: () => void;
}

/**
 * Watches processes that are nobody's children here: daemons that a start
 * command left behind, and all that an earlier daemon started. One look is at
 * all of them; with nobody to watch there is none.
 */
export class Prober {
  readonly #watches = new Map<number, Set<Watch>>();
  /** Those that were not looked at closely yet. */
  #fresh = new Set<number>();
  /** Those whose turn to be looked at closely is yet to come. */
  #turns: Iterator<number> = [].values();
  /** Whom to look at; null = not the same as at the look before. */
  #pids: readonly number[] | null = null;
  #isLooping = false;
  readonly #leaving = new AbortController();

  constructor(
    private readonly lookout: Lookout,
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
    const { pid } = identity;
    const watches = this.#watches.get(pid) ?? new Set();
    this.#watches.set(pid, watches.add(watch));
    this.#fresh.add(pid);
    this.#pids = null;
    if (!this.#isLooping) {
      this.#isLooping = true;
      this.background.run("prober", () => this.#runLoop());
    }
    return () => this.#forget(watch);
  }

  /** Looks no more: the processes live on. */
  async close(): Promise<void> {
    this.#leaving.abort();
    await this.lookout.close();
  }

  async #runLoop(): Promise<void> {
    const { signal } = this.#leaving;
    while (this.#watches.size > 0 && !signal.aborted) {
      try {
        await this.#look();
      } catch (error) {
        // The host may be out of processes: nobody is believed gone for that.
        if (!(error instanceof AppError)) throw error;
        if (signal.aborted) break;
        this.logger.warn("probe failed", { reason: error.message });
      }
      const hasMany = this.#watches.size > MANY;
      await this.clock.sleep(hasMany ? INTERVAL_MANY_MS : INTERVAL_MS, signal);
    }
    this.#isLooping = false;
    await this.lookout.close();
  }

  /** Looks once at everybody who is watched now. */
  async #look(): Promise<void> {
    this.#pids ??= [...this.#watches.keys()];
    const fresh = this.#fresh;
    this.#fresh = new Set();
    const closely = [...fresh, ...this.#takeTurns()];
    let answer;
    try {
      answer = await this.lookout.look(this.#pids, closely);
    } catch (error) {
      for (const pid of fresh) this.#fresh.add(pid);
      throw error;
    }
    for (const pid of [...answer.gone, ...answer.alive.keys()]) {
      for (const watch of this.#watches.get(pid) ?? []) {
        // Whoever came meanwhile was not asked about.
        if (this.#fresh.has(pid) || isAlive(watch.identity, answer)) continue;
        this.#forget(watch);
        watch.onGone();
      }
    }
  }

  /** The next few; after the last the first one again. */
  #takeTurns(): readonly number[] {
    const taken: number[] = [];
    const most = Math.min(CLOSELY_MAX, this.#watches.size);
    while (taken.length < most) {
      const { value, done } = this.#turns.next();
      if (done) this.#turns = this.#watches.keys();
      else taken.push(value);
    }
    return taken;
  }

  #forget(watch: Watch): void {
    const { pid } = watch.identity;
    const watches = this.#watches.get(pid);
    if (!watches?.delete(watch) || watches.size > 0) return;
    this.#watches.delete(pid);
    this.#pids = null;
  }
}

/** Whether this very process is among those that the kernel told of. */
export function isAlive(identity: Identity, answer: ProbeAnswer): boolean {
  const found = answer.alive.get(identity.pid)?.identity;
  return found !== undefined && found.bootId === identity.bootId &&
    found.startTicks === identity.startTicks;
}
