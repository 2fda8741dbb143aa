import { assertEquals } from "@std/assert";
import type { ProcessEvent } from "../../../daemon/lifecycle/events.ts";
import type { ProcessRecord } from "../../../daemon/lifecycle/record.ts";
import {
  ended,
  EVENTS,
  EVERYBODY,
  exited,
  LAUNCHED,
  record,
  signalled,
  SIMPLE,
  stopping,
  Story,
} from "./records.ts";

// Lives of processes from one event to the next. Times are ms; the stop
// timeout is 8 s unless said otherwise.

const FORKING = { PidFile: "/run/p.pid" };
const HELPED = { StopCmd: "/bin/stop", KillCmd: "/bin/kill" };

const launched = EVENTS.launched;
const executed = EVENTS.executed;

function stop(nowMs: number, timeoutMs = 8_000): ProcessEvent {
  return { type: "stopRequested", nowMs, timeoutMs };
}

function deadline(nowMs: number): ProcessEvent {
  return { type: "deadline", nowMs };
}

function swept(nowMs: number, ...left: number[]): ProcessEvent {
  return { type: "swept", sessions: EVERYBODY, left, nowMs };
}

function helperEnded(
  nowMs: number,
  succeeded: boolean,
  which: "stop" | "kill" = "stop",
): ProcessEvent {
  return { type: "helperEnded", which, succeeded, nowMs };
}

function running(part = {}, tracked = SIMPLE): ProcessRecord {
  return record({ state: "running", tracked }, part);
}

/** What is left to say of a process that has ended. */
function endOf({ record }: Story) {
  const { result, exit, finishedMs, message } = record;
  return { result, exit, finishedMs, message };
}

Deno.test("transition() stops a process in every step of its start", () => {
  const stories: Record<string, [ProcessRecord, ...ProcessEvent[]]> = {
    staging: [record({ state: "staging" }), stop(5_000)],
    "launcher asked, then it answers": [
      record({ state: "starting", step: "launch" }),
      stop(5_000),
      launched,
      executed,
      ended(signalled(15)),
    ],
    "launcher asked, then it refuses": [
      record({ state: "starting", step: "launch" }),
      stop(5_000),
      EVENTS.refused,
    ],
    "launcher asked, then a crash": [
      record({ state: "starting", step: "launch" }),
      stop(5_000),
      EVENTS.claimed,
    ],
    "start command": [
      record(
        { state: "starting", step: "command", tracked: LAUNCHED },
        FORKING,
      ),
      stop(5_000),
      ended(signalled(15)),
      EVENTS.mainMissing,
      swept(5_100),
    ],
    "start command that leaves a daemon": [
      record(
        { state: "starting", step: "command", tracked: LAUNCHED },
        FORKING,
      ),
      stop(5_000),
      ended(exited(0)),
      EVENTS.mainFound,
      EVENTS.mainGone,
      swept(5_100),
    ],
    "pid file": [
      record({
        state: "starting",
        step: "pid-file",
        tracked: { ...LAUNCHED, commandEnded: true },
        deadlineMs: 9_000,
      }, FORKING),
      stop(5_000),
      EVENTS.mainFound,
      EVENTS.mainGone,
      swept(5_100),
    ],
  };
  const lines: Record<string, readonly string[]> = {};
  for (const [name, [start, ...events]] of Object.entries(stories)) {
    const story = new Story(start);
    for (const event of events) story.on(event);
    assertEquals(story.record.phase.state, "stopped", name);
    assertEquals(story.record.result, "stopped", name);
    lines[name] = story.lines.map((line) => line.replace(/^\w+: /, ""));
  }
  assertEquals(lines, {
    staging: ["stopped"],
    "launcher asked, then it answers": [
      "stopping launch @11000",
      "stopping launch @11000",
      "stopping sigterm @13000, signal 10",
      "stopped",
    ],
    "launcher asked, then it refuses": ["stopping launch @11000", "stopped"],
    "launcher asked, then a crash": ["stopping launch @11000", "stopped"],
    "start command": [
      "stopping launch @11000",
      "stopping launch @11000, findMain @7000",
      "stopping launch @11000, sweep TERM 10",
      "stopped",
    ],
    "start command that leaves a daemon": [
      "stopping launch @11000",
      "stopping launch @11000, findMain @7000",
      "stopping sigterm @13000, watchMain 20, signal 20",
      "stopping sigterm @13000, sweep TERM 10+20",
      "stopped",
    ],
    "pid file": [
      "stopping sigterm @13000, findMain @7000",
      "stopping sigterm @13000, watchMain 20, signal 20",
      "stopping sigterm @13000, sweep TERM 10+20",
      "stopped",
    ],
  });
});

Deno.test("transition() calls nothing stopped before its pid file was read", () => {
  const story = new Story(record({ state: "staging" }, FORKING));
  story.on(EVENTS.prepared).on(launched).on(stop(5_000, 1_000))
    .on(ended(exited(0), { nowMs: 5_500 }))
    .on(deadline(6_000));
  // Nobody is in the session of the start command, but its daemon has its own.
  story.on(swept(6_100)).on(EVENTS.mainFound).on(swept(6_200));
  assertEquals(story.lines.slice(3).map((line) => line.replace(/ @\d+/, "")), [
    "ended: stopping launch, findMain @7500",
    "deadline: stopping sigterm, sweep TERM 10",
    "swept: unchanged",
    "mainFound: stopping sigterm, watchMain 20, signal 20",
    "swept: stopped",
  ]);
});

