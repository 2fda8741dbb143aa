import { assertEquals } from "@std/assert";
import { backoffMs } from "../../shared/backoff.ts";

const OPTIONS = { firstMs: 100, maxMs: 5_000 };

Deno.test("backoffMs() doubles with each try, up to its limit", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8].map((attempt) =>
    backoffMs(attempt, OPTIONS, 1)
  );
  assertEquals(waits, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
});

Deno.test("backoffMs() is random in the upper half of the wait", () => {
  assertEquals(backoffMs(3, OPTIONS, 0), 200);
  assertEquals(backoffMs(3, OPTIONS, 0.5), 300);
  assertEquals(backoffMs(3, OPTIONS, 1), 400);
});

Deno.test("backoffMs() stays within its limit for ever", () => {
  for (const attempt of [31, 32, 64, 1_100, 1e9, Number.MAX_SAFE_INTEGER]) {
    assertEquals(backoffMs(attempt, OPTIONS, 1), 5_000);
    assertEquals(backoffMs(attempt, OPTIONS, 0), 2_500);
  }
});

Deno.test("backoffMs() waits no longer than a limit below the first wait", () => {
  assertEquals(backoffMs(1, { firstMs: 100, maxMs: 10 }, 1), 10);
});
