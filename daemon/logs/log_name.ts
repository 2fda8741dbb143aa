import type { LogStream } from "../../shared/manager_api/types.ts";

/** Both streams of a process. */
export const LOG_STREAMS = ["stdout", "stderr"] as const;

/** Decimal digits of a place in a name, so that names sort by place. */
const PLACE_DIGITS = 16;

/** Name of the file that a process writes one of its streams to. */
export function logName(id: string, stream: LogStream): string {
  return `${id}.${stream}`;
}

/**
 * Name of a finished part of a log. It ends in digits, and a log's name in that
 * of a stream: neither can be the other's, whatever the ids are.
 *
 * @param start Place of its first byte.
 */
export function partName(log: string, start: number): string {
  return `${log}.${String(start).padStart(PLACE_DIGITS, "0")}`;
}

/** Name of a part that is not finished; the same holds for it. */
export function draftName(log: string): string {
  return `${log}.new`;
}

/** What a name in the folder of the logs says; null = it is not one of ours. */
export function parseName(
  name: string,
): { readonly log: string; readonly start: number | "draft" } | null {
  const { log, start } =
    /^(?<log>.*\.(?:stdout|stderr))\.(?<start>\d{16}|new)$/s
      .exec(name)?.groups ?? {};
  if (log === undefined || start === undefined) return null;
  return { log, start: start === "new" ? "draft" : Number(start) };
}
