import type { Clock, Timer } from "../../shared/clock.ts";

/** A clock that moves only when it is told to. */
export class FakeClock implements Clock {
  #elapsedMs = 0;
  #timers: { readonly dueMs: number; readonly run: () => void }[] = [];

  /** @param startMs What the wall clock shows at first. */
  constructor(private readonly startMs: number = 1_795_331_599_000) {}

  // Properties, since callers take them off the clock as they may of any.
  readonly nowMs = (): number => this.startMs + this.#elapsedMs;
  readonly monotonicMs = (): number => this.#elapsedMs;

  after(delayMs: number, run: () => void): Timer {
    const timer = { dueMs: this.#elapsedMs + delayMs, run };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.after(delayMs, () => {
        signal?.removeEventListener("abort", wake);
        resolve();
      });
      const wake = () => {
        timer.cancel();
        resolve();
      };
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  /** Timers that have not come due. */
  get pending(): number {
    return this.#timers.length;
  }

  /**
   * Moves on as while a program is stopped: what comes due meanwhile runs
   * late, when it goes on.
   */
  jump(byMs: number): void {
    this.#elapsedMs += byMs;
    this.advance(0);
  }

  /** Moves on; what comes due meanwhile runs in its order, at its time. */
  advance(byMs: number): void {
    const endMs = this.#elapsedMs + byMs;
    while (true) {
      const next = this.#timers.filter(({ dueMs }) => dueMs <= endMs)
        .sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      next.run();
    }
    this.#elapsedMs = endMs;
  }
}
