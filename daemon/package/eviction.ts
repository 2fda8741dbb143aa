/** A content of the cache. */
export interface CachedContent {
  readonly sha256: string;
  readonly bytes: number;
  /** Wall clock, ms. */
  readonly usedMs: number;
  readonly isHeld: boolean;
}

/** How much is kept, and for how long. */
export interface EvictionPolicy {
  readonly cacheBytes: number;
  readonly cacheMs: number;
}

/**
 * Decides what goes: what nobody has used for too long, then what was not used
 * for longest until the rest is small enough. Never what is held.
 *
 * @returns What to remove, the longest unused first.
 */
export function chooseEvicted(
  contents: readonly CachedContent[],
  { cacheBytes, cacheMs }: EvictionPolicy,
  nowMs: number,
): readonly string[] {
  let bytes = contents.reduce((sum, content) => sum + content.bytes, 0);
  const evicted: string[] = [];
  for (const each of contents.toSorted((a, b) => a.usedMs - b.usedMs)) {
    const isOld = nowMs - each.usedMs > cacheMs;
    if (each.isHeld || (!isOld && bytes <= cacheBytes)) continue;
    evicted.push(each.sha256);
    bytes -= each.bytes;
  }
  return evicted;
}
