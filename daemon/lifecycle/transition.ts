import type { ProcessState } from "../../shared/manager_api/types.ts";
import type { Effect, ProcessEvent } from "./events.ts";
import {
  type Phase,
  type ProcessRecord,
  type Tracked,
  trackedOf,
} from "./record.ts";
import { toSpec } from "./spec.ts";
import {
  beginStop,
  climb,
  describeResult,
  endOfMain,
  enterStopping,
  isMainWaitedFor,
  sweep,
} from "./stop_ladder.ts";

/** Time between two looks at what is left of a stopping process, ms. */
const SWEEP_INTERVAL_MS = 100;

/** What follows from an event: first store the record, then act. */
export interface Decision {
  readonly record: ProcessRecord;
  readonly effects: readonly Effect[];
}

type EventOf<T extends ProcessEvent["type"]> = Extract<
  ProcessEvent,
  { type: T }
>;
type RecordIn<S extends ProcessState> = ProcessRecord & {
  readonly phase: Extract<Phase, { state: S }>;
};
type Cell<S extends ProcessState, T extends ProcessEvent["type"]> =
  | "ignore"
  | ((record: RecordIn<S>, event: EventOf<T>) => Decision);
type Table = {
  readonly [S in ProcessState]: {
    readonly [T in ProcessEvent["type"]]: Cell<S, T>;
  };
};

/**
 * The life of a process: every state against every event. What is written
 * `ignore` is a late answer to a question that no longer matters.
 *
 * @see ARCHITECTURE.md "Lifecycle", which a test holds against this table.
 */
export const TABLE: Table = {
  staging: {
    prepared: launch,
    launched: "ignore",
    executed: "ignore",
    refused: neverStarted,
    ended: "ignore",
    mainFound: "ignore",
    mainMissing: "ignore",
    mainGone: "ignore",
    deadline: "ignore",
    stopRequested: stopNothing,
    claimed: "ignore",
    helperStarted: "ignore",
    helperEnded: "ignore",
    swept: "ignore",
  },
  starting: {
    prepared: "ignore",
    launched: trackCommand,
    executed: runSimple,
    refused: neverStarted,
    ended: endStartCommand,
    mainFound: runForking,
    mainMissing: failStart,
    mainGone: endOfMain,
    deadline: "ignore",
    stopRequested: beginStop,
    claimed: relaunch,
    helperStarted: "ignore",
    helperEnded: "ignore",
    swept: "ignore",
  },
  running: {
    prepared: "ignore",
    launched: "ignore",
    executed: "ignore",
    refused: "ignore",
    ended: endOfMain,
    mainFound: "ignore",
    mainMissing: "ignore",
    mainGone: endOfMain,
    deadline: "ignore",
    stopRequested: beginStop,
    claimed: "ignore",
    helperStarted: "ignore",
    helperEnded: "ignore",
    swept: "ignore",
  },
  stopping: {
    prepared: "ignore",
    launched: stopLaunched,
    executed: "ignore",
    refused: neverStarted,
    ended: endWhileStopping,
    mainFound: stopFound,
    mainMissing: sweepAll,
    mainGone: endOfMain,
    deadline: climb,
    stopRequested: stopSooner,
    claimed: neverLaunched,
    helperStarted: addHelper,
    helperEnded: afterHelper,
    swept: afterSweep,
  },
  stopped: {
    prepared: "ignore",
    launched: "ignore",
    executed: "ignore",
    refused: "ignore",
    ended: "ignore",
    mainFound: "ignore",
    mainMissing: "ignore",
    mainGone: "ignore",
    deadline: "ignore",
    stopRequested: "ignore",
    claimed: "ignore",
    helperStarted: "ignore",
    helperEnded: "ignore",
    swept: "ignore",
  },
};

/**
 * Decides what an event means for a process. Pure: no clock, no disk.
 *
 * @param record The stored record.
 * @param event What happened.
 * @returns What to store and then do; null if the event changes nothing.
 */
export function transition(
  record: ProcessRecord,
  event: ProcessEvent,
): Decision | null {
  // Its launcher and its exit file may both report the same end.
  if (event.type === "ended" && trackedOf(record.phase)?.commandEnded) {
    return null;
  }
  // The table's type proves that the cell takes this state and this event.
  const cell = TABLE[record.phase.state][event.type] as
    | "ignore"
    | ((record: ProcessRecord, event: ProcessEvent) => Decision);
  return cell === "ignore" ? null : cell(record, event);
}

