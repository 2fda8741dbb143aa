import { assertEquals } from "@std/assert";
import { untilNextLook } from "../../../daemon/logs/look_schedule.ts";

Deno.test("untilNextLook() comes before a log can be full", () => {
  const cases = [
    // Nothing came: ever less often.
    [0, 250, 1_000_000, 500],
    [-5, 4_000, 1_000_000, 8_000],
    [0, 20_000, 1_000_000, 30_000],
    // The same for what will not fill it for long.
    [1, 1_000, 64_000_000, 2_000],
    [1, 20_000, 64_000_000, 30_000],
    // Half of the time until it is full.
    [1_000, 4_000, 1_500, 3_000],
    [1_000_000, 1_000, 3_000_000, 1_500],
    // Not more often than that, also if it is full already.
    [100_000_000, 250, 1_000, 250],
    [1_000, 1_000, -1_000, 250],
    // Twice at one instant.
    [1_000, 0, 6_000, 250],
    [0, 0, 6_000, 250],
  ] as const;
  for (const [grownBytes, elapsedMs, roomBytes, expected] of cases) {
    assertEquals(untilNextLook(grownBytes, elapsedMs, roomBytes), expected);
  }
});
