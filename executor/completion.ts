import type { Clock, Timer } from "../shared/clock.ts";

/** Longest wait for the last acknowledgements, ms (Mesos' own executors). */
const ACKNOWLEDGE_WAIT_MS = 60_000;

/** How far an executor is from its end. */
export interface Progress {
  /** Whether no task is left, and none is expected. */
  readonly isOver: boolean;
  /** Whether everybody has heard of everything. */
  readonly isHeard: boolean;
  /** Whether it ends even if nobody hears of it. */
  readonly isLeaving: boolean;
}

/**
 * Waits for an executor's end: all over and all heard of; or, once that is all
 * that is missing, a fail-safe later.
 */
export class Completion {
  #timer: Timer | null = null;
  #isTimeUp = false;
  readonly #end = Promise.withResolvers<void>();

  /** @param look Tells how far it is. */
  constructor(
    private readonly clock: Clock,
    private readonly look: () => Progress,
  ) {}

  /** Resolves at the end. */
  get reached(): Promise<void> {
    return this.#end.promise;
  }

  /** Must be called whenever the progress may be another. */
  update(): void {
    const { isOver, isHeard, isLeaving } = this.look();
    if ((isOver && isHeard) || this.#isTimeUp) {
      this.#timer?.cancel();
      return this.#end.resolve();
    }
    // A task may come while the last one's end is acknowledged; but who
    // leaves ends, whatever the daemon says or does not say.
    if (isOver || isLeaving) {
      this.#timer ??= this.clock.after(ACKNOWLEDGE_WAIT_MS, () => {
        this.#isTimeUp = true;
        this.update();
      });
    } else {
      this.#timer?.cancel();
      this.#timer = null;
    }
  }
}