function launch(record: ProcessRecord, event: EventOf<"prepared">): Decision {
  return {
    record: {
      ...record,
      phase: { state: "starting", step: "launch" },
      startedMs: event.nowMs,
    },
    effects: [{ type: "launch" }],
  };
}

function trackCommand(
  record: RecordIn<"starting">,
  { tracked }: EventOf<"launched">,
): Decision {
  return {
    record: {
      ...record,
      phase: { state: "starting", step: "command", tracked },
    },
    effects: [],
  };
}

/** Forking: only the end of the start command says how it went. */
function runSimple(record: RecordIn<"starting">): Decision {
  const { phase } = record;
  if (
    phase.step !== "command" || toSpec(record.info).mode.kind === "forking"
  ) {
    return { record, effects: [] };
  }
  return run(record, { ...phase.tracked, main: phase.tracked.command });
}

function runForking(
  record: RecordIn<"starting">,
  { main, session }: EventOf<"mainFound">,
): Decision {
  const { phase } = record;
  if (phase.step !== "pid-file") return { record, effects: [] };
  const tracked = addMain(phase.tracked, main, session);
  const decision = run(record, tracked);
  return { ...decision, effects: [{ type: "watchMain", main }] };
}

function run(record: ProcessRecord, tracked: Tracked): Decision {
  return {
    record: {
      ...record,
      phase: { state: "running", tracked },
      pid: tracked.main?.pid ?? 0,
      message: `process ${record.id} is running`,
    },
    effects: [],
  };
}

function addMain(
  tracked: Tracked,
  main: Tracked["command"],
  session: Tracked["command"],
): Tracked {
  const isKnown = tracked.sessions.some(({ pid }) => pid === session.pid);
  return {
    ...tracked,
    main,
    sessions: isKnown ? tracked.sessions : [...tracked.sessions, session],
  };
}

/** The command ended before the process was running. */
function endStartCommand(
  record: RecordIn<"starting">,
  event: EventOf<"ended">,
): Decision {
  const { phase, info } = record;
  if (phase.step === "launch") return { record, effects: [] };
  const spec = toSpec(info);
  const isForking = spec.mode.kind === "forking";
  const { exit } = event;
  if (isForking && exit.kind === "exited" && exit.code === 0) {
    const deadlineMs = event.nowMs + spec.startGraceMs;
    const tracked = { ...phase.tracked, commandEnded: true };
    return {
      record: {
        ...record,
        phase: { state: "starting", step: "pid-file", tracked, deadlineMs },
      },
      effects: [{ type: "findMain", deadlineMs }],
    };
  }
  return endOfMain(record, event);
}

function failStart(
  record: RecordIn<"starting">,
  event: EventOf<"mainMissing">,
): Decision {
  return enterStopping(
    {
      ...record,
      result: "start-failed",
      message: `process ${record.id} failed to start: ${event.message}`,
    },
    event.nowMs,
  );
}

function neverStarted(
  record: ProcessRecord,
  event: EventOf<"refused">,
): Decision {
  const wasAsked = record.phase.state === "stopping";
  return {
    record: {
      ...record,
      phase: { state: "stopped" },
      result: wasAsked ? "stopped" : "start-failed",
      message: `process ${record.id} failed to start: ${event.message}`,
      finishedMs: event.nowMs,
    },
    effects: [],
  };
}

/** Another generation: what the old launcher may still do cannot meet it. */
function relaunch(record: RecordIn<"starting">): Decision {
  return {
    record: {
      ...record,
      generation: record.generation + 1,
      phase: { state: "staging" },
    },
    effects: [{ type: "prepare" }],
  };
}

function neverLaunched(
  record: RecordIn<"stopping">,
  event: EventOf<"claimed">,
): Decision {
  return stopNothing(record, event);
}

function stopNothing(
  record: ProcessRecord,
  event: EventOf<"stopRequested"> | EventOf<"claimed">,
): Decision {
  return {
    record: {
      ...record,
      phase: { state: "stopped" },
      result: "stopped",
      message: `process ${record.id} was stopped before it was started`,
      finishedMs: event.nowMs,
    },
    effects: [],
  };
}

/** A stop was asked for while the launcher was at work. */
function stopLaunched(
  record: RecordIn<"stopping">,
  { tracked }: EventOf<"launched">,
): Decision {
  const { phase } = record;
  return {
    record: { ...record, phase: { ...phase, rung: "sigterm", tracked } },
    effects: [{ type: "signal", target: tracked.command }],
  };
}

