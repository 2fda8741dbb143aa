import type { Decision } from "./decision.ts";
import { describeSilence } from "./exit_text.ts";
import type { ProcessRecord } from "./record.ts";
import { toNextStart } from "./restart_policy.ts";

/**
 * Nobody of the process is left: it is stopped, or begins anew if that is
 * what it was stopped for, or waits for that if its policy says so.
 *
 * @param nowMs When that was seen; wall clock.
 */
export function toStopped(record: ProcessRecord, nowMs: number): Decision {
  const { phase, info, message } = record;
  if (phase.state === "stopping" && phase.asked === "restart") {
    return startAgain(record);
  }
  const stopped: ProcessRecord = { ...record, phase: { state: "stopped" } };
  const next = toNextStart(record);
  switch (next.kind) {
    case "none":
      return { record: stopped, effects: [] };
    case "given-up":
      return {
        record: {
          ...stopped,
          message: `${message}; it was started again ${next.restarts} ` +
            "times, which is the most",
        },
        effects: [],
      };
    case "wait": {
      const { restarts, waitMs } = next;
      const most = info.RestartPolicy?.MaxTimes;
      const count = `${restarts + 1}${most ? ` of ${most}` : ""}`;
      return {
        record: {
          ...record,
          restarts,
          phase: {
            state: "starting",
            step: "backoff",
            deadlineMs: nowMs + waitMs,
            waitMs,
          },
          message: `${message}; start again ${count} comes after ${
            waitMs / 1000
          } s`,
        },
        effects: [],
      };
    }
  }
}

/**
 * The next generation: it has a run folder of its own, so what an old launcher
 * may still do cannot meet it.
 *
 * @param restarts Starts again by the policy in a row, this one included; 0 =
 * somebody asked for this one.
 */
export function startAgain(record: ProcessRecord, restarts = 0): Decision {
  return {
    record: {
      ...record,
      generation: record.generation + 1,
      restarts,
      phase: { state: "staging" },
      result: "none",
      exit: null,
      pid: 0,
      finishedMs: null,
      orphaned: null,
      message: `process ${record.id} is being started again`,
    },
    effects: [{ type: "prepare" }],
  };
}

/**
 * Nothing is there to be stopped: it only waited for its next start.
 *
 * @param record With the result of a stop.
 */
export function stopWaiting(record: ProcessRecord): Decision {
  const { id, orphaned } = record;
  return {
    record: {
      ...record,
      phase: { state: "stopped" },
      message: `process ${id} was stopped before it was started again` +
        (orphaned ? `, as ${describeSilence(orphaned)}` : ""),
    },
    effects: [],
  };
}
