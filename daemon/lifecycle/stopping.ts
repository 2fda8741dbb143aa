import type { Decision, EventOf, RecordIn } from "./decision.ts";
import { toStopped } from "./ending.ts";
import { describeResult } from "./exit_text.ts";
import { addMain, addSession, withoutSessions } from "./record.ts";
import { toSpec } from "./spec.ts";
import {
  climb,
  deadlineOf,
  endOfMain,
  isMainWaitedFor,
  resultOfStop,
  seekMain,
  stopRunning,
  sweep,
  withoutMain,
} from "./stop_ladder.ts";

/** Time between two looks at what is left of a stopping process, ms. */
const SWEEP_INTERVAL_MS = 100;

/** A stop was asked for while the launcher was at work. */
export function stopLaunched(
  record: RecordIn<"stopping">,
  { tracked }: EventOf<"launched">,
): Decision {
  const { phase } = record;
  return { record: { ...record, phase: { ...phase, tracked } }, effects: [] };
}

/** Now it is the program itself that can be stopped, as it should be. */
export function stopExecuted(
  record: RecordIn<"stopping">,
  { nowMs }: EventOf<"executed">,
): Decision {
  const { phase } = record;
  const isForking = toSpec(record.info).mode.kind === "forking";
  if (phase.rung !== "launch" || phase.tracked === null || isForking) {
    return { record, effects: [] };
  }
  const tracked = { ...phase.tracked, main: phase.tracked.command };
  const started = { ...record, pid: tracked.main.pid };
  return stopRunning(started, tracked, {
    nowMs,
    timeoutMs: phase.forceMs - nowMs,
  });
}

/** A forking command may have left a main process behind: look once. */
export function endWhileStopping(
  record: RecordIn<"stopping">,
  event: EventOf<"ended">,
): Decision {
  const { tracked } = record.phase;
  const { mode } = toSpec(record.info);
  if (tracked === null || mode.kind === "simple" || tracked.main !== null) {
    return endOfMain(record, event);
  }
  const ended = {
    ...record,
    phase: { ...record.phase, tracked: { ...tracked, commandEnded: true } },
  };
  return seekMain(ended, event.nowMs);
}

/** A pid file named a main process that is to be stopped as well. */
export function stopFound(
  record: RecordIn<"stopping">,
  { main, session }: EventOf<"mainFound">,
): Decision {
  const { phase } = record;
  if (phase.tracked === null) return { record, effects: [] };
  const tracked = addMain(phase.tracked, main, session);
  // What its start command was waited for is here.
  const rung = phase.rung === "launch"
    ? { rung: "sigterm", deadlineMs: phase.forceMs } as const
    : {};
  return {
    record: {
      ...record,
      phase: { ...phase, ...rung, tracked, seekUntilMs: null },
    },
    effects: [
      { type: "watchMain", main },
      ...(phase.rung === "sigkill"
        ? [sweep(tracked, "KILL")]
        : [{ type: "signal", target: main } as const]),
    ],
  };
}

/** No pid file names a main process: what is in the sessions is all. */
export function sweepAll(record: RecordIn<"stopping">): Decision {
  const { phase } = record;
  const { tracked, rung } = phase;
  if (tracked === null) return { record, effects: [] };
  return {
    record: { ...record, phase: { ...phase, seekUntilMs: null } },
    effects: [sweep(tracked, rung === "sigkill" ? "KILL" : "TERM")],
  };
}

/** A repeated stop may shorten the time that is left, never lengthen it. */
export function stopSooner(
  record: RecordIn<"stopping">,
  event: EventOf<"stopRequested">,
): Decision {
  const { phase } = record;
  const askedMs = event.nowMs + event.timeoutMs;
  const isSooner = askedMs < phase.forceMs;
  if (!isSooner && phase.asked === "stop") return { record, effects: [] };
  return {
    record: {
      ...record,
      result: record.result === "none" ? resultOfStop(record) : record.result,
      phase: {
        ...phase,
        // Whatever it was stopped for: it does not start again.
        asked: "stop",
        ...(isSooner
          ? {
            forceMs: askedMs,
            deadlineMs: Math.min(
              phase.deadlineMs,
              deadlineOf(phase.rung, askedMs, event.timeoutMs),
            ),
          }
          : {}),
      },
    },
    effects: [],
  };
}

