import type { Decision, EventOf, RecordIn } from "./decision.ts";
import { arrive } from "./check.ts";
import { startAgain, toStopped } from "./ending.ts";
import { describeSilence } from "./exit_text.ts";
import { toGroupLimits, withLimits } from "./limits.ts";
import { addMain, isAtRest, type ProcessRecord, trackedOf } from "./record.ts";
import {
  endDuringRestart,
  keepRunning,
  killRestart,
  runRestarted,
} from "./restarting.ts";
import { toSpec } from "./spec.ts";
import {
  endOfMain,
  enterStopping,
  resultOfStop,
  seekMain,
  withoutMain,
} from "./stop_ladder.ts";

/** All is in place: the launcher is asked. */
export function launch(
  record: ProcessRecord,
  event: EventOf<"prepared">,
): Decision {
  return {
    record: {
      ...record,
      phase: { state: "starting", step: "launch" },
      limiting: toGroupLimits(record.info) === null
        ? null
        : { kind: "asked", generation: record.generation },
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
  if (record.phase.step !== "launch") return { record, effects: [] };
  return {
    record: {
      ...record,
      phase: { state: "starting", step: "command", tracked },
    },
    effects: [],
  };
}

/** Forking: only the end of the start command says how it went. */
export function runSimple(
  record: RecordIn<"starting">,
  { nowMs }: EventOf<"executed">,
): Decision {
  const { phase } = record;
  const { mode, startGraceMs } = toSpec(record.info);
  if (phase.step !== "command" || mode.kind === "forking") {
    return { record, effects: [] };
  }
  const tracked = { ...phase.tracked, main: phase.tracked.command };
  return arrive(record, tracked, nowMs + startGraceMs);
}

/** The pid file named the main process. */
export function runForking(
  record: RecordIn<"starting">,
  event: EventOf<"mainFound">,
): Decision {
  const { phase } = record;
  if (phase.step !== "pid-file") return { record, effects: [] };
  if (phase.restart) return runRestarted(record, phase.restart, event);
  const { main, session } = event;
  const tracked = addMain(phase.tracked, main, session);
  const decision = arrive(record, tracked, phase.deadlineMs);
  return {
    record: decision.record,
    effects: [{ type: "watchMain", main }, ...decision.effects],
  };
}

/** The command ended before the process was running. */
export function endStartCommand(
  record: RecordIn<"starting">,
  event: EventOf<"ended">,
): Decision {
  const { phase, info } = record;
  if (!("tracked" in phase)) return { record, effects: [] };
  if (phase.step === "restart-command") return endDuringRestart(record, event);
  if (phase.step === "check") return endOfMain(record, event);
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
  const ended = endOfMain(record, { ...event, isSessionEmpty: false });
  return seekMain(ended.record, event.nowMs);
}

/** Nobody waited for the main process, and it is gone. */
export function loseMain(
  record: RecordIn<"starting">,
  event: EventOf<"mainGone">,
): Decision {
  const { phase } = record;
  const isRestart = phase.step === "restart-command" ||
    (phase.step === "pid-file" && phase.restart !== undefined);
  return isRestart ? endDuringRestart(record, event) : endOfMain(record, event);
}

/** The pid file named nobody in time: what the command left is stopped. */
export function failStart(
  record: RecordIn<"starting">,
  event: EventOf<"mainMissing">,
): Decision {
  const { phase } = record;
  if (
    phase.step === "restart-command" || phase.step === "check" ||
    phase.step === "backoff"
  ) return { record, effects: [] };
  const restart = phase.step === "pid-file" ? phase.restart : undefined;
  const tracked = trackedOf(phase);
  if (restart?.failure && tracked?.main) {
    return keepRunning(record, tracked, restart);
  }
  const reason = [restart?.failure, event.message].filter(Boolean).join("; ");
  const failed = enterStopping(
    {
      ...withoutMain(record),
      result: "start-failed",
      message: `process ${record.id} failed to start: ${reason}`,
    },
    event.nowMs,
  );
  return seekMain(failed.record, event.nowMs);
}

/** The launcher refused: nothing was started, nothing is left. */
export function neverStarted(
  record: ProcessRecord,
  event: EventOf<"refused">,
): Decision {
  // Something runs nevertheless: it cannot be called stopped.
  const isLate = trackedOf(record.phase) !== null || isAtRest(record.phase);
  if (isLate) return { record, effects: [] };
  const wasAsked = record.phase.state === "stopping";
  return toStopped({
    ...record,
    result: wasAsked ? resultOfStop(record) : event.result ?? "start-failed",
    message: `process ${record.id} failed to start: ${event.message}`,
    finishedMs: event.nowMs,
  }, event.nowMs);
}

/** A deadline of the start has come; those of some steps are none of ours. */
export function endStep(
  record: RecordIn<"starting">,
  event: EventOf<"deadline">,
): Decision {
  switch (record.phase.step) {
    case "restart-command":
      return killRestart(record, event);
    case "backoff":
      return startAgain(record, (record.restarts ?? 0) + 1);
    default:
      return { record, effects: [] };
  }
}

/** Whoever was asked to start it died before: another generation is begun. */
export function relaunch(record: RecordIn<"starting">): Decision {
  return record.phase.step === "launch"
    ? startAgain(record, record.restarts)
    : { record, effects: [] };
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
  return toStopped({
    ...record,
    result: resultOfStop(record),
    message: `process ${record.id} was stopped before it was started` +
      (record.orphaned ? `, as ${describeSilence(record.orphaned)}` : ""),
    finishedMs: event.nowMs,
  }, event.nowMs);
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

/** The same of a package; the latest one in a place counts. */
export function rememberPackage(
  record: ProcessRecord,
  { type: _, ...placed }: EventOf<"packagePlaced">,
): Decision {
  const { packages = [] } = record;
  const { outputDir, tree, sha256 } = placed;
  const isKnown = packages.some((known) =>
    known.outputDir === outputDir && known.tree === tree &&
    known.sha256 === sha256
  );
  const others = packages.filter((known) => known.outputDir !== outputDir);
  return {
    record: isKnown ? record : { ...record, packages: [...others, placed] },
    effects: [],
  };
}

/** It runs without its limits: better than not at all, where that is allowed. */
export function noteUnlimited(
  record: ProcessRecord,
  { reason }: EventOf<"unlimited">,
): Decision {
  return {
    record: { ...record, limiting: { kind: "failed", reason } },
    effects: [],
  };
}

/** For later starts; those of a live process were changed before. */
export function changeLimits(
  record: ProcessRecord,
  { limits }: EventOf<"limitsChanged">,
): Decision {
  return {
    record: { ...record, info: withLimits(record.info, limits) },
    effects: [],
  };
}
