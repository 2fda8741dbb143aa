import { unlessMissing } from "./log_reading.ts";

/**
 * How the file that is written to lies in all that was ever written. It is
 * kept beside the daemon's records, as an operator may remove parts of a log.
 */
export interface LogMark {
  /** Place of the file's first byte: 0 unless the process cut it short. */
  readonly base: number;
  /** Place of the first byte that is in no finished part. */
  readonly from: number;
}

const VERSION = "1";

/** Reads a mark; of a log that has none, or a damaged one, all is there yet. */
export function readMark(path: string): LogMark {
  const text = unlessMissing(() => Deno.readTextFileSync(path)) ?? "";
  const [, base, from] = /^1 (\d{1,15}) (\d{1,15})\n$/.exec(text) ?? [];
  return { base: Number(base ?? 0), from: Number(from ?? 0) };
}

/** Writes a mark in one step. */
export function writeMark(path: string, { base, from }: LogMark): void {
  Deno.writeTextFileSync(`${path}.new`, `${VERSION} ${base} ${from}\n`, {
    mode: 0o600,
  });
  Deno.renameSync(`${path}.new`, path);
}
