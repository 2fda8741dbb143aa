import { assertEquals } from "@std/assert";
import type { ProcessEvent } from "../../../daemon/lifecycle/events.ts";
import {
  type Identity,
  type Phase,
  type PlacedPackage,
  type ProcessRecord,
  type Tracked,
  trackedOf,
} from "../../../daemon/lifecycle/record.ts";
import { TABLE, transition } from "../../../daemon/lifecycle/transition.ts";
import {
  COMMAND,
  describe,
  EVENTS,
  exited,
  FORKED,
  HELPER,
  LAUNCHED,
  record,
  SIMPLE,
  stopping,
} from "./records.ts";

// Every state and step against every event. A row names only what is not
// ignored: all the other events of the row must be ignored.

interface Row {
  readonly record: ProcessRecord;
  readonly events: Partial<Record<ProcessEvent["type"], string>>;
}

const FORKING = { PidFile: "/run/p.pid" };
const HELPED = { StopCmd: "/bin/stop", KillCmd: "/bin/kill" };
const RESTARTED = { RestartCmd: "/bin/restart" };
const CHECKED = { CheckCmd: "/bin/check" };
const AGAIN = {
  RestartPolicy: { Policy: "Always", Interval: 2, Backoff: 3, MaxTimes: 4 },
} as const;
const COMMAND_ENDED = { ...LAUNCHED, commandEnded: true };

/** A restart command that may take until 9 s. */
function restarting(tracked: Tracked, helper: Identity | null = null): Phase {
  return {
    state: "starting",
    step: "restart-command",
    tracked: helper
      ? { ...tracked, sessions: [...tracked.sessions, helper] }
      : tracked,
    askedMs: 1_000,
    deadlineMs: 9_000,
    helper,
  };
}

/** A restart command that has ended, and a pid file that may take until 6 s. */
function restarted(tracked: Tracked, failure: string | null): Phase {
  return {
    state: "starting",
    step: "pid-file",
    tracked: { ...tracked, sessions: [...tracked.sessions, HELPER] },
    deadlineMs: 6_000,
    restart: { helper: HELPER, failure, endedMs: 5_000 },
  };
}

