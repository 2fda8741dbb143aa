import type { Clock } from "../../shared/clock.ts";

/** After so long the next one begins, whatever this one still waits for, ms. */
const SLOT_MS_MAX = 2_000;

/**
 * Lets so many begin at a time; the others wait in line. Many launchers side by
 * side are no faster, and leave the daemon no time to answer.
 */
export class Slots {
  #free: number;
  readonly #line: (() => void)[] = [];

  /** @param atOnce How many have a slot at the same time. */
  constructor(atOnce: number, private readonly clock: Pick<Clock, "after">) {
    this.#free = atOnce;
  }

  /**
   * Waits for a slot.
   *
   * @returns Frees it; may be called more than once. One that hangs loses its
   * slot after a while: it harms itself alone.
   */
  async take(): Promise<() => void> {
    if (this.#free === 0) {
      await new Promise<void>((resolve) => this.#line.push(resolve));
    } else {
      this.#free--;
    }
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      limit.cancel();
      const next = this.#line.shift();
      if (next === undefined) this.#free++;
      else next();
    };
    const limit = this.clock.after(SLOT_MS_MAX, end);
    return end;
  }
}
