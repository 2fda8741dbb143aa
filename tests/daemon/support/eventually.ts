/** Time between two looks, ms. */
const INTERVAL_MS = 5;
/** Time after which a condition counts as never met, ms. */
const DEADLINE_MS = 30_000;

/**
 * Waits for a condition of the outside world: the only way a test may wait
 * for what reports no event.
 *
 * @param what Names the condition in the failure.
 * @param look Returns something truthy once the condition is met.
 * @returns What `look` returned.
 */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
): Promise<NonNullable<T>> {
  const end = performance.now() + DEADLINE_MS;
  while (true) {
    const found = await look();
    if (found) return found as NonNullable<T>;
    if (performance.now() > end) {
      throw new Error(`Not within ${DEADLINE_MS} ms: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
}
