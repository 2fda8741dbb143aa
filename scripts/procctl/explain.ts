import type {
  ProcessEvent,
  ProcessInspection,
  ProcessStatusInfo,
} from "../../shared/manager_api/types.ts";
import {
  formatBytes,
  formatCount,
  formatEvent,
  formatMessage,
  formatPackage,
  formatSpan,
  formatTime,
} from "./format.ts";
import { toPlain } from "./terminal.ts";

/**
 * Says why a process is in its state: how it is, what comes next, and what
 * happened to it, the last at the end.
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
    ...(isPlainly(Status) ? [] : [`  ${formatMessage(Status)}`]),
    ...describeEnd(Status),
    ...describeNext(Status, Info, nowMs),
    ...describeUsage(Status),
    ...(Status.Packages ?? []).map((each) =>
      `  package ${formatPackage(each)}`
    ),
    ...describeOwner(Status, Info),
    "what happened:",
    ...describeHistory(History),
  ].map(toPlain);
}

/** Whether its message says no more than its state. */
function isPlainly(status: ProcessStatusInfo): boolean {
  const message = formatMessage(status);
  return message === "" || message === `is ${status.Status}`;
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

function describeEnd(status: ProcessStatusInfo): string[] {
  const { Result, ExitKnown, ExitCode, Signal, FinishTime } = status;
  if (Result === "none") return [];
  const how = !ExitKnown
    ? ""
    : Signal > 0
    ? `, signal ${Signal}`
    : `, exit code ${ExitCode}`;
  const when = FinishTime > 0 ? `, at ${formatTime(FinishTime * 1000)}` : "";
  return [`  how it ended: ${Result}${how}${when}`];
}

function describeNext(
  { Status, NextStartTime = 0, Restarts = 0, Healthy }: ProcessStatusInfo,
  { RestartPolicy }: ProcessInspection["Info"],
  nowMs: number,
): string[] {
  const most = RestartPolicy?.MaxTimes ?? 0;
  const ofMost = most > 0 ? ` of at most ${most}` : "";
  const nextMs = NextStartTime * 1000 - nowMs;
  return [
    ...(Restarts > 0 ? [`  starts again in a row: ${Restarts}${ofMost}`] : []),
    ...(NextStartTime > 0
      ? [`  the next start is in ${formatSpan(nextMs / 1000)}`]
      : []),
    ...(Status === "running" && Healthy !== null && Healthy !== undefined
      ? [`  its check command says: ${Healthy ? "well" : "not well"}`]
      : []),
  ];
}

function describeUsage({ Usage: usage }: ProcessStatusInfo): string[] {
  return usage === null || usage === undefined ? [] : [
    `  uses ${usage.CpuPercent.toFixed(1)}% of a cpu and ` +
    `${formatBytes(usage.MemoryBytes)} of memory ` +
    `(${formatBytes(usage.MemoryPeakBytes)} at most) ` +
    `in ${formatCount(usage.Processes)}`,
  ];
}

/** A process that is stopped has no lease. */
function describeOwner(
  { Status, Owner = "" }: ProcessStatusInfo,
  { OrphanPolicy = "stop", HeartBeatTimeout = 0 }: ProcessInspection["Info"],
): string[] {
  if (Owner === "") return [];
  if (Status === "stopped") return [`  its owner: ${Owner}`];
  const time = HeartBeatTimeout > 0
    ? formatSpan(HeartBeatTimeout)
    : "the daemon's heartbeat_timeout";
  const fate = OrphanPolicy === "stop" ? "it is stopped" : "it runs on";
  return [`  its owner: ${Owner}; ${fate} if that is silent for ${time}`];
}

/** A message stands below the event that brought it. */
function describeHistory(history: readonly ProcessEvent[]): string[] {
  return history.flatMap((event, index) => {
    const { Detail = "", Status } = event;
    const message = formatMessage(Status);
    const isNews = Status.Message !== history[index - 1]?.Status.Message &&
      !isPlainly(Status) && !Detail.includes(message);
    return [
      `  ${formatEvent(event)}`,
      ...(isNews ? [`    ${message}`] : []),
    ];
  });
}
