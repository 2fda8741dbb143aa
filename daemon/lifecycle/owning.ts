import type { Decision, EventOf, RecordIn } from "./decision.ts";
import { describeResult, describeSilence } from "./exit_text.ts";
import { ownerOf, type ProcessRecord } from "./record.ts";
import { toSpec } from "./spec.ts";
import { stopNothing } from "./starting.ts";
import { beginStop } from "./stop_ladder.ts";
import { stopSooner } from "./stopping.ts";

type LeaseEnded = EventOf<"leaseEnded">;

/** The lease on a process ended before anything of it was begun. */
export function orphanStaging(
  record: RecordIn<"staging">,
  event: LeaseEnded,
): Decision {
  return keep(record, event) ??
    stopNothing(toOrphan(record, event), toStopRequest(record, event));
}

/** The lease on a process ended that lives, or is about to. */
export function orphanLive(
  record: RecordIn<"starting"> | RecordIn<"running">,
  event: LeaseEnded,
): Decision {
  return keep(record, event) ??
    beginStop(toOrphan(record, event), toStopRequest(record, event));
}

/** What is being stopped already is not started again. */
export function orphanStopping(
  record: RecordIn<"stopping">,
  event: LeaseEnded,
): Decision {
  const { asked } = record.phase;
  if (asked === "stop") return { record, effects: [] };
  const kept = keep(record, event);
  if (kept !== null) return kept;
  const result = record.result === "stopped" ? "lease-expired" : record.result;
  const stop = stopSooner(
    { ...toOrphan(record, event), result },
    toStopRequest(record, event),
  );
  if (asked === null) return stop;
  const { record: stopped } = stop;
  const message = stopped.exit === null
    ? `process ${record.id} is being stopped, as ${describeSilence(event)}`
    : describeResult(stopped, stopped.result, stopped.exit, "");
  return { ...stop, record: { ...stopped, message } };
}

/** It belongs to somebody else from now on, or to nobody. */
export function changeOwner(
  record: ProcessRecord,
  { owner }: EventOf<"ownerChanged">,
): Decision {
  return { record: { ...record, owner }, effects: [] };
}

/** Leaves it alone: by its policy, or as its owner is another by now. */
function keep(record: ProcessRecord, event: LeaseEnded): Decision | null {
  if (ownerOf(record) !== event.owner) return { record, effects: [] };
  if (record.info.OrphanPolicy !== "keep") return null;
  return {
    record: {
      ...record,
      owner: "",
      // How it ended is not to be talked over.
      ...(record.exit === null
        ? {
          message: `process ${record.id} is kept, though ` +
            describeSilence(event),
        }
        : {}),
    },
    effects: [],
  };
}

function toOrphan<R extends ProcessRecord>(
  record: R,
  { owner, silentMs }: LeaseEnded,
): R {
  return { ...record, orphaned: { owner, silentMs } };
}

/** An orphan gets the time that its definition has for a stop. */
function toStopRequest(
  { info }: ProcessRecord,
  { nowMs }: LeaseEnded,
): EventOf<"stopRequested"> {
  const timeoutMs = toSpec(info).stopTimeoutMs;
  return { type: "stopRequested", timeoutMs, nowMs };
}
