import { assertEquals } from "@std/assert";
import type { ProcessEvent } from "../../../daemon/lifecycle/events.ts";
import {
  type ProcessRecord,
  trackedOf,
} from "../../../daemon/lifecycle/record.ts";
import { TABLE, transition } from "../../../daemon/lifecycle/transition.ts";
import {
  describe,
  EVENTS,
  exited,
  FORKED,
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
const COMMAND_ENDED = { ...LAUNCHED, commandEnded: true };

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
      launched: "starting command",
      executed: "unchanged",
      refused: "stopped",
      ended: "unchanged",
      mainFound: "unchanged",
      mainMissing: "stopping sigterm @15000, findMain @7000",
      mainGone: "unchanged",
      stopRequested: "stopping launch @13000",
      claimed: "staging, prepare",
    },
  },
  "starting, simple command": {
    record: record({ state: "starting", step: "command", tracked: LAUNCHED }),
    events: {
      executed: "running",
      ended: "stopped",
      mainFound: "unchanged",
      mainMissing: "stopping sigterm @15000, findMain @7000",
      mainGone: "stopping sigterm @15000, sweep TERM 10",
      stopRequested: "stopping launch @13000",
    },
  },
  "starting, forking command": {
    record: record(
      { state: "starting", step: "command", tracked: LAUNCHED },
      FORKING,
    ),
    events: {
      executed: "unchanged",
      ended: "starting pid-file, findMain @6000",
      mainFound: "unchanged",
      mainMissing: "stopping sigterm @15000, findMain @7000",
      mainGone: "stopping sigterm @15000, findMain @7000",
      stopRequested: "stopping sigterm @13000, signal 10",
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
      executed: "unchanged",
      mainFound: "running, watchMain 20",
      mainMissing: "stopping sigterm @15000, findMain @7000",
      stopRequested: "stopping sigterm @13000, findMain @7000",
    },
  },
  "running, simple": {
    record: record({ state: "running", tracked: SIMPLE }),
    events: {
      ended: "stopped",
      mainGone: "stopping sigterm @15000, sweep TERM 10",
      stopRequested: "stopping sigterm @13000, signal 10",
    },
  },
  "running, simple with a stop command": {
    record: record({ state: "running", tracked: SIMPLE }, HELPED),
    events: {
      ended: "stopped",
      mainGone: "stopping sigterm @15000, sweep TERM 10",
      stopRequested: "stopping stop-command @11000, runHelper stop",
    },
  },
  "running, forking": {
    record: record({ state: "running", tracked: FORKED }, FORKING),
    events: {
      mainGone: "stopping sigterm @15000, sweep TERM 10+20",
      stopRequested: "stopping sigterm @13000, signal 20",
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
    },
  },
  "stopping, stop command at work": {
    record: record(
      stopping("stop-command", SIMPLE, { isHelperRunning: true }),
      HELPED,
    ),
    events: {
      executed: "unchanged",
      ended: "stopped",
      mainFound: "stopping stop-command @10000, watchMain 20, signal 20",
      mainMissing: "stopping stop-command @10000, sweep TERM 10",
      mainGone: "stopping stop-command @10000",
      deadline: "stopping sigterm @10000, signal 10",
      stopRequested: "unchanged",
      helperStarted: "stopping stop-command @10000",
      helperEnded: "stopping stop-command @10000",
      swept: "unchanged",
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
    },
  },
  "stopped": {
    record: record({ state: "stopped" }, {}, { exit: exited(0) }),
    events: {},
  },
};

/** What a launcher says before anything is tracked, and never after it. */
const FIRST_ANSWERS = ["launched", "refused", "claimed"];

for (const [name, row] of Object.entries(ROWS)) {
  Deno.test(`transition() of ${name} against every event`, () => {
    const actual: Partial<Record<ProcessEvent["type"], string>> = {};
    const isTracked = trackedOf(row.record.phase) !== null;
    for (const event of Object.values(EVENTS)) {
      if (isTracked && FIRST_ANSWERS.includes(event.type)) continue;
      // The same everywhere: see below.
      if (event.type === "fileCreated") continue;
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

Deno.test("TABLE holds every state, and the rows above each of them", () => {
  const states = Object.values(ROWS).map(({ record }) => record.phase.state);
  assertEquals([...new Set(states)].sort(), Object.keys(TABLE).sort());
  for (const cells of Object.values(TABLE)) {
    assertEquals(Object.keys(cells).sort(), Object.keys(EVENTS).sort());
  }
});
