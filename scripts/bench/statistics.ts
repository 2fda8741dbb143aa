/** One figure of a run. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
}

/** Sums up samples; at least one. */
export function summarize(samples: readonly number[], unit: string): Figure {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? NaN;
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1
    ? at(middle)
    : (at(middle - 1) + at(middle)) / 2;
  return { median, min: at(0), max: at(sorted.length - 1), unit };
}

/** Writes a figure beside the bound that it has to keep. */
export function formatFigure(
  key: string,
  { median, min, max, unit }: Figure,
  bound: number,
): string {
  const show = (value: number) => value.toFixed(1).padStart(8);
  return `${key.padEnd(40)} ${show(median)} ${unit.padEnd(3)}  ` +
    `min ${show(min)}  max ${show(max)}  to reach ${show(bound)}  ` +
    (median <= bound ? "reached" : "MISSED");
}
