import { InvalidInputError, type Problem } from "../../shared/errors.ts";
import type { LogStream } from "../../shared/manager_api/types.ts";
import { LOG_STREAMS } from "../logs/log_name.ts";

/** Most bytes of one answer, unless it is followed. */
export const LOG_ANSWER_BYTES_MAX = 16 * 1024 * 1024;
/** What is shown if nothing says how much. */
const LINES_DEFAULT = 100;

const RANGES = ["lines", "bytes", "from"] as const;
const KEYS: readonly string[] = ["stream", "follow", ...RANGES];

/** Where an answer begins: so much before the end, or at a place. */
export interface LogRange {
  readonly unit: typeof RANGES[number];
  readonly count: number;
}

/** What of a log is asked for. */
export interface LogRequest {
  readonly stream: LogStream;
  readonly range: LogRange;
  /** Whether what comes later is wanted too. */
  readonly isFollowed: boolean;
}

/**
 * Reads the query of a request for a log: stdout and its last 100 lines,
 * unless it says more.
 *
 * @throws {InvalidInputError} With every problem.
 */
export function parseLogQuery(query: URLSearchParams): LogRequest {
  const problems: Problem[] = [];
  const refuse = (field: string, rule: string) => {
    const value = JSON.stringify(query.get(field)?.slice(0, 60));
    problems.push({ field, rule: `${rule}: current value is ${value}` });
  };
  for (const key of new Set(query.keys())) {
    if (!KEYS.includes(key)) {
      problems.push({
        field: key.slice(0, 60),
        rule: `is no parameter: known are ${KEYS.join(", ")}`,
      });
    } else if (query.getAll(key).length > 1) {
      problems.push({ field: key, rule: "must be given once" });
    }
  }
  const stream = LOG_STREAMS.find((each) =>
    each === (query.get("stream") ?? "stdout")
  );
  if (stream === undefined) refuse("stream", "must be stdout or stderr");
  const follow = query.get("follow") ?? "0";
  if (follow !== "0" && follow !== "1") refuse("follow", "must be 0 or 1");
  const units = RANGES.filter((unit) => query.has(unit));
  if (units.length > 1) {
    problems.push({
      field: units.join(", "),
      rule: "exclude each other: give one of them",
    });
  }
  for (const unit of units) {
    const text = query.get(unit) ?? "";
    if (!/^\d{1,15}$/.test(text)) {
      refuse(unit, "must be a whole number of at most 15 digits");
    } else if (unit === "bytes" && Number(text) > LOG_ANSWER_BYTES_MAX) {
      refuse(unit, `must be at most ${LOG_ANSWER_BYTES_MAX}`);
    }
  }
  if (problems.length > 0 || stream === undefined) {
    throw new InvalidInputError("request for a log", problems);
  }
  const unit = units[0] ?? "lines";
  const count = Number(query.get(unit) ?? LINES_DEFAULT);
  return { stream, range: { unit, count }, isFollowed: follow === "1" };
}
