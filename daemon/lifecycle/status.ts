import { boundText } from "../../shared/bound_text.ts";
import type { ProcessStatusInfo } from "../../shared/manager_api/types.ts";
import { type Exit, ownerOf, type ProcessRecord } from "./record.ts";

/** Longest message, UTF-8 bytes. */
const MESSAGE_BYTES_MAX = 4_096;

/** Views of records that are still there: a record never changes. */
const VIEWS = new WeakMap<ProcessRecord, ProcessStatusInfo>();

/**
 * What the API says of a process: a view of its record, the same one each
 * time, as it is asked for far more often than the process changes.
 */
export function toStatus(record: ProcessRecord): ProcessStatusInfo {
  const known = VIEWS.get(record);
  if (known !== undefined) return known;
  const view = viewOf(record);
  VIEWS.set(record, view);
  return view;
}

function viewOf(record: ProcessRecord): ProcessStatusInfo {
  const { phase, exit } = record;
  const left = phase.state === "stopping" ? phase.left : [];
  return {
    Id: record.id,
    Status: phase.state,
    ExitCode: exit?.kind === "exited" ? exit.code : 0,
    Message: boundText(
      left.length === 0
        ? record.message
        : `${record.message}; still alive: ${left.join(" ")}`,
      MESSAGE_BYTES_MAX,
    ),
    Pid: record.pid,
    RegisterTime: toSeconds(record.registeredMs),
    LastStartTime: toSeconds(record.startedMs),
    Result: record.result,
    Signal: exit?.kind === "signalled" ? exit.signal : 0,
    ExitKnown: isKnown(exit),
    FinishTime: toSeconds(record.finishedMs ?? 0),
    Generation: record.generation,
    Owner: ownerOf(record),
    Healthy: record.info.CheckCmd
      ? phase.state === "running" && !phase.isUnhealthy
      : null,
    Restarts: record.restarts ?? 0,
    NextStartTime: toSeconds(
      phase.state === "starting" && phase.step === "backoff"
        ? phase.deadlineMs
        : 0,
    ),
    OOMKilled: record.result === "oom-killed",
  };
}

function isKnown(exit: Exit | null): boolean {
  return exit !== null && exit.kind !== "unknown";
}

function toSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}
