/** A pending call of {@linkcode Clock.after}. */
export interface Timer {
  /** Cancels the call; harmless when it was made already. */
  cancel(): void;
}

/** Where all parts take their time from, so that tests can move it. */
export interface Clock {
  /** Wall clock, milliseconds since 1970: for records and people. */
  nowMs(): number;
  /** Milliseconds from an arbitrary start, never set back: for durations. */
  monotonicMs(): number;
  /** Calls `run` once, `delayMs` from now. */
  after(delayMs: number, run: () => void): Timer;
  /**
   * Resolves `delayMs` from now, or at once when `signal` is aborted: the
   * caller asks the signal which of the two it was.
   */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** The longest delay that a JavaScript timer holds (2^31 - 1 ms). */
const DELAY_MS_MAX = 2_147_483_647;

/** The clock of the host. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    let id: ReturnType<typeof setTimeout> | undefined;
    const wait = (leftMs: number) => {
      const nextMs = Math.min(leftMs, DELAY_MS_MAX);
      id = setTimeout(
        () => leftMs > nextMs ? wait(leftMs - nextMs) : run(),
        nextMs,
      );
    };
    wait(delayMs);
    return { cancel: () => clearTimeout(id) };
  },
  sleep(delayMs, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(id);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const id = setTimeout(done, Math.min(delayMs, DELAY_MS_MAX));
      signal?.addEventListener("abort", done);
    });
  },
};
