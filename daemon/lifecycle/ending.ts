import type { Decision } from "./decision.ts";
import type { ProcessRecord } from "./record.ts";

/**
 * Nobody of the process is left: it is stopped, or begins anew if that is
 * what it was stopped for.
 */
export function toStopped(record: ProcessRecord): Decision {
  const { phase } = record;
  return phase.state === "stopping" && phase.asked === "restart"
    ? startAgain(record)
    : { record: { ...record, phase: { state: "stopped" } }, effects: [] };
}

/**
 * The next generation: it has a run folder of its own, so what an old launcher
 * may still do cannot meet it.
 */
export function startAgain(record: ProcessRecord): Decision {
  return {
    record: {
      ...record,
      generation: record.generation + 1,
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
