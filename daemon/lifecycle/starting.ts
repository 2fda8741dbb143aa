import type { Decision, EventOf, RecordIn } from "./decision.ts";
import {
  addMain,
  type ProcessRecord,
  type Tracked,
  trackedOf,
} from "./record.ts";
import { toSpec } from "./spec.ts";
import { endOfMain, enterStopping, findLateMain } from "./stop_ladder.ts";

/** All is in place: the launcher is asked. */
export function launch(
  record: ProcessRecord,
  event: EventOf<"prepared">,
): Decision {
  return {
    record: {
      ...record,
      phase: { state: "starting", step: "launch" },
      startedMs: event.nowMs,
    },
    effects: [{ type: "launch" }],
  };
}

/** The command's process exists; from now on it is known which. */
export function trackCommand(
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
export function runSimple(record: RecordIn<"starting">): Decision {
  const { phase } = record;
  if (
    phase.step !== "command" || toSpec(record.info).mode.kind === "forking"
  ) {
    return { record, effects: [] };
  }
  return run(record, { ...phase.tracked, main: phase.tracked.command });
}

/** The pid file named the main process. */
export function runForking(
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

/** The command ended before the process was running. */
export function endStartCommand(
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
    const tracked = {
      ...phase.tracked,
      commandEnded: true,
      // Its number is free from now on, and somebody else's one day.
      sessions: event.isSessionEmpty ? [] : phase.tracked.sessions,
    };
    return {
      record: {
        ...record,
        phase: { state: "starting", step: "pid-file", tracked, deadlineMs },
      },
      effects: [{ type: "findMain", deadlineMs }],
    };
  }
  if (!isForking) return endOfMain(record, event);
  // It failed, but may have left its daemon behind all the same: look once.
  const decision = endOfMain(record, { ...event, isSessionEmpty: false });
  return {
    ...decision,
    effects: [
      findLateMain(event.nowMs + spec.stopTimeoutMs, event.nowMs),
    ],
  };
}

/** The pid file named nobody in time: what the command left is stopped. */
export function failStart(
  record: RecordIn<"starting">,
  event: EventOf<"mainMissing">,
): Decision {
  const { stopTimeoutMs } = toSpec(record.info);
  return {
    ...enterStopping(
      {
        ...record,
        result: "start-failed",
        message: `process ${record.id} failed to start: ${event.message}`,
      },
      event.nowMs,
    ),
    effects: [findLateMain(event.nowMs + stopTimeoutMs, event.nowMs)],
  };
}

/** The launcher refused: nothing was started, nothing is left. */
export function neverStarted(
  record: ProcessRecord,
  event: EventOf<"refused">,
): Decision {
  // Something runs nevertheless: it cannot be called stopped.
  if (trackedOf(record.phase) !== null) return { record, effects: [] };
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
export function relaunch(record: RecordIn<"starting">): Decision {
  if (record.phase.step !== "launch") return { record, effects: [] };
  return {
    record: {
      ...record,
      generation: record.generation + 1,
      phase: { state: "staging" },
    },
    effects: [{ type: "prepare" }],
  };
}

/** A stop was asked for, and after a crash nothing was ever begun. */
export function neverLaunched(
  record: RecordIn<"stopping">,
  event: EventOf<"claimed">,
): Decision {
  return record.phase.tracked === null
    ? stopNothing(record, event)
    : { record, effects: [] };
}

/** A stop before anything was begun. */
export function stopNothing(
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

/** What was made for a process is removed with it, also after a crash. */
export function rememberFile(
  record: ProcessRecord,
  { path, owner }: EventOf<"fileCreated">,
): Decision {
  const known = record.createdFiles ?? [];
  const isKnown = known.some((file) => file.path === path);
  return {
    record: isKnown
      ? record
      : { ...record, createdFiles: [...known, { path, owner }] },
    effects: [],
  };
}
