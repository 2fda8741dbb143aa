/** Milliseconds per unit, of all units that Mesos' stout knows. */
const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  secs: 1_000,
  mins: 60_000,
  hrs: 3_600_000,
  days: 86_400_000,
  weeks: 604_800_000,
};

/**
 * Parses a Mesos duration such as `15mins`, `2secs` or `1.5hrs`.
 *
 * @returns Milliseconds, maybe with a fraction.
 * @throws {SyntaxError} If it is not one number followed by one unit.
 * @see Mesos 3rdparty/stout/include/stout/duration.hpp
 */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(text);
  const unit = match?.[2] ?? "";
  const unitMs = Object.hasOwn(UNIT_MS, unit) ? UNIT_MS[unit] : undefined;
  if (match === null || unitMs === undefined) {
    throw new SyntaxError(
      `must be a number and one of ${Object.keys(UNIT_MS).join(", ")}: ` +
        `current value is ${JSON.stringify(text)}`,
    );
  }
  return Number(match[1]) * unitMs;
}