const ROWS: Readonly<Record<string, Row>> = {
  "staging": {
    record: record({ state: "staging" }),
    events: {
      prepared: "starting launch, launch",
      refused: "stopped",
      stopRequested: "stopped",
    },
  },
  "starting, launcher asked": {
    record: record({ state: "starting", step: "launch" }),
    events: {
      checkPassed: "unchanged",
      checkFailed: "unchanged",
      swept: "unchanged",
      launched: "starting command",
      executed: "unchanged",
      refused: "stopped",
      ended: "unchanged",
      mainFound: "unchanged",
      mainMissing: "stopping sigterm @15000, findMain @7000",
      mainGone: "unchanged",
      stopRequested: "stopping launch @11000",
      claimed: "staging, prepare",
      deadline: "unchanged",
      helperStarted: "unchanged",
      restartRequested: "stopping launch @11000",
      restartEnded: "unchanged",
    },
  },
  "starting, simple command": {
    record: record({ state: "starting", step: "command", tracked: LAUNCHED }),
    events: {
      checkPassed: "unchanged",
      checkFailed: "unchanged",
      swept: "unchanged",
      executed: "running",
      ended: "stopped",
      mainFound: "unchanged",
      mainMissing: "stopping sigterm @15000, findMain @7000",
      mainGone: "stopping sigterm @15000, sweep TERM 10",
      stopRequested: "stopping launch @11000",
      deadline: "unchanged",
      helperStarted: "unchanged",
      restartRequested: "stopping launch @11000",
      restartEnded: "unchanged",
    },
  },
  "starting, forking command": {
    record: record(
      { state: "starting", step: "command", tracked: LAUNCHED },
      FORKING,
    ),
    events: {
      checkPassed: "unchanged",
      checkFailed: "unchanged",
      swept: "unchanged",
      executed: "unchanged",
      ended: "starting pid-file, findMain @6000",
      mainFound: "unchanged",
      mainMissing: "stopping sigterm @15000, findMain @7000",
      mainGone: "stopping sigterm @15000, findMain @7000",
      stopRequested: "stopping launch @11000",
      deadline: "unchanged",
      helperStarted: "unchanged",
      restartRequested: "stopping launch @11000",
      restartEnded: "unchanged",
    },
  },
  "starting, pid file awaited": {
    record: record({
      state: "starting",
      step: "pid-file",
      tracked: COMMAND_ENDED,
      deadlineMs: 6_000,
    }, FORKING),
    events: {
      checkPassed: "unchanged",
      checkFailed: "unchanged",
      swept: "unchanged",
      executed: "unchanged",
      mainFound: "running, watchMain 20",
      mainMissing: "stopping sigterm @15000, findMain @7000",
      stopRequested: "stopping sigterm @13000, findMain @7000",
      deadline: "unchanged",
      helperStarted: "unchanged",
      restartRequested: "stopping sigterm @13000, findMain @7000",
      restartEnded: "unchanged",
    },
  },
  "starting, restart command, simple": {
    record: record(restarting(SIMPLE), RESTARTED),
    events: {
      checkPassed: "unchanged",
      checkFailed: "unchanged",
      swept: "unchanged",
      executed: "unchanged",
      ended: "starting restart-command",
      mainFound: "unchanged",
      mainMissing: "unchanged",
      mainGone: "starting restart-command",
      deadline: "starting restart-command",
      stopRequested: "stopping restart-command @13000",
      helperStarted: "starting restart-command",
      restartRequested: "unchanged",
      restartEnded: "running",
    },
  },
  "starting, restart command, simple, main ended": {
    record: record(
      restarting({ ...SIMPLE, commandEnded: true }),
      RESTARTED,
      { exit: exited(0) },
    ),
    events: {
      checkPassed: "unchanged",
      checkFailed: "unchanged",
      swept: "unchanged",
      executed: "unchanged",
      mainFound: "unchanged",
      mainMissing: "unchanged",
      mainGone: "unchanged",
      deadline: "starting restart-command",
      stopRequested: "stopping restart-command @13000",
      helperStarted: "starting restart-command",
      restartRequested: "unchanged",
      restartEnded: "stopping sigterm @15000, sweep TERM 10",
    },
  },
  "starting, restart command, forking": {
    record: record(restarting(FORKED), { ...RESTARTED, ...FORKING }),
    events: {
      checkPassed: "unchanged",
      checkFailed: "unchanged",
      swept: "unchanged",
      executed: "unchanged",
      mainFound: "unchanged",
      mainMissing: "unchanged",
      mainGone: "starting restart-command",
      deadline: "starting restart-command",
      stopRequested: "stopping restart-command @13000",
      helperStarted: "starting restart-command",
      restartRequested: "unchanged",
      restartEnded: "starting pid-file, findMain @6000",
    },
  },
  "starting, restart command begun, forking, main gone": {
    record: record(
      restarting({ ...FORKED, main: null }, HELPER),
      { ...RESTARTED, ...FORKING },
    ),
    events: {
      checkPassed: "unchanged",
      checkFailed: "unchanged",
      swept: "unchanged",
      executed: "unchanged",
      mainFound: "unchanged",
      mainMissing: "unchanged",
      deadline: "starting restart-command, killSession 30",
      stopRequested: "stopping restart-command @13000, killSession 30",
      helperStarted: "starting restart-command",
      restartRequested: "unchanged",
      restartEnded: "starting pid-file, findMain @6000",
    },
  },
  "starting, pid file awaited after a restart command": {
    record: record(restarted(FORKED, null), { ...RESTARTED, ...FORKING }),
    events: {
      checkPassed: "unchanged",
      checkFailed: "unchanged",
      swept: "unchanged",
      executed: "unchanged",
      mainFound: "running, watchMain 20, sweep 0 10+30",
      mainMissing: "stopping sigterm @15000, findMain @7000",
      mainGone: "starting pid-file",
      deadline: "unchanged",
      stopRequested: "stopping sigterm @13000, findMain @7000",
      helperStarted: "unchanged",
      restartRequested: "unchanged",
      restartEnded: "unchanged",
    },
  },
  "starting, pid file awaited after a failed restart command": {
    record: record(restarted(FORKED, "it failed"), {
      ...RESTARTED,
      ...FORKING,
    }),
    events: {
      checkPassed: "unchanged",
      checkFailed: "unchanged",
      swept: "unchanged",
      executed: "unchanged",
      mainFound: "running, killSession 30",
      mainMissing: "running, killSession 30",
      mainGone: "starting pid-file",
      deadline: "unchanged",
      stopRequested: "stopping sigterm @13000, findMain @7000",
      helperStarted: "unchanged",
      restartRequested: "unchanged",
      restartEnded: "unchanged",
    },
  },
  "running, simple": {
    record: record({ state: "running", tracked: SIMPLE }),
    events: {
      checkPassed: "unchanged",
      checkFailed: "running",
      ended: "stopped",
      mainGone: "stopping sigterm @15000, sweep TERM 10",
      stopRequested: "stopping sigterm @13000, signal 10",
      swept: "running",
      restartRequested: "stopping sigterm @13000, signal 10",
      reloaded: "running",
      sessionKilled: "unchanged",
    },
  },
  "running, simple with a stop command": {
    record: record({ state: "running", tracked: SIMPLE }, HELPED),
    events: {
      checkPassed: "unchanged",
      checkFailed: "running",
      ended: "stopped",
      mainGone: "stopping sigterm @15000, sweep TERM 10",
      stopRequested: "stopping stop-command @11000, runHelper stop",
      swept: "running",
      restartRequested: "stopping stop-command @11000, runHelper stop",
      reloaded: "running",
      sessionKilled: "unchanged",
    },
  },
  "running, simple with a restart command": {
    record: record({ state: "running", tracked: SIMPLE }, RESTARTED),
    events: {
      checkPassed: "unchanged",
      checkFailed: "running",
      ended: "stopped",
      mainGone: "stopping sigterm @15000, sweep TERM 10",
      stopRequested: "stopping sigterm @13000, signal 10",
      swept: "running",
      restartRequested: "starting restart-command, runRestart @5000",
      reloaded: "running",
      sessionKilled: "unchanged",
    },
  },
  "running, what a restart command left": {
    record: record({
      state: "running",
      tracked: { ...SIMPLE, sessions: [COMMAND, HELPER] },
    }),
    events: {
      checkPassed: "unchanged",
      checkFailed: "running",
      ended: "stopping sigterm @15000, sweep TERM 10+30",
      mainGone: "stopping sigterm @15000, sweep TERM 10+30",
      stopRequested: "stopping sigterm @13000, signal 10",
      swept: "running",
      restartRequested: "stopping sigterm @13000, signal 10",
      reloaded: "running",
      sessionKilled: "running",
    },
  },
  "running, forking": {
    record: record({ state: "running", tracked: FORKED }, FORKING),
    events: {
      checkPassed: "unchanged",
      checkFailed: "running",
      mainGone: "stopping sigterm @15000, sweep TERM 10+20",
      stopRequested: "stopping sigterm @13000, signal 20",
      swept: "running",
      restartRequested: "stopping sigterm @13000, signal 20",
      reloaded: "running",
      sessionKilled: "unchanged",
    },
  },
  "starting, check, simple": {
    record: record({
      state: "starting",
      step: "check",
      tracked: SIMPLE,
      deadlineMs: 9_000,
    }, CHECKED),
    events: {
      executed: "unchanged",
      ended: "stopped",
      mainFound: "unchanged",
      mainMissing: "unchanged",
      mainGone: "stopping sigterm @15000, sweep TERM 10",
      deadline: "unchanged",
      stopRequested: "stopping sigterm @13000, signal 10",
      helperStarted: "unchanged",
      restartRequested: "stopping sigterm @13000, signal 10",
      restartEnded: "unchanged",
      checkPassed: "running, check",
      checkFailed: "stopping sigterm @15000, signal 10",
      swept: "starting check",
    },
  },
  "starting, check, forking with a stop command": {
    record: record({
      state: "starting",
      step: "check",
      tracked: { ...FORKED, sessions: [...FORKED.sessions, HELPER] },
      deadlineMs: 9_000,
    }, { ...CHECKED, ...FORKING, ...HELPED }),
    events: {
      executed: "unchanged",
      mainFound: "unchanged",
      mainMissing: "unchanged",
      mainGone: "stopping sigterm @15000, sweep TERM 10+20+30",
      deadline: "unchanged",
      stopRequested: "stopping stop-command @11000, runHelper stop",
      helperStarted: "unchanged",
      restartRequested: "stopping stop-command @11000, runHelper stop",
      restartEnded: "unchanged",
      checkPassed: "running, check",
      checkFailed: "stopping stop-command @12500, runHelper stop",
      swept: "starting check",
    },
  },
  "starting, waiting to be started again": {
    record: record(
      { state: "starting", step: "backoff", deadlineMs: 9_000, waitMs: 4_000 },
      AGAIN,
      { exit: exited(1), result: "exited" },
    ),
    events: {
      launched: "unchanged",
      executed: "unchanged",
      refused: "unchanged",
      ended: "unchanged",
      mainFound: "unchanged",
      mainMissing: "unchanged",
      mainGone: "unchanged",
      deadline: "staging, prepare",
      stopRequested: "stopped",
      claimed: "unchanged",
      helperStarted: "unchanged",
      restartRequested: "staging, prepare",
      restartEnded: "unchanged",
      checkPassed: "unchanged",
      checkFailed: "unchanged",
      swept: "unchanged",
    },
  },
  "running, unhealthy": {
    record: record(
      { state: "running", tracked: SIMPLE, isUnhealthy: true },
      CHECKED,
    ),
    events: {
      ended: "stopped",
      mainGone: "stopping sigterm @15000, sweep TERM 10",
      stopRequested: "stopping sigterm @13000, signal 10",
      swept: "running",
      restartRequested: "stopping sigterm @13000, signal 10",
      reloaded: "running",
      sessionKilled: "unchanged",
      checkPassed: "running",
      checkFailed: "unchanged",
    },
  },
  "running, to be started again": {
    record: record({ state: "running", tracked: SIMPLE }, AGAIN),
    events: {
      ended: "starting backoff @7000",
      mainGone: "stopping sigterm @15000, sweep TERM 10",
      stopRequested: "stopping sigterm @13000, signal 10",
      swept: "running",
      restartRequested: "stopping sigterm @13000, signal 10",
      reloaded: "running",
      sessionKilled: "unchanged",
      checkPassed: "unchanged",
      checkFailed: "running",
    },
  },
  "stopping, launcher asked": {
    record: record(stopping("launch", null)),
    events: {
      executed: "unchanged",
      launched: "stopping launch @10000",
      refused: "stopped",
      ended: "unchanged",
      mainFound: "unchanged",
      mainMissing: "unchanged",
      mainGone: "unchanged",
      deadline: "stopping launch @6000",
      stopRequested: "unchanged",
      claimed: "stopped",
      helperStarted: "unchanged",
      helperEnded: "unchanged",
      swept: "unchanged",
      restartRequested: "unchanged",
      restartEnded: "unchanged",
    },
  },
  "stopping, restart command, simple": {
    record: record(
      stopping("restart-command", SIMPLE, { isHelperRunning: true }),
      { ...RESTARTED, ...HELPED },
    ),
    events: {
      executed: "unchanged",
      ended: "stopping restart-command @10000",
      mainFound: "stopping restart-command @10000, watchMain 20, signal 20",
      mainMissing: "stopping restart-command @10000, sweep TERM 10",
      mainGone: "stopping restart-command @10000",
      deadline: "stopping restart-command @6000, sweep KILL 10",
      stopRequested: "unchanged",
      helperStarted: "stopping restart-command @10000, killSession 30",
      helperEnded: "unchanged",
      swept: "unchanged",
      restartRequested: "unchanged",
      restartEnded: "stopping stop-command @8750, runHelper stop",
    },
  },
  "stopping, restart command, forking": {
    record: record(
      stopping("restart-command", FORKED, { isHelperRunning: true }),
      { ...RESTARTED, ...FORKING },
    ),
    events: {
      executed: "unchanged",
      mainFound: "stopping restart-command @10000, watchMain 20, signal 20",
      mainMissing: "stopping restart-command @10000, sweep TERM 10+20",
      mainGone: "stopping restart-command @10000",
      deadline: "stopping restart-command @6000, sweep KILL 10+20",
      stopRequested: "unchanged",
      helperStarted: "stopping restart-command @10000, killSession 30",
      helperEnded: "unchanged",
      swept: "unchanged",
      restartRequested: "unchanged",
      restartEnded: "stopping sigterm @10000, findMain @7000",
    },
  },
  "stopping to be restarted, SIGTERM": {
    record: record(stopping("sigterm", SIMPLE, { asked: "restart" })),
    events: {
      executed: "unchanged",
      ended: "staging, prepare",
      mainFound: "stopping sigterm @10000, watchMain 20, signal 20",
      mainMissing: "stopping sigterm @10000, sweep TERM 10",
      mainGone: "stopping sigterm @10000, sweep TERM 10",
      deadline: "stopping sigkill @6000, sweep KILL 10",
      stopRequested: "stopping sigterm @10000",
      helperStarted: "stopping sigterm @10000",
      helperEnded: "unchanged",
      swept: "unchanged",
      restartRequested: "unchanged",
      restartEnded: "unchanged",
    },
  },
  "stopping to be restarted, launcher asked": {
    record: record(stopping("launch", null, { asked: "restart" })),
    events: {
      launched: "stopping launch @10000",
      executed: "unchanged",
      refused: "staging, prepare",
      ended: "unchanged",
      mainFound: "unchanged",
      mainMissing: "unchanged",
      mainGone: "unchanged",
      deadline: "stopping launch @6000",
      stopRequested: "stopping launch @10000",
      claimed: "staging, prepare",
      helperStarted: "unchanged",
      helperEnded: "unchanged",
      swept: "unchanged",
      restartRequested: "unchanged",
      restartEnded: "unchanged",
    },
  },
  "stopping by itself, SIGTERM": {
    record: record(
      stopping("sigterm", { ...SIMPLE, commandEnded: true }, { asked: null }),
      {},
      { exit: exited(1), result: "exited" },
    ),
    events: {
      executed: "unchanged",
      mainFound: "stopping sigterm @10000, watchMain 20, signal 20",
      mainMissing: "stopping sigterm @10000, sweep TERM 10",
      mainGone: "unchanged",
      deadline: "stopping sigkill @6000, sweep KILL 10",
      stopRequested: "stopping sigterm @10000",
      helperStarted: "stopping sigterm @10000",
      helperEnded: "unchanged",
      swept: "stopped",
      restartRequested: "stopping sigterm @10000",
      restartEnded: "unchanged",
    },
  },
  "stopping, stop command": {
    record: record(stopping("stop-command", SIMPLE), HELPED),
    events: {
      executed: "unchanged",
      ended: "stopped",
      mainFound: "stopping stop-command @10000, watchMain 20, signal 20",
      mainMissing: "stopping stop-command @10000, sweep TERM 10",
      mainGone: "stopping stop-command @10000, sweep TERM 10",
      deadline: "stopping sigterm @10000, signal 10",
      stopRequested: "unchanged",
      helperStarted: "stopping stop-command @10000",
      helperEnded: "stopping stop-command @10000",
      swept: "unchanged",
      restartRequested: "unchanged",
      restartEnded: "unchanged",
    },
  },
  "stopping, stop command at work": {
    record: record(
      stopping("stop-command", SIMPLE, { isHelperRunning: true }),
      HELPED,
    ),
    events: {
      executed: "unchanged",
      ended: "stopping stop-command @10000",
      mainFound: "stopping stop-command @10000, watchMain 20, signal 20",
      mainMissing: "stopping stop-command @10000, sweep TERM 10",
      mainGone: "stopping stop-command @10000",
      deadline: "stopping sigterm @10000, signal 10",
      stopRequested: "unchanged",
      helperStarted: "stopping stop-command @10000",
      helperEnded: "stopping stop-command @10000",
      swept: "unchanged",
      restartRequested: "unchanged",
      restartEnded: "unchanged",
    },
  },
  "stopping, stop command at work, main ended": {
    record: record(
      stopping("stop-command", { ...SIMPLE, commandEnded: true }, {
        isHelperRunning: true,
      }),
      HELPED,
      { exit: exited(0) },
    ),
    events: {
      executed: "unchanged",
      mainFound: "stopping stop-command @10000, watchMain 20, signal 20",
      mainMissing: "stopping stop-command @10000, sweep TERM 10",
      mainGone: "unchanged",
      deadline: "stopping sigterm @10000, sweep TERM 10",
      stopRequested: "unchanged",
      helperStarted: "stopping stop-command @10000",
      helperEnded: "stopping stop-command @10000, sweep TERM 10",
      swept: "stopped",
      restartRequested: "unchanged",
      restartEnded: "unchanged",
    },
  },
  "stopping, SIGTERM": {
    record: record(stopping("sigterm", SIMPLE)),
    events: {
      executed: "unchanged",
      ended: "stopped",
      mainFound: "stopping sigterm @10000, watchMain 20, signal 20",
      mainMissing: "stopping sigterm @10000, sweep TERM 10",
      mainGone: "stopping sigterm @10000, sweep TERM 10",
      deadline: "stopping sigkill @6000, sweep KILL 10",
      stopRequested: "unchanged",
      helperStarted: "stopping sigterm @10000",
      helperEnded: "unchanged",
      swept: "unchanged",
      restartRequested: "unchanged",
      restartEnded: "unchanged",
    },
  },
  "stopping, SIGTERM, kill command to come": {
    record: record(stopping("sigterm", SIMPLE), HELPED),
    events: {
      executed: "unchanged",
      ended: "stopped",
      mainFound: "stopping sigterm @10000, watchMain 20, signal 20",
      mainMissing: "stopping sigterm @10000, sweep TERM 10",
      mainGone: "stopping sigterm @10000, sweep TERM 10",
      deadline: "stopping kill-command @10000, runHelper kill",
      stopRequested: "unchanged",
      helperStarted: "stopping sigterm @10000",
      helperEnded: "unchanged",
      swept: "unchanged",
      restartRequested: "unchanged",
      restartEnded: "unchanged",
    },
  },
  "stopping, SIGTERM, forking": {
    record: record(stopping("sigterm", FORKED), FORKING),
    events: {
      executed: "unchanged",
      mainFound: "stopping sigterm @10000, watchMain 20, signal 20",
      mainMissing: "stopping sigterm @10000, sweep TERM 10+20",
      mainGone: "stopping sigterm @10000, sweep TERM 10+20",
      deadline: "stopping sigkill @6000, sweep KILL 10+20",
      stopRequested: "unchanged",
      helperStarted: "stopping sigterm @10000",
      helperEnded: "unchanged",
      swept: "stopped",
      restartRequested: "unchanged",
      restartEnded: "unchanged",
    },
  },
  "stopping, SIGTERM, forking command at work": {
    record: record(stopping("sigterm", LAUNCHED), FORKING),
    events: {
      executed: "unchanged",
      ended: "stopping sigterm @10000, findMain @7000",
      mainFound: "stopping sigterm @10000, watchMain 20, signal 20",
      mainMissing: "stopping sigterm @10000, sweep TERM 10",
      mainGone: "stopping sigterm @10000, findMain @7000",
      deadline: "stopping sigkill @6000, sweep KILL 10",
      stopRequested: "unchanged",
      helperStarted: "stopping sigterm @10000",
      helperEnded: "unchanged",
      swept: "unchanged",
      restartRequested: "unchanged",
      restartEnded: "unchanged",
    },
  },
  "stopping, kill command": {
    record: record(stopping("kill-command", SIMPLE), HELPED),
    events: {
      executed: "unchanged",
      ended: "stopped",
      mainFound: "stopping kill-command @10000, watchMain 20, signal 20",
      mainMissing: "stopping kill-command @10000, sweep TERM 10",
      mainGone: "stopping kill-command @10000, sweep TERM 10",
      deadline: "stopping sigkill @6000, sweep KILL 10",
      stopRequested: "unchanged",
      helperStarted: "stopping kill-command @10000",
      helperEnded: "unchanged",
      swept: "unchanged",
      restartRequested: "unchanged",
      restartEnded: "unchanged",
    },
  },
  "stopping, SIGKILL": {
    record: record(stopping("sigkill", SIMPLE)),
    events: {
      executed: "unchanged",
      ended: "stopped",
      mainFound: "stopping sigkill @10000, watchMain 20, sweep KILL 10+20",
      mainMissing: "stopping sigkill @10000, sweep KILL 10",
      mainGone: "stopping sigkill @10000, sweep KILL 10",
      deadline: "stopping sigkill @6000, sweep KILL 10",
      stopRequested: "unchanged",
      helperStarted: "stopping sigkill @10000",
      helperEnded: "unchanged",
      swept: "unchanged",
      restartRequested: "unchanged",
      restartEnded: "unchanged",
    },
  },
  "stopping, SIGKILL, forking": {
    record: record(stopping("sigkill", FORKED), FORKING),
    events: {
      executed: "unchanged",
      mainFound: "stopping sigkill @10000, watchMain 20, sweep KILL 10+20",
      mainMissing: "stopping sigkill @10000, sweep KILL 10+20",
      mainGone: "stopping sigkill @10000, sweep KILL 10+20",
      deadline: "stopping sigkill @6000, sweep KILL 10+20",
      stopRequested: "unchanged",
      helperStarted: "stopping sigkill @10000",
      helperEnded: "unchanged",
      swept: "stopped",
      restartRequested: "unchanged",
      restartEnded: "unchanged",
    },
  },
  "stopped": {
    record: record({ state: "stopped" }, {}, { exit: exited(0) }),
    events: {
      restartRequested: "staging, prepare",
    },
  },
};

