import type { Clock } from "../../shared/clock.ts";

/** Ends what has not got on for a while. */
export class IdleWatch implements Disposable {
  readonly #clock: Clock;
  readonly #idleMsMax: number;
  readonly #over = new AbortController();
  #touchedMs: number;
  #timer;

  /** @param idleMsMax How long it may rest, ms. */
  constructor(clock: Clock, idleMsMax: number) {
    this.#clock = clock;
    this.#idleMsMax = idleMsMax;
    this.#touchedMs = clock.monotonicMs();
    this.#timer = clock.after(idleMsMax, () => this.#look());
  }

  /** Aborted once it has rested for too long. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** It has got on. Cheap: for every piece that comes. */
  touch(): void {
    this.#touchedMs = this.#clock.monotonicMs();
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
  }

  #look(): void {
    const idleMs = this.#clock.monotonicMs() - this.#touchedMs;
    const leftMs = this.#idleMsMax - idleMs;
    if (leftMs <= 0) this.#over.abort();
    else this.#timer = this.#clock.after(leftMs, () => this.#look());
  }
}
