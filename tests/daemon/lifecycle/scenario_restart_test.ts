import { assertEquals } from "@std/assert";
import type { ProcessEvent } from "../../../daemon/lifecycle/events.ts";
import { trackedOf } from "../../../daemon/lifecycle/record.ts";
import {
  COMMAND,
  ended,
  EVENTS,
  EVERYBODY,
  exited,
  FORKED,
  HELPER,
  identity,
  MAIN,
  record,
  signalled,
  SIMPLE,
  Story,
} from "./records.ts";

// Restarts from one event to the next. Times are ms.

const FORKING = { PidFile: "/run/p.pid" };
const RESTARTED = { RestartCmd: "/bin/restart" };
const NEXT = identity(40);

const nextFound: ProcessEvent = {
  type: "mainFound",
  main: NEXT,
  session: NEXT,
};

function restart(nowMs: number, timeoutMs = 8_000): ProcessEvent {
  return { type: "restartRequested", nowMs, timeoutMs };
}

function stop(nowMs: number, timeoutMs = 8_000): ProcessEvent {
  return { type: "stopRequested", nowMs, timeoutMs };
}

function restartEnded(
  nowMs: number,
  part: Partial<Extract<ProcessEvent, { type: "restartEnded" }>> = {},
): ProcessEvent {
  return {
    type: "restartEnded",
    failure: null,
    isMainAlive: true,
    nowMs,
    ...part,
  };
}

function swept(nowMs: number, ...left: number[]): ProcessEvent {
  return { type: "swept", sessions: [...EVERYBODY, NEXT], left, nowMs };
}

function running(part = {}, tracked = SIMPLE): Story {
  return new Story(
    record({ state: "running", tracked }, part, {
      pid: tracked.main?.pid ?? 0,
      message: "before",
    }),
  );
}

function sessionsOf({ record }: Story): readonly number[] | undefined {
  return trackedOf(record.phase)?.sessions.map(({ pid }) => pid);
}

Deno.test("transition() makes a restart one life, and the next one new", () => {
  const story = running().on(restart(5_000)).on(ended(signalled(15)))
    .on({ type: "prepared", nowMs: 6_000 });
  assertEquals(story.lines, [
    "restartRequested: stopping sigterm @13000, signal 10",
    "ended: staging, prepare",
    "prepared: starting launch, launch",
  ]);
  const { generation, result, exit, finishedMs, pid, startedMs } = story.record;
  assertEquals({ generation, result, exit, finishedMs, pid, startedMs }, {
    generation: 2,
    result: "none",
    exit: null,
    finishedMs: null,
    pid: 0,
    startedMs: 6_000,
  });
});

Deno.test("transition() keeps a restart through every rung", () => {
  const story = running({ StopCmd: "/bin/stop", KillCmd: "/bin/kill" })
    .on(restart(5_000)).on(EVENTS.helperStarted)
    .on({ type: "deadline", nowMs: 11_000 })
    .on({ type: "deadline", nowMs: 13_000 }).on(EVENTS.helperStarted)
    .on({ type: "deadline", nowMs: 18_000 })
    .on(ended(signalled(9))).on(swept(18_100));
  assertEquals(story.lines.at(-1), "swept: staging, prepare");
});

Deno.test("transition() keeps a stop command off the next generation", () => {
  // It was asked for and has not begun when the process ends by itself.
  const story = running({ StopCmd: "/bin/stop" }).on(restart(5_000))
    .on(ended(exited(0))).on(EVENTS.helperStarted).on(EVENTS.helperEnded)
    .on(swept(6_100));
  assertEquals(story.lines.slice(1), [
    "ended: stopping stop-command @11000",
    "helperStarted: stopping stop-command @11000",
    "helperEnded: stopping stop-command @11000, sweep TERM 10+30",
    "swept: staging, prepare",
  ]);
});

Deno.test("transition() keeps a late stop command off the next generation", () => {
  // The host is slow: all is over before the command has begun.
  const late = () =>
    running({ StopCmd: "/bin/stop" }).on(restart(5_000))
      .on({ type: "deadline", nowMs: 11_000 })
      .on(ended(signalled(15))).on(swept(12_000));
  const story = late().on(EVENTS.helperStarted).on(swept(12_100, HELPER.pid))
    .on({ type: "deadline", nowMs: 13_000 }).on(swept(13_100));
  assertEquals(story.lines.slice(1), [
    "deadline: stopping sigterm @13000, signal 10",
    "ended: stopping sigterm @13000, sweep TERM 10",
    "swept: stopping sigterm @13000, sweep 0 10 after 100",
    "helperStarted: stopping sigterm @13000",
    "swept: stopping sigterm @13000, sweep 0 10+30 after 100",
    "deadline: stopping sigkill @14000, sweep KILL 10+30",
    "swept: staging, prepare",
  ]);
  // Or it never begins.
  const never = late().on({ type: "deadline", nowMs: 13_000 })
    .on(swept(13_100)).on(EVENTS.helperEnded).on(swept(13_200));
  assertEquals(never.lines.slice(4), [
    "deadline: stopping sigkill @14000, sweep KILL 10",
    "swept: stopping sigkill @14000, sweep KILL 10 after 100",
    "helperEnded: stopping sigkill @14000",
    "swept: staging, prepare",
  ]);
});

