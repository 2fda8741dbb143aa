import type { Decision, EventOf, RecordIn } from "./decision.ts";
import { arrive } from "./check.ts";
import { startAgain } from "./ending.ts";
import {
  addMain,
  addSession,
  type EndedRestart,
  isSameProcess,
  type ProcessRecord,
  type Tracked,
} from "./record.ts";
import { run } from "./running.ts";
import { toSpec } from "./spec.ts";
import { beginStop, enterStopping, KILL_RETRY_MS } from "./stop_ladder.ts";

/** By its own command if it has one, else it is stopped and started. */
export function restartRunning(
  record: RecordIn<"running">,
  event: EventOf<"restartRequested">,
): Decision {
  if (toSpec(record.info).restart === null) {
    return toRestart(beginStop(record, event));
  }
  const askedMs = event.nowMs;
  return {
    record: {
      ...record,
      restarts: 0,
      phase: {
        state: "starting",
        step: "restart-command",
        tracked: record.phase.tracked,
        askedMs,
        deadlineMs: askedMs + event.timeoutMs,
        helper: null,
      },
      message: `process ${record.id} is being restarted by its own command`,
    },
    effects: [{ type: "runRestart", askedMs }],
  };
}

/**
 * A start that is under way is stopped first, one that is waited for begins at
 * once; a restart is one already.
 */
export function restartStarting(
  record: RecordIn<"starting">,
  event: EventOf<"restartRequested">,
): Decision {
  const { phase } = record;
  if (phase.step === "backoff") return startAgain(record);
  const isRestart = phase.step === "restart-command" ||
    (phase.step === "pid-file" && phase.restart !== undefined);
  return isRestart
    ? { record, effects: [] }
    : toRestart(beginStop(record, event));
}

/** A stop that was asked for is kept to; an end by itself is not the last. */
export function restartStopping(record: RecordIn<"stopping">): Decision {
  const { asked } = record.phase;
  return asked === "stop" || asked === "restart"
    ? { record, effects: [] }
    : toRestart({ record, effects: [] });
}

/** The next generation under the same id. */
export function restartStopped(record: RecordIn<"stopped">): Decision {
  return startAgain(record);
}

function toRestart({ record, effects }: Decision): Decision {
  const { phase } = record;
  return phase.state !== "stopping" ? { record, effects } : {
    record: {
      ...record,
      phase: { ...phase, asked: "restart" },
      message: `process ${record.id} is being restarted`,
    },
    effects,
  };
}

/** The restart command runs: what it starts belongs to the process. */
export function trackRestart(
  record: RecordIn<"starting">,
  { session }: EventOf<"helperStarted">,
): Decision {
  const { phase } = record;
  if (phase.step !== "restart-command") return { record, effects: [] };
  const tracked = addSession(phase.tracked, session);
  return {
    record: { ...record, phase: { ...phase, tracked, helper: session } },
    effects: [],
  };
}

/** It took too long; its end will say the rest. */
export function killRestart(
  record: RecordIn<"starting">,
  { nowMs }: EventOf<"deadline">,
): Decision {
  const { phase } = record;
  if (phase.step !== "restart-command") return { record, effects: [] };
  const { helper } = phase;
  return {
    record: {
      ...record,
      phase: { ...phase, deadlineMs: nowMs + KILL_RETRY_MS },
    },
    effects: helper ? [{ type: "killSession", session: helper }] : [],
  };
}

/** While a restart is under way, the end of the old main process is none. */
export function endDuringRestart(
  record: RecordIn<"starting">,
  event: EventOf<"ended"> | EventOf<"mainGone">,
): Decision {
  const { phase } = record;
  if (!("tracked" in phase) || record.exit !== null) {
    return { record, effects: [] };
  }
  if (toSpec(record.info).mode.kind === "forking") {
    const tracked = { ...phase.tracked, main: null };
    return { record: { ...record, phase: { ...phase, tracked } }, effects: [] };
  }
  return {
    record: {
      ...record,
      exit: event.type === "ended" ? event.exit : { kind: "unknown" },
      finishedMs: event.nowMs,
      phase: { ...phase, tracked: { ...phase.tracked, commandEnded: true } },
    },
    effects: [],
  };
}

/**
 * The restart command has ended. Forking: its pid file says who runs now.
 * Simple: whoever ran before, or else it is started anew.
 */
export function afterRestart(
  record: RecordIn<"starting">,
  { failure, isMainAlive, nowMs }: EventOf<"restartEnded">,
): Decision {
  const { phase } = record;
  if (phase.step !== "restart-command") return { record, effects: [] };
  const { tracked, helper } = phase;
  const restart = { helper, failure, endedMs: nowMs };
  const { mode, startGraceMs } = toSpec(record.info);
  if (mode.kind === "forking") {
    const deadlineMs = nowMs + startGraceMs;
    return {
      record: {
        ...record,
        phase: {
          state: "starting",
          step: "pid-file",
          tracked,
          deadlineMs,
          restart,
        },
      },
      effects: [{ type: "findMain", deadlineMs }],
    };
  }
  if (!isMainAlive || record.exit !== null) {
    return toRestart(enterStopping(record, nowMs));
  }
  if (failure !== null) return keepRunning(record, tracked, restart);
  const decision = run(record, tracked);
  return {
    record: decision.record,
    effects: [...decision.effects, ...(helper ? lookThrough([helper]) : [])],
  };
}

/** The pid file named a main process after a restart command has ended. */
export function runRestarted(
  record: RecordIn<"starting">,
  restart: EndedRestart,
  { main, session }: EventOf<"mainFound">,
): Decision {
  const { phase } = record;
  if (phase.step !== "pid-file") return { record, effects: [] };
  const before = phase.tracked;
  const tracked = addMain(before, main, session);
  const isOld = before.main !== null && isSameProcess(before.main, main);
  if (restart.failure !== null && isOld) {
    return keepRunning(record, tracked, restart);
  }
  const next = {
    ...record,
    generation: record.generation + 1,
    startedMs: restart.endedMs,
  };
  const others = tracked.sessions.filter(({ pid }) => pid !== session.pid);
  // The old one was proved to run: a check that fails must not end it now.
  const decision = isOld
    ? run(next, tracked)
    : arrive(next, tracked, phase.deadlineMs);
  return {
    record: decision.record,
    effects: [
      { type: "watchMain", main },
      ...decision.effects,
      ...lookThrough(others),
    ],
  };
}

/** A restart command failed and has changed nothing. */
export function keepRunning(
  record: ProcessRecord,
  tracked: Tracked,
  { helper, failure }: EndedRestart,
): Decision {
  const restartFailure = failure ?? "";
  const decision = run(record, tracked);
  return {
    record: {
      ...decision.record,
      phase: { state: "running", tracked, restartFailure },
      message: `process ${record.id} is running still: ${restartFailure}`,
    },
    effects: [
      ...decision.effects,
      ...(helper ? [{ type: "killSession", session: helper } as const] : []),
    ],
  };
}

function lookThrough(sessions: Tracked["sessions"]): Decision["effects"] {
  return sessions.length === 0
    ? []
    : [{ type: "sweep", signal: "0", sessions, afterMs: 0 }];
}
