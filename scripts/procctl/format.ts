import { messageOf } from "../../shared/errors.ts";
import type {
  PackageStatus,
  ProcessEvent,
  ProcessStatusInfo,
} from "../../shared/manager_api/types.ts";
import { type Terminal, toPlain } from "./terminal.ts";

const UNITS = ["B", "K", "M", "G", "T"];

/** Writes bytes as `ls -h` does. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 10 ? 0 : 1;
  return `${value.toFixed(digits)}${UNITS[unit]}`;
}

/** Writes a time span with its two greatest units, such as `2d 5h`. */
export function formatSpan(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3_600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "m"],
    [whole % 60, "s"],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return "0s";
  return parts.slice(first, first + 2).filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`).join(" ");
}

/** Writes how far a package is, in one line. */
export function formatPackage(status: PackageStatus): string {
  const { Value, State, Bytes, Total, VerifiedBy } = status;
  const size = Total > 0 && State === "downloading"
    ? `${formatBytes(Bytes)} of ${formatBytes(Total)}, ` +
      `${Math.floor(100 * Bytes / Total)}%`
    : Bytes > 0
    ? formatBytes(Bytes)
    : "";
  const proof = State === "ready" && VerifiedBy !== ""
    ? `verified by ${VerifiedBy}`
    : "";
  const more = [size, proof].filter(Boolean).join(", ");
  return toPlain(`${Value}: ${State}${more && ` (${more})`}`);
}

/** What a process's message says beside its name, which stands before it. */
export function formatMessage(
  { Id, Message }: Pick<ProcessStatusInfo, "Id" | "Message">,
): string {
  const name = `process ${Id} `;
  return Message.startsWith(name) ? Message.slice(name.length) : Message;
}

/** Writes a number of processes. */
export function formatCount(processes: number): string {
  return processes === 1 ? "1 process" : `${processes} processes`;
}

/** What of a state needs no, some or much attention. */
export function paintState(
  { Status, Result, Healthy }: ProcessStatusInfo,
  terminal: Terminal,
): string {
  if (Status === "running") {
    return terminal.paint(Status, Healthy === false ? "yellow" : "green");
  }
  if (Status !== "stopped") return terminal.paint(Status, "yellow");
  const isFine = Result === "exited" || Result === "stopped";
  return terminal.paint(Status, isFine ? "grey" : "red");
}

const HEADS = [
  "ID",
  "STATE",
  "RESULT",
  "PID",
  "UPTIME",
  "CPU",
  "MEM",
  "RESTARTS",
  "MESSAGE",
];
const STATE_COLUMN = 1;

/**
 * Lays processes out in columns, as wide as the terminal.
 *
 * @param nowMs Wall clock, ms.
 */
export function formatTable(
  processes: readonly ProcessStatusInfo[],
  terminal: Terminal,
  nowMs: number,
): string[] {
  const rows = processes.map((process) => {
    const usage = process.Usage ?? null;
    return [
      process.Id,
      process.Status,
      process.Result === "none" ? "-" : process.Result,
      String(process.Pid || "-"),
      process.Status === "running"
        ? formatSpan(nowMs / 1000 - process.LastStartTime)
        : "-",
      usage === null ? "-" : `${usage.CpuPercent.toFixed(1)}%`,
      usage === null ? "-" : formatBytes(usage.MemoryBytes),
      String(process.Restarts ?? 0),
      formatMessage(process),
    ].map(toPlain);
  });
  const widths = HEADS.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0))
  );
  const layOut = (row: readonly string[], paint: (cell: string) => string) => {
    const cells = row.map((cell, column) =>
      column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)
    );
    const state = cells[STATE_COLUMN] ?? "";
    // Cut before it is painted: what paints has no width.
    const line = cells.join("  ").trimEnd().slice(0, terminal.columns);
    const at = (cells[0]?.length ?? 0) + 2;
    return line.length < at + state.length
      ? line
      : line.slice(0, at) + paint(state) + line.slice(at + state.length);
  };
  return [
    layOut(HEADS, (cell) => cell),
    ...rows.map((row, index) => {
      const process = processes[index];
      return layOut(row, (cell) => {
        const text = process === undefined
          ? cell
          : paintState(process, terminal);
        return text + cell.slice(cell.trimEnd().length);
      });
    }),
  ];
}

/** A time as people write it, to the second. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

/**
 * Writes an event in one line.
 *
 * @param id The process's name if it is to be told; "" = it is known.
 */
export function formatEvent(
  { Time, Cause, Detail = "", Status }: ProcessEvent,
  id = "",
): string {
  const result = Status.Result === "none" ? "" : ` (${Status.Result})`;
  const name = id === "" ? "" : `${id} `;
  return `${formatTime(Time)} ${name}${Cause} → ${Status.Status}${result}` +
    (Detail === "" ? "" : `, ${Detail}`);
}

/** What went wrong, for a terminal. */
export function formatError(error: unknown): string {
  return toPlain(messageOf(error));
}