Deno.test("transition() skips the kill command while the stop command is not heard of", () => {
  const story = running({ StopCmd: "/bin/stop", KillCmd: "/bin/kill" })
    .on(restart(5_000)).on({ type: "deadline", nowMs: 11_000 })
    .on({ type: "deadline", nowMs: 13_000 });
  assertEquals(
    story.lines.at(-1),
    "deadline: stopping sigkill @14000, sweep KILL 10",
  );
});

Deno.test("transition() restarts what is about to be executed", () => {
  const story = new Story(record({ state: "starting", step: "launch" }))
    .on(restart(5_000)).on(EVENTS.launched).on(EVENTS.executed)
    .on(ended(signalled(15)));
  assertEquals(story.lines.at(-1), "ended: staging, prepare");
});

Deno.test("transition() lets a stop cancel a restart, never the reverse", () => {
  const story = running().on(restart(5_000)).on(stop(5_100)).on(restart(5_200))
    .on(ended(signalled(15)));
  assertEquals(story.lines.slice(1), [
    "stopRequested: stopping sigterm @13000",
    "restartRequested: unchanged",
    "ended: stopped",
  ]);
  assertEquals(story.record.result, "stopped");
  // Also where it was to be restarted after its own end.
  const own = running({}, { ...SIMPLE, sessions: [COMMAND, HELPER] })
    .on(ended(exited(1))).on(restart(5_000)).on(stop(5_100)).on(swept(5_200));
  assertEquals(own.lines.at(-1), "swept: stopped");
  assertEquals(own.record.result, "exited");
});

Deno.test("transition() follows a restart command to the next main process", () => {
  const story = running({ ...FORKING, ...RESTARTED }, FORKED)
    .on(restart(5_000)).on(EVENTS.helperStarted)
    .on({ type: "mainGone", nowMs: 5_500 }).on(restartEnded(6_000))
    .on(nextFound);
  assertEquals(story.lines, [
    "restartRequested: starting restart-command, runRestart @5000",
    "helperStarted: starting restart-command",
    "mainGone: starting restart-command",
    "restartEnded: starting pid-file, findMain @7000",
    "mainFound: running, watchMain 40, sweep 0 10+20+30",
  ]);
  const { generation, pid, startedMs, exit, result } = story.record;
  assertEquals([generation, pid, startedMs, exit, result], [
    2,
    40,
    6_000,
    null,
    "none",
  ]);
  // Numbers of sessions that are empty are given back, all others are kept.
  const sessions = [COMMAND, MAIN, HELPER];
  story.on({ type: "swept", sessions, left: [31], nowMs: 6_100 });
  assertEquals(sessionsOf(story), [10, 20, 30, 40]);
  story.on({ type: "swept", sessions, left: [], nowMs: 6_200 });
  assertEquals(sessionsOf(story), [40]);
});

Deno.test("transition() takes the end of the old main process for none", () => {
  const story = running({ ...FORKING, ...RESTARTED }, FORKED)
    .on(restart(5_000)).on(restartEnded(6_000))
    .on({ type: "mainGone", nowMs: 6_100 })
    .on({ type: "mainGone", nowMs: 6_200 });
  assertEquals(story.record.phase.state, "starting");
  assertEquals(story.record.exit, null);
  assertEquals(story.on(nextFound).record.generation, 2);
});

Deno.test("transition() stays with the old main process if a restart failed", () => {
  const failure = "it exited with code 3";
  const story = running({ ...FORKING, ...RESTARTED }, FORKED)
    .on(restart(5_000)).on(EVENTS.helperStarted)
    .on(restartEnded(6_000, { failure })).on(EVENTS.mainFound);
  assertEquals(story.lines.at(-1), "mainFound: running, killSession 30");
  const { generation, phase, message, startedMs } = story.record;
  assertEquals([generation, startedMs], [1, 0]);
  assertEquals(phase.state === "running" && phase.restartFailure, failure);
  assertEquals(message, `process p is running still: ${failure}`);
  story.on(EVENTS.sessionKilled);
  assertEquals(sessionsOf(story), [10, 20]);
  // Another main process means that it was restarted all the same.
  story.on(restart(7_000)).on(restartEnded(8_000, { failure })).on(nextFound);
  assertEquals(story.record.generation, 2);
  assertEquals("restartFailure" in story.record.phase, false);
});

