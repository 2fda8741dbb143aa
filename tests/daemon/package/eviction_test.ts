import { assertEquals } from "@std/assert";
import { chooseEvicted } from "../../../daemon/package/eviction.ts";

const POLICY = { cacheBytes: 100, cacheMs: 1_000 };
const NOW_MS = 10_000;

/** Named by their first letter; h... are held. */
function evictedOf(...contents: [string, bytes: number, agoMs: number][]) {
  return chooseEvicted(
    contents.map(([sha256, bytes, agoMs]) => ({
      sha256,
      bytes,
      usedMs: NOW_MS - agoMs,
      isHeld: sha256.startsWith("h"),
    })),
    POLICY,
    NOW_MS,
  ).join();
}

Deno.test("chooseEvicted() keeps what is small and young enough", () => {
  assertEquals(evictedOf(), "");
  assertEquals(evictedOf(["a", 60, 1_000], ["b", 40, 0]), "");
  // A clock that was set back makes nothing old.
  assertEquals(evictedOf(["a", 1, -5_000]), "");
});

Deno.test("chooseEvicted() takes what is too old", () => {
  assertEquals(evictedOf(["a", 1, 1_001], ["b", 1, 999]), "a");
  assertEquals(evictedOf(["h", 1, 1_001]), "");
});

Deno.test("chooseEvicted() takes the longest unused of too much", () => {
  assertEquals(evictedOf(["a", 50, 1], ["b", 50, 3], ["c", 50, 2]), "b");
  assertEquals(evictedOf(["a", 101, 1]), "a");
  // What went for its age counts no more.
  assertEquals(evictedOf(["a", 60, 1_001], ["b", 60, 2], ["c", 40, 1]), "a");
});

Deno.test("chooseEvicted() takes others in place of what is held", () => {
  assertEquals(evictedOf(["h", 90, 900], ["a", 10, 5], ["b", 10, 4]), "a");
  assertEquals(evictedOf(["h1", 200, 9], ["h2", 1, 9], ["a", 1, 1]), "a");
});
