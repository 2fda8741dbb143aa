/** Shortest and longest time between two looks at a log, ms. */
const LOOK_MS_MIN = 250;
const LOOK_MS_MAX = 30_000;

/**
 * Time until a log is looked at again, ms: half of what it needs at its speed
 * to be full, and no more than twice the time since the last look, as it may
 * become faster.
 *
 * @param grownBytes How much came since the last look.
 * @param elapsedMs Time since the last look.
 * @param roomBytes How much fits in until it is full.
 */
export function untilNextLook(
  grownBytes: number,
  elapsedMs: number,
  roomBytes: number,
): number {
  const halfFullMs = grownBytes > 0
    ? roomBytes * elapsedMs / grownBytes / 2
    : Infinity;
  const nextMs = Math.min(halfFullMs, elapsedMs * 2, LOOK_MS_MAX);
  return Math.max(nextMs, LOOK_MS_MIN);
}
