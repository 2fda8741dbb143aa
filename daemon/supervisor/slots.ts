import type { Clock } from "../../shared/clock.ts";

/** After so long the next one begins, whatever this one still waits for, ms. */
const SLOT_MS_MAX = 2_000;

/**
 * Lets so many begin at a time; the others wait in line. Many launchers side by
 * side are no faster, and leave the daemon no time to answer.
 */
export class Slots {
  #free: number;
  readonly #line = new Set<() => void>();

  /** @param atOnce How many have a slot at the same time. */
  constructor(atOnce: number, private readonly clock: Pick<Clock, "after">) {
    this.#free = atOnce;
  }

  /**
   * Waits for a slot.
   *
   * @param unwanted Leaves the line.
   * @returns Frees it; may be called more than once. One that hangs loses its
   * slot after a while: it harms itself alone. null = it left the line.
   */
  async take(unwanted: AbortSignal): Promise<(() => void) | null> {
    if (unwanted.aborted) return null;
    if (this.#free > 0) this.#free--;
    else if (!await this.#standInLine(unwanted)) return null;
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      limit.cancel();
      const [next] = this.#line;
      if (next === undefined) this.#free++;
      else next();
    };
    const limit = this.clock.after(SLOT_MS_MAX, end);
    return end;
  }

  /** @returns Whether its turn has come; else it is not wanted any more. */
  #standInLine(unwanted: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const leave = (isMyTurn: boolean) => {
        this.#line.delete(begin);
        unwanted.removeEventListener("abort", giveUp);
        resolve(isMyTurn);
      };
      const begin = () => leave(true);
      const giveUp = () => leave(false);
      this.#line.add(begin);
      unwanted.addEventListener("abort", giveUp);
    });
  }
}
