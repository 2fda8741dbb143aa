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

/** What it waits for that may never come. */
type Stage =
  /** Nothing: its tasks may take as long as they like. */
  | "none"
  /** The end of its tasks, which have their time for that. */
  | "ends"
  /** The last acknowledgements. */
  | "acknowledgements";

/**
 * Waits for an executor's end: all over and all heard of; or, once that is all
 * that is missing and somebody could hear it, a fail-safe later.
 */
export class Completion {
  #stage: Stage = "none";
  #timer: Timer | null = null;
  #isTimeUp = false;
  #wake = () => {};

  /**
   * @param look Tells how far it is.
   * @param endMsMax The time that tasks get to end when it leaves, ms.
   */
  constructor(
    private readonly clock: Clock,
    private readonly look: () => Progress,
    private readonly endMsMax: number,
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
      const isListening = isConnected || isLeaving;
      if (isOver) this.#enter(isListening ? "acknowledgements" : "none");
      else this.#enter(isLeaving ? "ends" : "none");
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    this.#enter("none");
  }

  #enter(stage: Stage): void {
    if (stage === this.#stage) return;
    this.#stage = stage;
    this.#timer?.cancel();
    this.#timer = stage === "none" ? null : this.clock.after(
      ACKNOWLEDGE_WAIT_MS + (stage === "ends" ? this.endMsMax : 0),
      () => {
        this.#isTimeUp = true;
        this.#wake();
      },
    );
  }
}
