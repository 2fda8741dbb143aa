/**
 * The wait before the next try: doubled each time, up to a limit, and random
 * in its upper half so that many clients do not come at once.
 *
 * @param attempt Tries that have failed, from 1.
 * @param random From 0 up to 1.
 * @returns Milliseconds.
 */
export function backoffMs(
  attempt: number,
  options: { readonly firstMs: number; readonly maxMs: number },
  random: number,
): number {
  const fullMs = Math.min(
    options.firstMs * 2 ** Math.min(attempt - 1, 30),
    options.maxMs,
  );
  return fullMs * (0.5 + random / 2);
}
