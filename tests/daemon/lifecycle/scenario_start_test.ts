import { assertEquals } from "@std/assert";
import type { ProcessEvent } from "../../../daemon/lifecycle/events.ts";
import type { ProcessRecord } from "../../../daemon/lifecycle/record.ts";
import {
  COMMAND,
  ended,
  EVENTS,
  EVERYBODY,
  exited,
  FORKED,
  record,
  signalled,
  SIMPLE,
  Story,
} from "./records.ts";

// Lives of processes from one event to the next. Times are ms; the stop
// timeout is 8 s unless said otherwise.

const FORKING = { PidFile: "/run/p.pid" };

const launched = EVENTS.launched;
const executed = EVENTS.executed;

function prepared(nowMs: number): ProcessEvent {
  return { type: "prepared", nowMs };
}

function stop(nowMs: number, timeoutMs = 8_000): ProcessEvent {
  return { type: "stopRequested", nowMs, timeoutMs };
}

function swept(nowMs: number, ...left: number[]): ProcessEvent {
  return { type: "swept", sessions: EVERYBODY, left, nowMs };
}

function running(part = {}, tracked = SIMPLE): ProcessRecord {
  return record({ state: "running", tracked }, part);
}

/** What is left to say of a process that has ended. */
function endOf({ record }: Story) {
  const { result, exit, finishedMs, message } = record;
  return { result, exit, finishedMs, message };
}

Deno.test("transition() leads a simple process through its life", () => {
  const story = new Story(record({ state: "staging" }));
  story.on(prepared(1_000)).on(launched).on(executed);
  assertEquals(story.record.pid, COMMAND.pid);
  assertEquals(story.record.startedMs, 1_000);
  assertEquals(story.record.message, "process p is running");
  story.on(stop(5_000)).on(ended(signalled(15), { nowMs: 5_200 }));
  assertEquals(story.lines, [
    "prepared: starting launch, launch",
    "launched: starting command",
    "executed: running",
    "stopRequested: stopping sigterm @13000, signal 10",
    "ended: stopped",
  ]);
  assertEquals(endOf(story), {
    result: "stopped",
    exit: signalled(15),
    finishedMs: 5_200,
    message: "process p was stopped: it was ended by signal 15 (SIGTERM)",
  });
});

Deno.test("transition() leads a forking process through its life", () => {
  const story = new Story(
    record({ state: "staging" }, { ...FORKING, StartGracePeriod: 3 }),
  );
  story.on(prepared(1_000)).on(launched).on(executed)
    .on(ended(exited(0), { nowMs: 2_000 })).on(EVENTS.mainFound);
  assertEquals(story.record.pid, 20);
  story.on(stop(5_000)).on(EVENTS.mainGone).on(swept(5_100));
  assertEquals(story.lines, [
    "prepared: starting launch, launch",
    "launched: starting command",
    "executed: unchanged",
    "ended: starting pid-file, findMain @5000",
    "mainFound: running, watchMain 20",
    "stopRequested: stopping sigterm @13000, signal 20",
    "mainGone: stopping sigterm @13000, sweep TERM 20",
    "swept: stopped",
  ]);
  assertEquals(endOf(story).result, "stopped");
  assertEquals(endOf(story).exit, { kind: "unknown" });
});

Deno.test("transition() says why a start was refused", () => {
  const story = new Story(record({ state: "staging" }));
  story.on(prepared(1_000)).on({
    type: "refused",
    message: 'the user "u" does not exist',
    nowMs: 1_100,
  });
  assertEquals(endOf(story), {
    result: "start-failed",
    exit: null,
    finishedMs: 1_100,
    message: 'process p failed to start: the user "u" does not exist',
  });
});

Deno.test("transition() fails the start of a command that fails", () => {
  for (const part of [{}, FORKING]) {
    const story = new Story(record({ state: "staging" }, part));
    story.on(prepared(1_000)).on(launched)
      .on(ended(exited(127), { nowMs: 1_100, reason: "no such file" }));
    // A forking one may have left its daemon behind all the same.
    if (part === FORKING) story.on(EVENTS.mainMissing).on(swept(5_000));
    assertEquals(story.record.phase.state, "stopped");
    assertEquals(endOf(story), {
      result: "start-failed",
      exit: exited(127),
      finishedMs: 1_100,
      message: "process p failed to start: it exited with code 127: " +
        "no such file",
    });
  }
});

Deno.test("transition() fails a start whose pid file names nobody", () => {
  const story = new Story(record({ state: "staging" }, FORKING));
  story.on(prepared(1_000)).on(launched)
    .on(ended(exited(0), { nowMs: 2_000 })).on(EVENTS.mainMissing)
    .on(EVENTS.mainMissing).on(swept(5_000, 21)).on(swept(5_100));
  assertEquals(story.lines.slice(2), [
    "ended: starting pid-file, findMain @3000",
    "mainMissing: stopping sigterm @15000, findMain @7000",
    "mainMissing: stopping sigterm @15000, sweep TERM ",
    "swept: stopping sigterm @15000, sweep 0  after 100",
    "swept: stopped",
  ]);
  assertEquals(endOf(story), {
    result: "start-failed",
    exit: null,
    finishedMs: 5_100,
    message: "process p failed to start: nobody",
  });
});

Deno.test("transition() tells an early failure from a short success", () => {
  const end = (nowMs: number, exit = exited(3)) => {
    const story = new Story(
      record({ state: "staging" }, { StartGracePeriod: 2 }),
    );
    story.on(prepared(1_000)).on(launched).on(executed)
      .on(ended(exit, { nowMs, reason: "why" }));
    return endOf(story);
  };
  assertEquals(end(2_999).result, "start-failed");
  assertEquals(
    end(2_999).message,
    "process p failed to start: it exited with code 3: why",
  );
  assertEquals(end(2_999, signalled(11)).result, "start-failed");
  assertEquals(end(2_999, exited(0)).result, "exited");
  assertEquals(end(3_000).result, "exited");
  assertEquals(end(3_000).message, "process p exited with code 3: why");
  assertEquals(end(3_000, signalled(11)).result, "signalled");
  assertEquals(end(3_000, { kind: "unknown" }).result, "unknown");
});

Deno.test("transition() calls an end unknown when the launcher is lost", () => {
  const story = new Story(running());
  story.on(ended({ kind: "unknown" }, {
    isSessionEmpty: false,
    reason: "its launcher ended without a record",
  })).on(swept(5_100));
  assertEquals(endOf(story), {
    result: "unknown",
    exit: { kind: "unknown" },
    finishedMs: 5_000,
    message: "process p is gone, how it ended was not seen: " +
      "its launcher ended without a record",
  });
});

Deno.test("transition() never takes an unseen end for a success", () => {
  const story = new Story(running({}, SIMPLE));
  story.on(EVENTS.mainGone).on(swept(5_100));
  assertEquals(story.record.exit, { kind: "unknown" });
  assertEquals(story.record.result, "unknown");
});

Deno.test("transition() keeps what was seen first of an end", () => {
  // A daemon that is started again watches a main process that is gone.
  const story = new Story(running(FORKING, FORKED));
  story.on({ type: "mainGone", nowMs: 6_000 }).on(swept(6_100, 21))
    .on({ type: "mainGone", nowMs: 9_000 }).on(swept(9_100));
  assertEquals(story.record.finishedMs, 6_000);
});

Deno.test("transition() starts another generation after a crash", () => {
  const story = new Story(record({ state: "starting", step: "launch" }));
  story.on(EVENTS.claimed);
  assertEquals(story.lines, ["claimed: staging, prepare"]);
  assertEquals(story.record.generation, 2);
});