/** What a launcher says before anything is tracked, and never after it. */
const FIRST_ANSWERS = ["launched", "refused", "claimed"];

/** What is only remembered, whatever the state is: see below. */
const MEMORIES = [
  "fileCreated",
  "packagePlaced",
  "unlimited",
  "limitsChanged",
  "ownerChanged",
];

for (const [name, row] of Object.entries(ROWS)) {
  Deno.test(`transition() of ${name} against every event`, () => {
    const actual: Partial<Record<ProcessEvent["type"], string>> = {};
    const isTracked = trackedOf(row.record.phase) !== null;
    for (const event of Object.values(EVENTS)) {
      if (isTracked && FIRST_ANSWERS.includes(event.type)) continue;
      if (MEMORIES.includes(event.type)) continue;
      // Nobody owns these: see below.
      if (event.type === "leaseEnded") continue;
      const before = structuredClone(row.record);
      const outcome = describe(row.record, transition(row.record, event));
      assertEquals(row.record, before, `${event.type} changed its input`);
      if (outcome !== "ignored") actual[event.type] = outcome;
    }
    assertEquals(actual, row.events);
  });
}

Deno.test("transition() calls nothing stopped that it has not seen gone", () => {
  const wrong: string[] = [];
  for (const [name, { record }] of Object.entries(ROWS)) {
    if (trackedOf(record.phase) === null) continue;
    for (const event of Object.values(EVENTS)) {
      const isSeenGone = event.type === "swept" || event.type === "ended";
      const after = transition(record, event)?.record.phase.state;
      if (after === "stopped" && !isSeenGone) {
        wrong.push(`${name}: ${event.type}`);
      }
    }
  }
  assertEquals(wrong, []);
});