Deno.test("transition() stops nobody because a failed restart hid the pid file", () => {
  const missing: ProcessEvent = {
    type: "mainMissing",
    message: "nobody",
    nowMs: 7_000,
  };
  const failed = () =>
    running({ ...FORKING, ...RESTARTED }, FORKED).on(restart(5_000))
      .on(restartEnded(6_000, { failure: "it failed" }));
  assertEquals(failed().on(missing).lines.at(-1), "mainMissing: running");
  const gone = failed().on({ type: "mainGone", nowMs: 6_500 }).on(missing);
  assertEquals(gone.record.result, "start-failed");
  assertEquals(
    gone.record.message,
    "process p failed to start: it failed; nobody",
  );
});

Deno.test("transition() starts a simple process that a restart command ended", () => {
  const first = running(RESTARTED).on(restart(5_000)).on(EVENTS.helperStarted);
  const before = first.record;
  // The launcher's word may come before or after that of the command.
  for (
    const events of [
      [ended(exited(0)), restartEnded(6_000, { isMainAlive: false })],
      [restartEnded(6_000, { isMainAlive: false }), ended(exited(0))],
      [ended(exited(0)), restartEnded(6_000)],
    ]
  ) {
    const story = new Story(before);
    for (const event of events) story.on(event);
    assertEquals(story.record.phase.state, "stopping");
    story.on(swept(6_100));
    assertEquals(story.lines.at(-1), "swept: staging, prepare");
    assertEquals([story.record.generation, story.record.exit], [2, null]);
  }
});

Deno.test("transition() kills a restart command that hangs, until it ends", () => {
  const story = running(RESTARTED).on(restart(5_000, 2_000))
    .on({ type: "deadline", nowMs: 7_000 }).on(EVENTS.helperStarted)
    .on({ type: "deadline", nowMs: 8_000 })
    .on(restartEnded(8_100, { failure: "killed" }));
  assertEquals(story.lines.slice(1), [
    "deadline: starting restart-command",
    "helperStarted: starting restart-command",
    "deadline: starting restart-command, killSession 30",
    "restartEnded: running, killSession 30",
  ]);
});

Deno.test("transition() ends a restart command before it stops the rest", () => {
  const simple = running({ ...RESTARTED, StopCmd: "/bin/stop" })
    .on(restart(5_000)).on(stop(5_100)).on(EVENTS.helperStarted)
    .on(restartEnded(5_200, { failure: "killed" }));
  assertEquals(simple.lines.slice(1), [
    "stopRequested: stopping restart-command @13100",
    "helperStarted: stopping restart-command @13100, killSession 30",
    "restartEnded: stopping stop-command @11125, runHelper stop",
  ]);
  // Its end is no reason to believe that the restart command is gone.
  const ending = running(RESTARTED).on(restart(5_000)).on(stop(5_100))
    .on(ended(exited(0))).on(restartEnded(5_200)).on(swept(5_300));
  assertEquals(ending.lines.slice(2), [
    "ended: stopping restart-command @13100",
    "restartEnded: stopping sigterm @13100, sweep TERM 10",
    "swept: stopped",
  ]);
  assertEquals(ending.record.result, "stopped");
  assertEquals(ending.record.exit, exited(0));
});

Deno.test("transition() stops what a restart command has put in its place", () => {
  const story = running({ ...FORKING, ...RESTARTED }, FORKED)
    .on(restart(5_000)).on(EVENTS.helperStarted)
    .on({ type: "mainGone", nowMs: 5_050 }).on(stop(5_100))
    .on(restartEnded(5_200)).on(nextFound)
    .on({ type: "mainGone", nowMs: 5_300 }).on(swept(5_400));
  assertEquals(story.lines.slice(3), [
    "stopRequested: stopping restart-command @13100, killSession 30",
    "restartEnded: stopping sigterm @13100, findMain @7200",
    "mainFound: stopping sigterm @13100, watchMain 40, signal 40",
    "mainGone: stopping sigterm @13100, sweep TERM 10+20+30+40",
    "swept: stopped",
  ]);
});

Deno.test("transition() looks again at a session that came late", () => {
  const story = running({ StopCmd: "/bin/stop" }).on(stop(5_000))
    .on({ type: "mainGone", nowMs: 5_100 }).on(EVENTS.helperStarted)
    .on({ type: "swept", sessions: [COMMAND], left: [], nowMs: 5_200 })
    .on(swept(5_300));
  assertEquals(story.lines.slice(-2), [
    "swept: stopping stop-command @11000, sweep 0 10+30",
    "swept: stopped",
  ]);
});

Deno.test("transition() changes nothing but the history by a reload", () => {
  const story = running().on(EVENTS.reloaded);
  assertEquals(story.record, {
    ...running().record,
    message: "process p was reloaded",
  });
  assertEquals(
    new Story(record({ state: "stopped" })).on(EVENTS.reloaded).lines,
    [
      "reloaded: ignored",
    ],
  );
});