/** What a stop or kill command starts has to be gone at the end too. */
export function addHelper(
  record: RecordIn<"stopping">,
  { session }: EventOf<"helperStarted">,
): Decision {
  const { awaitedHelper: _, ...phase } = record.phase;
  if (phase.tracked === null) return { record, effects: [] };
  const tracked = addSession(phase.tracked, session);
  // The ladder may have gone on before the helper was heard of.
  const isHelperRunning = phase.rung === "stop-command" ||
    phase.rung === "kill-command" || phase.rung === "restart-command";
  return {
    record: { ...record, phase: { ...phase, tracked, isHelperRunning } },
    effects: phase.rung === "restart-command"
      ? [{ type: "killSession", session }]
      : [],
  };
}

/**
 * The restart command is gone, so nothing is started any more: now it can be
 * said who is to be stopped.
 */
export function stopRestarted(
  record: RecordIn<"stopping">,
  { isMainAlive, nowMs }: EventOf<"restartEnded">,
): Decision {
  const { phase } = record;
  const { tracked, forceMs } = phase;
  if (phase.rung !== "restart-command" || tracked === null) {
    return { record, effects: [] };
  }
  const ended: RecordIn<"stopping"> = {
    ...record,
    phase: {
      ...phase,
      rung: "sigterm",
      deadlineMs: forceMs,
      isHelperRunning: false,
    },
  };
  if (toSpec(record.info).mode.kind === "forking") {
    return seekMain(withoutMain(ended), nowMs);
  }
  if (!isMainAlive || record.exit !== null) {
    return { record: ended, effects: [sweep(tracked, "TERM")] };
  }
  const grant = { nowMs, timeoutMs: forceMs - nowMs };
  return stopRunning(ended, tracked, grant);
}

/**
 * A stop command that succeeded is trusted until its deadline: it may only
 * have asked the process to save and leave. Else the ladder goes on.
 */
export function afterHelper(
  before: RecordIn<"stopping">,
  event: EventOf<"helperEnded">,
): Decision {
  const { awaitedHelper, ...others } = before.phase;
  // It never began.
  const record = awaitedHelper === event.which
    ? { ...before, phase: others }
    : before;
  const { phase } = record;
  if (phase.rung !== `${event.which}-command`) return { record, effects: [] };
  const ended = { ...record, phase: { ...phase, isHelperRunning: false } };
  if (record.exit !== null && phase.tracked) {
    return { record: ended, effects: [sweep(phase.tracked, "TERM")] };
  }
  return event.succeeded
    ? { record: ended, effects: [] }
    : climb(ended, { type: "deadline", nowMs: event.nowMs });
}

/** Nobody left means stopped; else it is looked at again, or killed again. */
export function afterSweep(
  record: RecordIn<"stopping">,
  event: EventOf<"swept">,
): Decision {
  const { phase, exit } = record;
  if (phase.tracked === null || phase.rung === "restart-command") {
    return { record, effects: [] };
  }
  const { sessions } = phase.tracked;
  const isAwaited = phase.awaitedHelper !== undefined;
  if (
    event.left.length === 0 &&
    (isAwaited || withoutSessions(sessions, event.sessions).length > 0)
  ) {
    // One more belongs to it since that look began, or is about to.
    const signal = phase.rung === "sigkill" ? "KILL" : "0";
    const afterMs = isAwaited ? SWEEP_INTERVAL_MS : 0;
    return { record, effects: [sweep(phase.tracked, signal, afterMs)] };
  }
  if (event.left.length > 0) {
    const isForced = phase.rung === "sigkill";
    // The same again is no news: it is neither stored nor published.
    const isNews = event.left.join() !== phase.left.join();
    return {
      record: isNews
        ? { ...record, phase: { ...phase, left: event.left } }
        : record,
      effects: [
        sweep(phase.tracked, isForced ? "KILL" : "0", SWEEP_INTERVAL_MS),
      ],
    };
  }
  // What the pid file names is in no session that was looked through.
  if (typeof phase.seekUntilMs === "number") return { record, effects: [] };
  // All gone; but how it ended is known only once its launcher has said so.
  if (
    exit === null && isMainWaitedFor(phase.tracked) &&
    !phase.tracked.commandEnded
  ) return { record, effects: [] };
  return toStopped({
    ...record,
    finishedMs: record.finishedMs ?? event.nowMs,
    ...(exit === null && record.result !== "start-failed"
      ? {
        exit: { kind: "unknown" },
        message: describeResult(
          record,
          record.result,
          { kind: "unknown" },
          "",
        ),
      }
      : {}),
  }, event.nowMs);
}