Deno.test("transition() remembers the latest package in each place", () => {
  const placed = {
    outputDir: "/srv/p",
    tree: "tree",
    sha256: "ab",
    bytes: 1,
    verifiedBy: "sha256",
  } as const;
  const other = { ...placed, outputDir: "/srv/q" };
  const next = { ...placed, tree: "next", sha256: "cd" };
  for (const { record } of Object.values(ROWS)) {
    let known = record;
    const remember = (each: PlacedPackage) => {
      const decision = transition(known, { type: "packagePlaced", ...each });
      assertEquals(decision?.effects, []);
      known = decision?.record ?? known;
    };
    remember(placed);
    remember(other);
    const before = known;
    remember(placed);
    assertEquals(known === before, true);
    remember(next);
    assertEquals(known, { ...record, packages: [other, next] });
  }
});

Deno.test("transition() tells a package from a start that failed", () => {
  const { result } = transition(record({ state: "staging" }), {
    type: "refused",
    message: "no package",
    result: "package-failed",
    nowMs: 1,
  })?.record ?? {};
  assertEquals(result, "package-failed");
});

Deno.test("transition() remembers once in any state what file was made", () => {
  const file = { path: "/srv/a", owner: "game" };
  const remember = (before: ProcessRecord) =>
    transition(before, { type: "fileCreated", ...file });
  for (const { record } of Object.values(ROWS)) {
    const once = remember(record);
    assertEquals(once, {
      record: { ...record, createdFiles: [file] },
      effects: [],
    });
    const again = once && remember(once.record);
    assertEquals(again?.record === once?.record, true);
  }
});

