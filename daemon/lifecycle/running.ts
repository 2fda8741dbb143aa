import type { Decision, EventOf, RecordIn } from "./decision.ts";
import {
  isUp,
  type ProcessRecord,
  type Tracked,
  withoutSessions,
} from "./record.ts";
import { toSpec } from "./spec.ts";

/** The main process is known and alive. */
export function run(record: ProcessRecord, tracked: Tracked): Decision {
  return {
    record: {
      ...record,
      phase: { state: "running", tracked },
      pid: tracked.main?.pid ?? 0,
      message: `process ${record.id} is running` +
        (record.limiting?.kind === "failed"
          ? `; its limits are not enforced: ${record.limiting.reason}`
          : ""),
    },
    effects: toSpec(record.info).check === null ? [] : [{ type: "check" }],
  };
}

/**
 * Sessions of before a restart were looked through. An empty one is not
 * tracked any longer: its number is free, and somebody else's one day.
 */
export function forgetSessions(
  record: RecordIn<"starting" | "running">,
  { sessions, left }: Pick<EventOf<"swept">, "sessions" | "left">,
): Decision {
  const { phase } = record;
  if (!isUp(phase)) return { record, effects: [] };
  const kept = withoutSessions(phase.tracked.sessions, sessions);
  if (left.length > 0 || kept.length === phase.tracked.sessions.length) {
    return { record, effects: [] };
  }
  const tracked = { ...phase.tracked, sessions: kept };
  return {
    record: { ...record, phase: { ...phase, tracked } },
    effects: [],
  };
}

/** The same of what a failed restart command had left. */
export function forgetKilled(
  record: RecordIn<"running">,
  { session }: EventOf<"sessionKilled">,
): Decision {
  return forgetSessions(record, { sessions: [session], left: [] });
}

/** Nothing changes but what the history says. */
export function noteReload(record: RecordIn<"running">): Decision {
  return {
    record: { ...record, message: `process ${record.id} was reloaded` },
    effects: [],
  };
}
