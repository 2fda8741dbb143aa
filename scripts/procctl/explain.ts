import type {
  ProcessEvent,
  ProcessInspection,
  ProcessStatusInfo,
} from "../../shared/manager_api/types.ts";
import {
  formatBytes,
  formatPackage,
  formatSpan,
  formatTime,
} from "./format.ts";
import { toPlain } from "./terminal.ts";

/**
 * Says why a process is in its state: what happened to it, last first said
 * last, and what comes next.
 *
 * @param nowMs Wall clock, ms.
 */
export function explain(
  { Info, Status, History }: ProcessInspection,
  nowMs: number,
): string[] {
  const since = stateSince(History, Status);
  const span = since === null
    ? ""
    : ` for ${formatSpan((nowMs - since) / 1000)}`;
  return [
    `${Status.Id} is ${Status.Status}${span}`,
    ...describeResult(Status),
    ...(Status.Message === "" ? [] : [`  ${Status.Message}`]),
    ...describeNext(Status, nowMs),
    ...describeUsage(Status),
    ...(Status.Packages ?? []).map((each) =>
      `  package ${formatPackage(each)}`
    ),
    ...describeOwner(Status, Info),
    "what happened:",
    ...History.map((event) => `  ${describeEvent(event)}`),
  ].map(toPlain);
}

/** When the state was entered that it is in; null if that is not kept. */
function stateSince(
  history: readonly ProcessEvent[],
  { Status }: ProcessStatusInfo,
): number | null {
  const other = history.findLastIndex((event) =>
    event.Status.Status !== Status
  );
  return history[other + 1]?.Time ?? null;
}

function describeResult(status: ProcessStatusInfo): string[] {
  const { Result, ExitKnown, ExitCode, Signal, FinishTime } = status;
  if (Result === "none") return [];
  const how = !ExitKnown
    ? ""
    : Signal > 0
    ? `, by signal ${Signal}`
    : `, with exit code ${ExitCode}`;
  const when = FinishTime > 0 ? ` at ${formatTime(FinishTime * 1000)}` : "";
  return [`  its end: ${Result}${how}${when}`];
}

function describeNext(
  { NextStartTime = 0, Restarts = 0, Healthy }: ProcessStatusInfo,
  nowMs: number,
): string[] {
  const next = NextStartTime * 1000;
  return [
    ...(Restarts > 0 ? [`  started again ${Restarts} times in a row`] : []),
    ...(next > 0
      ? [`  starts again in ${formatSpan((next - nowMs) / 1000)}`]
      : []),
    ...(Healthy === false
      ? ["  its check command says that it is not well"]
      : []),
  ];
}

function describeUsage({ Usage: usage }: ProcessStatusInfo): string[] {
  return usage === null || usage === undefined ? [] : [
    `  uses ${usage.CpuPercent.toFixed(1)}% of a cpu, ` +
    `${formatBytes(usage.MemoryBytes)} of memory ` +
    `(${formatBytes(usage.MemoryPeakBytes)} at most), ` +
    `${usage.Processes} processes`,
  ];
}

function describeOwner(
  { Owner = "" }: ProcessStatusInfo,
  { OrphanPolicy = "stop", HeartBeatTimeout = 0 }: ProcessInspection["Info"],
): string[] {
  if (Owner === "") return [];
  const after = HeartBeatTimeout > 0
    ? `${formatSpan(HeartBeatTimeout)} without a word`
    : "the daemon's time without a word";
  return [`  owned by ${Owner}: ${OrphanPolicy} after ${after} of it`];
}

function describeEvent({ Time, Cause, Status }: ProcessEvent): string {
  const result = Status.Result === "none" ? "" : ` (${Status.Result})`;
  const message = Status.Message === "" ? "" : `: ${Status.Message}`;
  return `${formatTime(Time)} ${Cause} → ${Status.Status}${result}${message}`;
}