Deno.test("transition() gives a start its limits, and its group away at its end", () => {
  const Resource = { Cpus: 1, Mem: 64, Disk: 0 };
  const before = record({ state: "staging" }, { Resource });
  const asked = transition(before, EVENTS.prepared)?.record;
  assertEquals(asked?.limiting, { kind: "asked", generation: 1 });
  assertEquals(
    transition(record({ state: "staging" }), EVENTS.prepared)?.record.limiting,
    null,
  );
  if (asked === undefined) return;
  assertEquals(
    describe(asked, transition(asked, EVENTS.refused)),
    "stopped, removeGroup 1",
  );
  assertEquals(
    describe(asked, transition(asked, EVENTS.claimed)),
    "staging, prepare",
  );
  const unlimited = transition(asked, EVENTS.unlimited)?.record ?? asked;
  assertEquals(
    describe(unlimited, transition(unlimited, EVENTS.refused)),
    "stopped",
  );
  const launched = transition(unlimited, EVENTS.launched)?.record ?? unlimited;
  assertEquals(
    transition(launched, EVENTS.executed)?.record.message,
    "process p is running; its limits are not enforced: no controllers",
  );
});

Deno.test("transition() keeps new limits in any state", () => {
  for (const { record } of Object.values(ROWS)) {
    const decision = transition(record, EVENTS.limitsChanged);
    const LimitResources = { Cpus: 0, Mem: 64, Disk: 0 };
    assertEquals(decision, {
      record: { ...record, info: { ...record.info, LimitResources } },
      effects: [],
    });
  }
});