/** A forking command may have left a main process behind: look once. */
function endWhileStopping(
  record: RecordIn<"stopping">,
  event: EventOf<"ended">,
): Decision {
  const { tracked } = record.phase;
  const { mode } = toSpec(record.info);
  if (tracked === null || mode.kind === "simple" || tracked.main !== null) {
    return endOfMain(record, event);
  }
  return {
    record: {
      ...record,
      phase: { ...record.phase, tracked: { ...tracked, commandEnded: true } },
    },
    effects: [{ type: "findMain", deadlineMs: event.nowMs }],
  };
}

function stopFound(
  record: RecordIn<"stopping">,
  { main, session }: EventOf<"mainFound">,
): Decision {
  const { phase } = record;
  if (phase.tracked === null) return { record, effects: [] };
  const tracked = addMain(phase.tracked, main, session);
  return {
    record: { ...record, phase: { ...phase, tracked } },
    effects: [
      { type: "watchMain", main },
      ...(phase.rung === "sigkill"
        ? [sweep(tracked, "KILL")]
        : [{ type: "signal", target: main } as const]),
    ],
  };
}

function sweepAll(record: RecordIn<"stopping">): Decision {
  const { tracked, rung } = record.phase;
  const signal = rung === "sigkill" ? "KILL" : "TERM";
  return { record, effects: tracked ? [sweep(tracked, signal)] : [] };
}

/** A repeated stop may shorten the time that is left, never lengthen it. */
function stopSooner(
  record: RecordIn<"stopping">,
  event: EventOf<"stopRequested">,
): Decision {
  const { phase } = record;
  const forceMs = Math.min(phase.forceMs, event.nowMs + event.timeoutMs);
  const deadlineMs = phase.rung === "kill-command" || phase.rung === "sigkill"
    ? phase.deadlineMs
    : Math.min(phase.deadlineMs, forceMs);
  return {
    record: { ...record, phase: { ...phase, forceMs, deadlineMs } },
    effects: [],
  };
}

function addHelper(
  record: RecordIn<"stopping">,
  { session }: EventOf<"helperStarted">,
): Decision {
  const { phase } = record;
  if (phase.tracked === null) return { record, effects: [] };
  const sessions = [...phase.tracked.sessions, session];
  const tracked = { ...phase.tracked, sessions };
  return {
    record: {
      ...record,
      phase: { ...phase, tracked, isHelperRunning: true },
    },
    effects: [],
  };
}

/**
 * A stop command that succeeded is trusted until its deadline: it may only
 * have asked the process to save and leave. Else the ladder goes on.
 */
function afterHelper(
  record: RecordIn<"stopping">,
  event: EventOf<"helperEnded">,
): Decision {
  const { phase } = record;
  if (phase.rung !== "stop-command" && phase.rung !== "kill-command") {
    return { record, effects: [] };
  }
  const ended = { ...record, phase: { ...phase, isHelperRunning: false } };
  if (record.exit !== null && phase.tracked) {
    return { record: ended, effects: [sweep(phase.tracked, "TERM")] };
  }
  return event.succeeded
    ? { record: ended, effects: [] }
    : climb(ended, { type: "deadline", nowMs: event.nowMs });
}

function afterSweep(
  record: RecordIn<"stopping">,
  event: EventOf<"swept">,
): Decision {
  const { phase, exit } = record;
  if (phase.tracked === null) return { record, effects: [] };
  if (event.left.length > 0) {
    const isForced = phase.rung === "sigkill";
    return {
      record: { ...record, phase: { ...phase, left: event.left } },
      effects: [
        sweep(phase.tracked, isForced ? "KILL" : "0", SWEEP_INTERVAL_MS),
      ],
    };
  }
  // All gone; but how it ended is known only once its launcher has said so.
  if (
    exit === null && isMainWaitedFor(phase.tracked) &&
    !phase.tracked.commandEnded
  ) return { record, effects: [] };
  return {
    record: {
      ...record,
      phase: { state: "stopped" },
      finishedMs: record.finishedMs ?? event.nowMs,
      ...(exit === null && record.result !== "start-failed"
        ? {
          exit: { kind: "unknown" },
          message: describeResult(
            record.id,
            record.result,
            { kind: "unknown" },
            "",
          ),
        }
        : {}),
    },
    effects: [],
  };
}
