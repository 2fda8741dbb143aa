import type { ProcessState } from "../../shared/manager_api/types.ts";
import type { Decision, EventOf, RecordIn } from "./decision.ts";
import { failCheck, noteHealthy, noteUnhealthy, passCheck } from "./check.ts";
import type { ProcessEvent } from "./events.ts";
import { isAtRest, type ProcessRecord, trackedOf } from "./record.ts";
import {
  changeOwner,
  orphanLive,
  orphanStaging,
  orphanStopping,
} from "./owning.ts";
import {
  afterRestart,
  restartRunning,
  restartStarting,
  restartStopped,
  restartStopping,
  trackRestart,
} from "./restarting.ts";
import { forgetKilled, forgetSessions, noteReload } from "./running.ts";
import { toSpec } from "./spec.ts";
import {
  changeLimits,
  endStartCommand,
  endStep,
  failStart,
  launch,
  loseMain,
  neverLaunched,
  neverStarted,
  noteUnlimited,
  relaunch,
  rememberFile,
  rememberPackage,
  runForking,
  runSimple,
  stopNothing,
  trackCommand,
} from "./starting.ts";
import { beginStop, climb, endOfMain } from "./stop_ladder.ts";
import {
  addHelper,
  afterHelper,
  afterSweep,
  endWhileStopping,
  stopExecuted,
  stopFound,
  stopLaunched,
  stopRestarted,
  stopSooner,
  sweepAll,
} from "./stopping.ts";

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
    restartRequested: "ignore",
    leaseEnded: orphanStaging,
    ownerChanged: changeOwner,
    restartEnded: "ignore",
    checkPassed: "ignore",
    checkFailed: "ignore",
    reloaded: "ignore",
    claimed: "ignore",
    helperStarted: "ignore",
    helperEnded: "ignore",
    swept: "ignore",
    fileCreated: rememberFile,
    packagePlaced: rememberPackage,
    sessionKilled: "ignore",
    unlimited: "ignore",
    limitsChanged: changeLimits,
  },
  starting: {
    prepared: "ignore",
    launched: trackCommand,
    executed: runSimple,
    refused: neverStarted,
    ended: endStartCommand,
    mainFound: runForking,
    mainMissing: failStart,
    mainGone: loseMain,
    deadline: endStep,
    stopRequested: beginStop,
    restartRequested: restartStarting,
    leaseEnded: orphanLive,
    ownerChanged: changeOwner,
    restartEnded: afterRestart,
    checkPassed: passCheck,
    checkFailed: failCheck,
    reloaded: "ignore",
    claimed: relaunch,
    helperStarted: trackRestart,
    helperEnded: "ignore",
    swept: forgetSessions,
    fileCreated: rememberFile,
    packagePlaced: rememberPackage,
    sessionKilled: "ignore",
    unlimited: noteUnlimited,
    limitsChanged: changeLimits,
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
    restartRequested: restartRunning,
    leaseEnded: orphanLive,
    ownerChanged: changeOwner,
    restartEnded: "ignore",
    checkPassed: noteHealthy,
    checkFailed: noteUnhealthy,
    reloaded: noteReload,
    claimed: "ignore",
    helperStarted: "ignore",
    helperEnded: "ignore",
    swept: forgetSessions,
    fileCreated: rememberFile,
    packagePlaced: rememberPackage,
    sessionKilled: forgetKilled,
    unlimited: "ignore",
    limitsChanged: changeLimits,
  },
  stopping: {
    prepared: "ignore",
    launched: stopLaunched,
    executed: stopExecuted,
    refused: neverStarted,
    ended: endWhileStopping,
    mainFound: stopFound,
    mainMissing: sweepAll,
    mainGone: endOfMain,
    deadline: climb,
    stopRequested: stopSooner,
    restartRequested: restartStopping,
    leaseEnded: orphanStopping,
    ownerChanged: changeOwner,
    restartEnded: stopRestarted,
    checkPassed: "ignore",
    checkFailed: "ignore",
    reloaded: "ignore",
    claimed: neverLaunched,
    helperStarted: addHelper,
    helperEnded: afterHelper,
    swept: afterSweep,
    fileCreated: rememberFile,
    packagePlaced: rememberPackage,
    sessionKilled: "ignore",
    unlimited: noteUnlimited,
    limitsChanged: changeLimits,
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
    restartRequested: restartStopped,
    leaseEnded: "ignore",
    ownerChanged: changeOwner,
    restartEnded: "ignore",
    checkPassed: "ignore",
    checkFailed: "ignore",
    reloaded: "ignore",
    claimed: "ignore",
    helperStarted: "ignore",
    helperEnded: "ignore",
    swept: "ignore",
    fileCreated: rememberFile,
    packagePlaced: rememberPackage,
    sessionKilled: "ignore",
    unlimited: "ignore",
    limitsChanged: changeLimits,
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
  const tracked = trackedOf(record.phase);
  if (
    event.type === "mainGone" && tracked?.main === null &&
    toSpec(record.info).mode.kind === "forking"
  ) {
    // It was the start command that nobody waited for: where is its daemon?
    return transition(record, {
      type: "ended",
      exit: { kind: "unknown" },
      isSessionEmpty: false,
      isOomKilled: event.isOomKilled ?? false,
      reason: "",
      nowMs: event.nowMs,
    });
  }
  // Its launcher and its exit file may both report the same end.
  if (event.type === "ended" && tracked?.commandEnded) return null;
  // The table's type proves that the cell takes this state and this event.
  const cell = TABLE[record.phase.state][event.type] as
    | "ignore"
    | ((record: ProcessRecord, event: ProcessEvent) => Decision);
  if (cell === "ignore") return null;
  const decision = cell(record, event);
  const { limiting } = record;
  return limiting?.kind === "asked" && hasEnded(record, decision.record)
    ? {
      ...decision,
      effects: [
        { type: "removeGroup", generation: limiting.generation },
        ...decision.effects,
      ],
    }
    : decision;
}

/** Nothing is left of a start; the next one sees to what an earlier left. */
function hasEnded(before: ProcessRecord, after: ProcessRecord): boolean {
  return !isAtRest(before.phase) && isAtRest(after.phase);
}