/** A process that the owner of the event has. */
function owned(record: ProcessRecord): ProcessRecord {
  return { ...record, owner: "run-1" };
}

Deno.test("transition() stops an orphan as its definition has it, once", () => {
  for (const [name, row] of Object.entries(ROWS)) {
    const record = owned(row.record);
    const { phase } = record;
    const before = structuredClone(record);
    const decision = transition(record, EVENTS.leaseEnded);
    assertEquals(record, before);
    const outcome = describe(record, decision);
    if (phase.state === "stopped") {
      assertEquals(outcome, "ignored", name);
      continue;
    }
    if (phase.state === "stopping" && phase.asked === "stop") {
      assertEquals(outcome, "unchanged", name);
      continue;
    }
    const stop = { type: "stopRequested", nowMs: 5_000 } as const;
    const asStopped = transition(record, { ...stop, timeoutMs: 10_000 });
    assertEquals(outcome, describe(record, asStopped), name);
    const after = decision?.record;
    // What it had ended of is what it ended of, unless it was to start again.
    const waits = phase.state === "starting" && phase.step === "backoff";
    const isOver = !waits && record.result !== "none" &&
      record.result !== "stopped";
    assertEquals(
      after?.result,
      isOver ? record.result : "lease-expired",
      name,
    );
    assertEquals(
      after?.phase.state === "stopping" && after.phase.asked,
      after?.phase.state === "stopping" && "stop",
    );
  }
});

