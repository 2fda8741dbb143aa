/** Shortest and longest time between two looks at a log, ms. */
const LOOK_MS_MIN = 250;
const LOOK_MS_MAX = 20_000;

/**
 * Time until a log is looked at again, ms: half of what it needs at its speed
 * to be full, since it may become faster.
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
  if (grownBytes <= 0) return LOOK_MS_MAX;
  const halfFullMs = roomBytes * elapsedMs / grownBytes / 2;
  return Math.min(Math.max(halfFullMs, LOOK_MS_MIN), LOOK_MS_MAX);
}
