import type { Clock, Timer } from "../shared/clock.ts";

/** Longest wait for the last acknowledgements, ms (Mesos' own executors). */
const ACKNOWLEDGE_WAIT_MS = 60_000;

/** How far an executor is from its end. */
export interface Progress {
  /** Whether no task is left, and none is expected. */
  readonly isOver: boolean;
  /** Whether everybody has heard of everything. */
  readonly isHeard: boolean;
  /** Whether there is anybody to hear of it. */
  readonly isConnected: boolean;
  /** Whether it ends even if nobody hears of it. */
  readonly isLeaving: boolean;
}

/**
 * Waits for an executor's end: all over and all heard of; or, once that is all
 * that is missing and somebody could hear it, a fail-safe later.
 */
export class Completion {
  #timer: Timer | null = null;
  #isTimeUp = false;
  #wake = () => {};

  /** @param look Tells how far it is. */
  constructor(
    private readonly clock: Clock,
    private readonly look: () => Progress,
  ) {}

  /** Must be called whenever the progress may be another. */
  update(): void {
    this.#wake();
  }

  /** Resolves at the end: in the very step in which it was looked at last. */
  async reach(): Promise<void> {
    while (true) {
      const { isOver, isHeard, isConnected, isLeaving } = this.look();
      if ((isOver && isHeard) || this.#isTimeUp) break;
      // A task may come while the last one's end is acknowledged, and an agent
      // that is away is waited for as long as it may be; but who leaves ends,
      // whatever others say or do not say.
      if ((isOver && isConnected) || isLeaving) this.#arm();
      else this.#disarm();
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    this.#disarm();
  }

  #arm(): void {
    this.#timer ??= this.clock.after(ACKNOWLEDGE_WAIT_MS, () => {
      this.#isTimeUp = true;
      this.#wake();
    });
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