Deno.test("transition() keeps an orphan whose definition says so", () => {
  for (const [name, row] of Object.entries(ROWS)) {
    const given = owned(row.record);
    const record: ProcessRecord = {
      ...given,
      info: { ...given.info, OrphanPolicy: "keep" },
    };
    const { phase } = record;
    const decision = transition(record, EVENTS.leaseEnded);
    if (
      phase.state === "stopped" ||
      (phase.state === "stopping" && phase.asked === "stop")
    ) {
      assertEquals(decision?.record ?? record, record, name);
      continue;
    }
    const message = record.exit === null
      ? "process p is kept, though its owner run-1 was not heard of for 600 s"
      : record.message;
    assertEquals(decision, {
      record: { ...record, owner: "", message },
      effects: [],
    }, name);
  }
});

Deno.test("transition() knows that a lease was another owner's", () => {
  for (const { record } of Object.values(ROWS)) {
    const others = { ...owned(record), owner: "run-2" };
    const decision = transition(others, EVENTS.leaseEnded);
    assertEquals(decision?.record ?? others, others);
    assertEquals(decision?.effects ?? [], []);
  }
});

Deno.test("transition() gives a process to another owner in any state", () => {
  for (const { record } of Object.values(ROWS)) {
    assertEquals(transition(record, EVENTS.ownerChanged), {
      record: { ...record, owner: "run-2" },
      effects: [],
    });
  }
});

Deno.test("TABLE holds every state, and the rows above each of them", () => {
  const states = Object.values(ROWS).map(({ record }) => record.phase.state);
  assertEquals([...new Set(states)].sort(), Object.keys(TABLE).sort());
  for (const cells of Object.values(TABLE)) {
    assertEquals(Object.keys(cells).sort(), Object.keys(EVENTS).sort());
  }
});
