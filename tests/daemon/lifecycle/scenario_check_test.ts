import { assertEquals } from "@std/assert";
import { isCheckNews } from "../../../daemon/lifecycle/check.ts";
import type { ProcessEvent } from "../../../daemon/lifecycle/events.ts";
import type { Phase } from "../../../daemon/lifecycle/record.ts";
import { toStatus } from "../../../daemon/lifecycle/status.ts";
import {
  COMMAND,
  ended,
  EVENTS,
  exited,
  FORKED,
  MAIN,
  record,
  signalled,
  SIMPLE,
  Story,
} from "./records.ts";

// Processes with a CheckCmd, from one event to the next. Times are ms.

const CHECKED = { CheckCmd: "/bin/check" };
const FORKING = { PidFile: "/run/p.pid" };

function healthOf({ record }: Story) {
  const { Status, Healthy } = toStatus(record);
  return [Status, Healthy];
}

Deno.test("transition() calls a simple process running once it is well", () => {
  const story = new Story(
    record({ state: "starting", step: "launch" }, CHECKED),
  )
    .on(EVENTS.launched).on(EVENTS.executed);
  assertEquals(story.record.pid, COMMAND.pid);
  assertEquals(healthOf(story), ["starting", false]);
  assertEquals(
    story.record.phase.state === "starting" &&
      story.record.phase.step === "check" && story.record.phase.deadlineMs,
    65_000,
  );
  story.on(EVENTS.checkPassed);
  assertEquals(healthOf(story), ["running", true]);
  assertEquals(story.lines, [
    "launched: starting command",
    "executed: starting check, check",
    "checkPassed: running, check",
  ]);
});

Deno.test("transition() gives a pid file and the check one time together", () => {
  const story = new Story(
    record(
      {
        state: "starting",
        step: "command",
        tracked: { ...FORKED, main: null, commandEnded: false },
      },
      { ...CHECKED, ...FORKING, StartGracePeriod: 30 },
    ),
  ).on(ended(exited(0), { isSessionEmpty: true })).on(EVENTS.mainFound);
  assertEquals(story.lines, [
    "ended: starting pid-file, findMain @35000",
    "mainFound: starting check, watchMain 20, check",
  ]);
  const { phase } = story.record;
  assertEquals("deadlineMs" in phase && phase.deadlineMs, 35_000);
});

Deno.test("transition() stops what was never well, and says why", () => {
  const story = new Story(
    record(
      { state: "starting", step: "check", tracked: SIMPLE, deadlineMs: 5_000 },
      { ...CHECKED, StopCmd: "/bin/stop" },
    ),
  ).on({
    type: "checkFailed",
    message: "its check command exited with code 1: no db",
    nowMs: 5_000,
  }).on(EVENTS.helperStarted).on(EVENTS.helperEnded)
    .on(ended(signalled(15))).on(EVENTS.swept);
  assertEquals(
    story.lines[0],
    "checkFailed: stopping stop-command @12500, " +
      "runHelper stop",
  );
  const { phase, result, message, exit } = story.record;
  assertEquals([phase.state, result, exit], [
    "stopped",
    "start-failed",
    signalled(15),
  ]);
  assertEquals(
    message,
    "process p failed to start: its check command exited with code 1: no db",
  );
});

Deno.test("transition() takes an end before the first success for what it is", () => {
  const starting = () =>
    new Story(
      record(
        {
          state: "starting",
          step: "check",
          tracked: SIMPLE,
          deadlineMs: 9_000,
        },
        CHECKED,
      ),
    );
  assertEquals(starting().on(ended(exited(1))).record.result, "start-failed");
  assertEquals(starting().on(ended(exited(0))).record.result, "exited");
  // Afterwards it has proved itself, however soon it ends.
  const proved = starting().on(EVENTS.checkPassed).on(ended(exited(1)));
  assertEquals(proved.record.result, "exited");
});

Deno.test("transition() says that a running process is not well, no more", () => {
  const story = new Story(
    record({ state: "running", tracked: SIMPLE }, CHECKED),
  )
    .on(EVENTS.checkFailed).on(EVENTS.checkFailed);
  assertEquals(healthOf(story), ["running", false]);
  assertEquals(
    story.record.message,
    "process p is running, but not well: not well",
  );
  story.on(EVENTS.checkPassed).on(EVENTS.checkPassed);
  assertEquals(healthOf(story), ["running", true]);
  assertEquals(story.record.message, "process p is running");
  assertEquals(story.lines, [
    "checkFailed: running",
    "checkFailed: unchanged",
    "checkPassed: running",
    "checkPassed: unchanged",
  ]);
});

Deno.test("transition() checks who a restart command has started", () => {
  const restarted = (main: typeof MAIN): ProcessEvent => ({
    type: "mainFound",
    main,
    session: main,
  });
  const story = () =>
    new Story(
      record({ state: "running", tracked: FORKED }, {
        ...CHECKED,
        ...FORKING,
        RestartCmd: "/bin/restart",
      }),
    ).on(EVENTS.restartRequested).on(EVENTS.helperStarted)
      .on(EVENTS.restartEnded);
  const other = { ...MAIN, pid: 40 };
  assertEquals(
    story().on(restarted(other)).lines.at(-1),
    "mainFound: starting check, watchMain 40, check, sweep 0 10+20+30",
  );
  // The old one is not at stake.
  assertEquals(
    story().on(restarted(MAIN)).lines.at(-1),
    "mainFound: running, watchMain 20, check, sweep 0 10+30",
  );
});

Deno.test("isCheckNews() knows what is to be told", () => {
  const starting: Phase = {
    state: "starting",
    step: "check",
    tracked: SIMPLE,
    deadlineMs: 5_000,
  };
  const well: Phase = { state: "running", tracked: SIMPLE };
  const unwell: Phase = { ...well, isUnhealthy: true };
  const cases: [Phase, number, number, boolean][] = [
    [starting, 0, 9_000, true],
    [starting, 1, 4_999, false],
    [starting, 1, 5_000, true],
    [well, 0, 0, false],
    [well, 1, 0, false],
    [well, 2, 0, false],
    [well, 3, 0, true],
    [unwell, 0, 0, true],
    [unwell, 3, 0, false],
    [{ state: "stopped" }, 3, 0, false],
  ];
  for (const [phase, failures, nowMs, expected] of cases) {
    assertEquals(
      isCheckNews(phase, failures, nowMs),
      expected,
      `${phase.state}, ${failures} failures at ${nowMs}`,
    );
  }
});
