/** One figure of a run. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  /** Of how many samples it is the median. */
  readonly samples: number;
}

/** What a median has to keep: at most or at least so much, or nothing. */
export type Bound =
  | { readonly atMost: number }
  | { readonly atLeast: number }
  | Record<never, never>;

/** Sums up samples; at least one. */
export function summarize(samples: readonly number[], unit: string): Figure {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? NaN;
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1
    ? at(middle)
    : (at(middle - 1) + at(middle)) / 2;
  return {
    median,
    min: at(0),
    max: at(sorted.length - 1),
    unit,
    samples: sorted.length,
  };
}

/** Writes a figure beside the bound that it has to keep. */
export function formatFigure(
  key: string,
  { median, min, max, unit, samples }: Figure,
  bound: Bound,
): string {
  const show = (value: number) =>
    (Math.abs(value) < 10 ? value.toFixed(2) : value.toFixed(1)).padStart(8);
  return `${key.padEnd(40)} ${show(median)} ${unit.padEnd(5)} ` +
    `min ${show(min)}  max ${show(max)}  of ${String(samples).padStart(2)}` +
    judge(median, bound, show);
}

function judge(
  median: number,
  bound: Bound,
  show: (value: number) => string,
): string {
  if ("atMost" in bound) {
    return `  at most  ${show(bound.atMost)}  ` +
      (median <= bound.atMost ? "reached" : "MISSED");
  }
  if ("atLeast" in bound) {
    return `  at least ${show(bound.atLeast)}  ` +
      (median >= bound.atLeast ? "reached" : "MISSED");
  }
  return "";
}