Deno.test("transition() trusts a stop command that succeeded", () => {
  const story = new Story(running(HELPED));
  story.on(stop(5_000)).on(EVENTS.helperStarted).on(helperEnded(6_000, true))
    .on(ended(exited(0), { nowMs: 7_000 })).on(swept(7_100));
  assertEquals(story.lines, [
    "stopRequested: stopping stop-command @11000, runHelper stop",
    "helperStarted: stopping stop-command @11000",
    "helperEnded: stopping stop-command @11000",
    "ended: stopping stop-command @11000, sweep TERM 10+30",
    "swept: stopped",
  ]);
});

Deno.test("transition() lets a stop command tidy up after the process", () => {
  const story = new Story(running(HELPED));
  story.on(stop(5_000)).on(EVENTS.helperStarted)
    .on(ended(exited(0), { nowMs: 6_000 })).on(helperEnded(7_000, true))
    .on(swept(7_100));
  assertEquals(story.lines.slice(2), [
    "ended: stopping stop-command @11000",
    "helperEnded: stopping stop-command @11000, sweep TERM 10+30",
    "swept: stopped",
  ]);
});

Deno.test("transition() goes on at once when a stop command failed", () => {
  const story = new Story(running(HELPED));
  story.on(stop(5_000)).on(EVENTS.helperStarted).on(helperEnded(6_000, false));
  assertEquals(
    story.lines.at(-1),
    "helperEnded: stopping sigterm @13000, signal 10",
  );
});

Deno.test("transition() climbs from rung to rung as time passes", () => {
  const story = new Story(running(HELPED));
  story.on(stop(5_000)).on(EVENTS.helperStarted).on(deadline(11_000))
    .on(deadline(13_000)).on(EVENTS.helperStarted).on(deadline(18_000))
    .on(deadline(19_000)).on(ended(signalled(9))).on(swept(19_100));
  assertEquals(story.lines, [
    "stopRequested: stopping stop-command @11000, runHelper stop",
    "helperStarted: stopping stop-command @11000",
    "deadline: stopping sigterm @13000, signal 10",
    "deadline: stopping kill-command @18000, runHelper kill",
    "helperStarted: stopping kill-command @18000",
    "deadline: stopping sigkill @19000, sweep KILL 10+30",
    "deadline: stopping sigkill @20000, sweep KILL 10+30",
    "ended: stopping sigkill @20000, sweep KILL 10+30",
    "swept: stopped",
  ]);
  assertEquals(story.record.exit, signalled(9));
});

Deno.test("transition() kills at once when a kill command failed", () => {
  const story = new Story(
    record(stopping("kill-command", SIMPLE), HELPED),
  );
  story.on(EVENTS.helperStarted).on(helperEnded(6_000, false, "kill"));
  assertEquals(
    story.lines.at(-1),
    "helperEnded: stopping sigkill @7000, sweep KILL 10+30",
  );
});

Deno.test("transition() keeps at most 5 s of the timeout for SIGTERM", () => {
  const story = new Story(running(HELPED));
  story.on(stop(0, 60_000)).on(deadline(55_000));
  assertEquals(story.lines, [
    "stopRequested: stopping stop-command @55000, runHelper stop",
    "deadline: stopping sigterm @60000, signal 10",
  ]);
});

Deno.test("transition() is not done while somebody is left", () => {
  const story = new Story(running());
  story.on(ended(exited(3), { nowMs: 5_000, isSessionEmpty: false }))
    .on(swept(5_100, 12, 13)).on(swept(5_200, 13));
  assertEquals(story.record.phase.state, "stopping");
  assertEquals(story.record.result, "exited");
  story.on(deadline(15_000)).on(swept(15_100, 13)).on(swept(15_200));
  assertEquals(story.lines, [
    "ended: stopping sigterm @15000, sweep TERM 10",
    "swept: stopping sigterm @15000, sweep 0 10 after 100",
    "swept: stopping sigterm @15000, sweep 0 10 after 100",
    "deadline: stopping sigkill @16000, sweep KILL 10",
    "swept: stopping sigkill @16000, sweep KILL 10 after 100",
    "swept: stopped",
  ]);
  assertEquals(endOf(story).exit, exited(3));
  assertEquals(endOf(story).finishedMs, 5_000);
});

Deno.test("transition() lets a repeated stop shorten the time", () => {
  const story = new Story(running());
  story.on(stop(0, 60_000)).on(stop(1_000, 5_000)).on(stop(2_000, 60_000));
  assertEquals(story.lines, [
    "stopRequested: stopping sigterm @60000, signal 10",
    "stopRequested: stopping sigterm @6000",
    "stopRequested: unchanged",
  ]);
});

Deno.test("transition() leaves SIGTERM its share of a shortened stop", () => {
  const story = new Story(running(HELPED));
  story.on(stop(0, 60_000)).on(EVENTS.helperStarted).on(stop(1_000, 8_000));
  const { phase } = story.record;
  const isLeft = phase.state === "stopping" && phase.deadlineMs < phase.forceMs;
  assertEquals(isLeft, true, story.lines.at(-1));
});

Deno.test("transition() sweeps although a helper was late to start", () => {
  const story = new Story(running(HELPED));
  story.on(stop(5_000)).on(deadline(11_000)).on(EVENTS.helperStarted)
    .on(ended(signalled(15), { nowMs: 11_100 })).on(helperEnded(11_200, true));
  assertEquals(
    story.lines.some((line) => line.includes("sweep")),
    true,
    story.lines.join("\n"),
  );
});
