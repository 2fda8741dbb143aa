import type { ProcessResult } from "../../shared/manager_api/types.ts";
import { stopWaiting, toStopped } from "./ending.ts";
import { describeResult, describeSilence } from "./exit_text.ts";
import type { Effect, ProcessEvent } from "./events.ts";
import {
  type Exit,
  isAtRest,
  isSameProcess,
  isUp,
  type Phase,
  type ProcessRecord,
  type Rung,
  type Tracked,
  trackedOf,
} from "./record.ts";
import { toSpec } from "./spec.ts";
import type { Decision, RecordIn } from "./decision.ts";

/** The share of the timeout kept for SIGTERM after a trusted stop command. */
const TERM_RESERVE = 0.25;
/** The most time that this share may be, ms. */
const TERM_RESERVE_MS_MAX = 5_000;
/** Time that a kill command may take, ms. */
const KILL_COMMAND_MS = 5_000;
/**
 * How long a stopping process' pid file is waited for, ms; even if the time of
 * the stop is over: a stop that is late is the lesser evil.
 */
const LATE_PID_FILE_MS = 2_000;
/** SIGKILL is repeated for as long as somebody is left, every so many ms. */
export const KILL_RETRY_MS = 1_000;

type Stopping = Extract<Phase, { state: "stopping" }>;
type Event<T extends ProcessEvent["type"]> = Extract<ProcessEvent, { type: T }>;

/** Looks through, or signals, all that belongs to a process. */
export function sweep(
  tracked: Tracked,
  signal: "TERM" | "KILL" | "0",
  afterMs = 0,
): Effect {
  return { type: "sweep", signal, sessions: tracked.sessions, afterMs };
}

/**
 * Looks for a main process that its pid file may name only now: it is in no
 * session that is known, so nothing else would find it.
 */
export function seekMain(record: ProcessRecord, nowMs: number): Decision {
  const deadlineMs = nowMs + LATE_PID_FILE_MS;
  const { phase } = record;
  return {
    record: phase.state === "stopping"
      ? { ...record, phase: { ...phase, seekUntilMs: deadlineMs } }
      : record,
    effects: [{ type: "findMain", deadlineMs }],
  };
}

/** Time that a stop has: until force, from now. */
interface Grant {
  readonly nowMs: number;
  readonly timeoutMs: number;
}

/** A stop was asked for while something is, or is about to be, alive. */
export function beginStop(
  record: ProcessRecord,
  event: Event<"stopRequested"> | Event<"restartRequested">,
): Decision {
  const { phase } = record;
  const asked: ProcessRecord = { ...record, result: resultOfStop(record) };
  if (isAtRest(phase)) return stopWaiting(asked);
  if (isUp(phase)) return stopRunning(asked, phase.tracked, event);
  const tracked = trackedOf(phase);
  if (phase.state === "starting" && phase.step === "restart-command") {
    // What it might start yet would not be found: first of all it is killed.
    const { helper } = phase;
    return {
      record: withHelper(enter(asked, "restart-command", tracked, event)),
      effects: helper ? [{ type: "killSession", session: helper }] : [],
    };
  }
  if (!tracked?.commandEnded) {
    // It is about to be executed, and then it can be stopped as it should be;
    // or its start command is, and what that leaves behind can be found only
    // if it gets to write its pid file.
    return { record: enter(asked, "launch", tracked, event), effects: [] };
  }
  const stopping = withoutMain(enter(asked, "sigterm", tracked, event));
  return seekMain(stopping, event.nowMs);
}

/** What a stop makes of a process. */
export function resultOfStop({ orphaned }: ProcessRecord): ProcessResult {
  return orphaned ? "lease-expired" : "stopped";
}

/**
 * Leaves it to the pid file who the main process is: after a restart command
 * it may be the old one or another.
 */
export function withoutMain<R extends ProcessRecord>(record: R): R {
  const { phase } = record;
  const tracked = trackedOf(phase);
  if (tracked === null || !("tracked" in phase)) return record;
  return {
    ...record,
    exit: null,
    finishedMs: null,
    phase: { ...phase, tracked: { ...tracked, main: null } },
  };
}

