/** Part of the shutdown grace that is kept for the last updates. */
const RESERVE = 0.2;
/** The least that is kept of it, ms. */
const RESERVE_MS_MIN = 500;

/**
 * How much of the time until the agent kills the executor its tasks get to
 * end by themselves: whole seconds, as the daemon takes them, and none more
 * than there are.
 */
export function shutdownBudgetMs(graceMs: number): number {
  const reserveMs = Math.max(graceMs * RESERVE, RESERVE_MS_MIN);
  return Math.max(0, Math.floor((graceMs - reserveMs) / 1000) * 1000);
}
