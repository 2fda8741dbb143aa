import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { parseDuration } from "../../shared/duration.ts";

for (
  const [text, ms] of [
    ["15mins", 900_000],
    ["2secs", 2_000],
    ["1.5hrs", 5_400_000],
    ["250ms", 250],
    ["0ns", 0],
    ["0secs", 0],
    ["1days", 86_400_000],
    ["2weeks", 1_209_600_000],
    ["007secs", 7_000],
    ["5us", 0.005],
    ["1000000ns", 1],
    ["0.001secs", 1],
  ] as const
) {
  Deno.test(`parseDuration() reads ${text} as ${ms} ms`, () => {
    assertAlmostEquals(parseDuration(text), ms);
  });
}

for (
  const text of [
    "",
    "15",
    "mins",
    "15 mins",
    " 15mins",
    "15mins ",
    "15min",
    "15Mins",
    "15m",
    "-15mins",
    "+15mins",
    "1e3secs",
    ".5secs",
    "5.secs",
    "1.2.3secs",
    "1,5secs",
    "15mins5secs",
    "15mins\n",
    "NaNsecs",
    "Infinitysecs",
    "5constructor",
    "5__proto__",
    "١٥mins",
  ]
) {
  Deno.test(`parseDuration() refuses ${JSON.stringify(text)}`, () => {
    const error = assertThrows(() => parseDuration(text), SyntaxError);
    assertEquals(
      error.message,
      "must be a number and one of ns, us, ms, secs, mins, hrs, days, weeks: " +
        `current value is ${JSON.stringify(text)}`,
    );
  });
}