/** The first rung of a process that runs. */
export function stopRunning(
  record: ProcessRecord,
  tracked: Tracked,
  grant: Grant,
): Decision {
  return toSpec(record.info).stop === null
    ? {
      record: enter(record, "sigterm", tracked, grant),
      effects: [terminate(record, tracked)],
    }
    : {
      record: withHelper(
        enter(record, "stop-command", tracked, grant),
        { awaitedHelper: "stop" },
      ),
      effects: [{ type: "runHelper", which: "stop" }],
    };
}

/** It counts from now on: what it does must not meet the next generation. */
function withHelper(
  record: RecordIn<"stopping">,
  awaited: Pick<Stopping, "awaitedHelper"> = {},
): RecordIn<"stopping"> {
  const { phase } = record;
  return { ...record, phase: { ...phase, ...awaited, isHelperRunning: true } };
}

function enter(
  record: ProcessRecord,
  rung: Rung,
  tracked: Tracked | null,
  { nowMs, timeoutMs }: Grant,
): RecordIn<"stopping"> {
  const forceMs = nowMs + timeoutMs;
  const { phase } = record;
  const asked = phase.state === "stopping" ? phase.asked : "stop";
  return {
    ...record,
    phase: {
      state: "stopping",
      asked,
      rung,
      tracked,
      deadlineMs: deadlineOf(rung, forceMs, timeoutMs),
      forceMs,
      isHelperRunning: false,
      left: [],
    },
    message: `process ${record.id} is being ` +
      (asked === "restart" ? "restarted" : "stopped") +
      (record.orphaned ? `, as ${describeSilence(record.orphaned)}` : ""),
  };
}

/** When a rung ends, if force begins at `forceMs`; Infinity = not by that. */
export function deadlineOf(
  rung: Rung,
  forceMs: number,
  timeoutMs: number,
): number {
  switch (rung) {
    case "launch":
    case "stop-command":
      return forceMs - Math.min(timeoutMs * TERM_RESERVE, TERM_RESERVE_MS_MAX);
    case "restart-command":
    case "sigterm":
      return forceMs;
    case "kill-command":
    case "sigkill":
      return Infinity;
  }
}

/** The next rung: the deadline came, or a helper command failed. */
export function climb(
  record: ProcessRecord & { readonly phase: Stopping },
  { nowMs }: Event<"deadline">,
): Decision {
  const { phase } = record;
  const to = (
    rung: Rung,
    deadlineMs: number,
    effects: readonly Effect[],
  ): Decision => ({
    record: {
      ...record,
      phase: {
        ...phase,
        rung,
        deadlineMs,
        isHelperRunning: rung === "kill-command",
        ...(rung === "kill-command" && { awaitedHelper: "kill" }),
      },
    },
    effects,
  });
  if (phase.tracked === null) {
    // Nothing to signal yet: the launcher's answer decides.
    return to("launch", nowMs + KILL_RETRY_MS, []);
  }
  const { tracked } = phase;
  const kill = () =>
    to("sigkill", nowMs + KILL_RETRY_MS, [sweep(tracked, "KILL")]);
  switch (phase.rung) {
    case "restart-command": {
      // What it might start yet would not be found: its end is waited for.
      const deadlineMs = nowMs + KILL_RETRY_MS;
      return {
        record: { ...record, phase: { ...phase, deadlineMs } },
        effects: [sweep(tracked, "KILL")],
      };
    }
    case "launch":
    case "stop-command":
      return to("sigterm", phase.forceMs, [terminate(record, tracked)]);
    case "sigterm":
      // Where its stop command has not even begun, another does not help.
      return toSpec(record.info).kill === null || phase.awaitedHelper
        ? kill()
        : to(
          "kill-command",
          nowMs + KILL_COMMAND_MS,
          [{ type: "runHelper", which: "kill" }],
        );
    case "kill-command":
    case "sigkill":
      return kill();
  }
}

/**
 * The main process ended, in whatever state: it is stopped if nobody of its
 * sessions is left, else what is left is stopped too.
 */
