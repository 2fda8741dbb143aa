import { assertEquals } from "@std/assert";
import { formatRfc3339 } from "../../../executor/bcs/rfc3339.ts";

const SECONDS_PER_DAY = 86_400;

function byDate(unixS: number): string {
  return new Date(unixS * 1000).toISOString().replace(".000Z", "Z");
}

Deno.test("formatRfc3339() tells every day of 400 years as Date does", () => {
  const first = Date.UTC(1800, 0, 1) / 1000;
  for (let day = 0; day < 146_097; day++) {
    // Another time of day each day, all of them in the end.
    const unixS = first + day * SECONDS_PER_DAY + day * 7_919 % SECONDS_PER_DAY;
    if (formatRfc3339(unixS) === byDate(unixS)) continue;
    assertEquals(formatRfc3339(unixS), byDate(unixS));
  }
});

Deno.test("formatRfc3339() tells the edges as Date does", () => {
  const edges = [
    0,
    -1,
    SECONDS_PER_DAY - 1,
    SECONDS_PER_DAY,
    1_795_331_599,
    Date.UTC(2000, 1, 29, 23, 59, 59) / 1000,
    Date.UTC(2100, 1, 28, 23, 59, 59) / 1000,
    Date.UTC(2100, 2, 1) / 1000,
    -62_167_219_200,
    253_402_300_799,
  ];
  for (const edge of edges) assertEquals(formatRfc3339(edge), byDate(edge));
  assertEquals(formatRfc3339(1_795_331_599), "2026-11-22T07:13:19Z");
});