export function endOfMain(
  record: ProcessRecord,
  event: Event<"ended"> | Event<"mainGone">,
): Decision {
  const tracked = trackedOf(record.phase);
  if (tracked === null) return { record, effects: [] };
  const isStartCommandOnly = event.type === "ended" &&
    !isMainWaitedFor(tracked);
  const isKnown = event.type === "mainGone" && record.exit !== null;
  if (isStartCommandOnly || isKnown) return { record, effects: [] };
  const exit: Exit = event.type === "ended" ? event.exit : { kind: "unknown" };
  const ended = describeEnd(record, exit, event);
  const { phase } = ended;
  // A helper may be about to begin: nobody has heard of its session yet.
  const hasHelper = phase.state === "stopping" &&
    (phase.isHelperRunning || phase.awaitedHelper !== undefined);
  const isEmpty = event.type === "ended" && event.isSessionEmpty &&
    tracked.sessions.length === 1 && !hasHelper;
  if (isEmpty) return toStopped(ended, event.nowMs);
  if (phase.state !== "stopping") return enterStopping(ended, event.nowMs);
  // A stop command may still have to tidy up after the process it stopped.
  return {
    record: {
      ...ended,
      phase: { ...phase, tracked: { ...tracked, commandEnded: true } },
    },
    effects: phase.isHelperRunning && phase.rung !== "sigkill"
      ? []
      : [sweep(tracked, phase.rung === "sigkill" ? "KILL" : "TERM")],
  };
}

/** Whether the launcher reports the end of the main process. */
export function isMainWaitedFor({ main, command }: Tracked): boolean {
  return main === null || isSameProcess(main, command);
}

/** Stops what is left of a process that failed or ended by itself. */
export function enterStopping(
  record: ProcessRecord,
  nowMs: number,
): Decision {
  const tracked = trackedOf(record.phase);
  const timeoutMs = toSpec(record.info).stopTimeoutMs;
  const { phase } = enter(record, "sigterm", tracked, { nowMs, timeoutMs });
  return {
    record: {
      ...record,
      phase: { ...phase, asked: null },
    },
    effects: tracked ? [sweep(tracked, "TERM")] : [],
  };
}

/** The same of one whose main process is alive: it is stopped as it should be. */
export function stopFailed(
  record: ProcessRecord,
  tracked: Tracked,
  reason: string,
  nowMs: number,
): Decision {
  const timeoutMs = toSpec(record.info).stopTimeoutMs;
  const stopping = stopRunning(record, tracked, { nowMs, timeoutMs });
  const { phase } = stopping.record;
  return {
    record: {
      ...stopping.record,
      result: "start-failed",
      phase: phase.state === "stopping" ? { ...phase, asked: null } : phase,
      message: `process ${record.id} failed to start: ${reason}`,
    },
    effects: stopping.effects,
  };
}

/**
 * SIGTERM goes to the main process alone: it knows how to end its children.
 * Once it has ended, to all that it left behind.
 */
function terminate(record: ProcessRecord, tracked: Tracked): Effect {
  return tracked.main === null || record.exit !== null
    ? sweep(tracked, "TERM")
    : { type: "signal", target: tracked.main };
}

function describeEnd(
  record: ProcessRecord,
  exit: Exit,
  event: Event<"ended"> | Event<"mainGone">,
): ProcessRecord {
  const wasRunning = record.phase.state === "running";
  const spec = toSpec(record.info);
  // A program that is done at once and says so did what it was started for.
  const hasSucceeded = exit.kind === "exited" && exit.code === 0;
  const isEarly = !hasSucceeded && (!wasRunning ||
    (spec.mode.kind === "simple" && spec.check === null &&
      event.nowMs - record.startedMs < spec.startGraceMs));
  const result = record.result !== "none"
    ? record.result
    : event.isOomKilled && isKillLike(exit)
    ? "oom-killed"
    : isEarly
    ? "start-failed"
    : exit.kind;
  const reason = event.type === "ended" ? event.reason : "";
  return {
    ...record,
    exit,
    result,
    finishedMs: event.nowMs,
    // Why it is stopped says more than that it was.
    message: record.result === "start-failed"
      ? record.message
      : describeResult(record, result, exit, reason),
  };
}

/** A shell reports that its command was killed by its own exit code. */
function isKillLike(exit: Exit): boolean {
  switch (exit.kind) {
    case "exited":
      return exit.code === 137;
    case "signalled":
      return exit.signal === 9;
    case "unknown":
      return true;
  }
}
