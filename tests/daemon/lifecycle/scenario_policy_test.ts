import { assertEquals, assertMatch } from "@std/assert";
import type { RestartPolicy } from "../../../shared/manager_api/types.ts";
import type { ProcessEvent } from "../../../daemon/lifecycle/events.ts";
import type { Exit, ProcessRecord } from "../../../daemon/lifecycle/record.ts";
import { toStatus } from "../../../daemon/lifecycle/status.ts";
import {
  COMMAND,
  ended,
  EVENTS,
  exited,
  HELPER,
  record,
  signalled,
  SIMPLE,
  Story,
} from "./records.ts";

// Starts again by a process's own policy. Times are ms.

function again(part: Partial<RestartPolicy> = {}) {
  const RestartPolicy: RestartPolicy = {
    Policy: "Always",
    Interval: 2,
    Backoff: 3,
    MaxTimes: 0,
    ...part,
  };
  return { RestartPolicy };
}

function running(
  policy: Partial<RestartPolicy> = {},
  part: Partial<ProcessRecord> = {},
): Story {
  const phase = { state: "running", tracked: SIMPLE } as const;
  return new Story(record(phase, again(policy), { pid: 10, ...part }));
}

/** From the end of its wait until it runs; the start is at that time too. */
function startAgain(story: Story): Story {
  const { phase } = story.record;
  const nowMs = phase.state === "starting" && phase.step === "backoff"
    ? phase.deadlineMs
    : 0;
  return story.on({ type: "deadline", nowMs })
    .on({ type: "prepared", nowMs }).on(EVENTS.launched)
    .on({ type: "executed", nowMs });
}

/** How long it has been running when it ends. */
function endAfter(story: Story, ranMs: number, exit = exited(1)): Story {
  return story.on(ended(exit, { nowMs: story.record.startedMs + ranMs }));
}

function waitOf({ record: { phase, finishedMs } }: Story): number | null {
  return phase.state === "starting" && phase.step === "backoff"
    ? phase.deadlineMs - (finishedMs ?? 0)
    : null;
}

Deno.test("transition() waits, and starts the next generation by itself", () => {
  const story = running({ MaxTimes: 3 });
  endAfter(story, 5_000, exited(7));
  const status = toStatus(story.record);
  assertEquals(
    {
      ...status,
      Message: "",
    },
    {
      Id: "p",
      Status: "starting",
      ExitCode: 7,
      Message: "",
      Pid: 10,
      RegisterTime: 0,
      LastStartTime: 0,
      Result: "exited",
      Signal: 0,
      ExitKnown: true,
      FinishTime: 5,
      Generation: 1,
      Owner: "",
      Healthy: null,
      Restarts: 0,
      NextStartTime: 7,
      OOMKilled: false,
    },
  );
  assertEquals(
    status.Message,
    "process p exited with code 7; start again 1 of 3 comes after 2 s",
  );
  startAgain(story);
  assertEquals(story.lines, [
    "ended: starting backoff @7000",
    "deadline: staging, prepare",
    "prepared: starting launch, launch",
    "launched: starting command",
    "executed: running",
  ]);
  const after = toStatus(story.record);
  assertEquals(
    [after.Generation, after.Restarts, after.NextStartTime, after.Result],
    [2, 1, 0, "none"],
  );
});

Deno.test("transition() makes each wait longer, and gives up in the end", () => {
  const story = running({ MaxTimes: 3 });
  const waits = [];
  for (let n = 0; n < 3; n++) {
    endAfter(story, 1_500);
    waits.push(waitOf(story));
    startAgain(story);
  }
  assertEquals(waits, [2_000, 5_000, 8_000]);
  endAfter(story, 1_500);
  const { phase, message, generation, result } = story.record;
  assertEquals([phase.state, generation, result], ["stopped", 4, "exited"]);
  assertEquals(
    message,
    "process p exited with code 1; it was started again 3 times, which is " +
      "the most",
  );
});

Deno.test("transition() never starts again at once", () => {
  assertEquals(
    waitOf(endAfter(running({ Interval: 0, Backoff: 0 }), 0)),
    1_000,
  );
});

Deno.test("transition() forgets failures after a run that was long enough", () => {
  // Ten times the wait before it, at least a minute, at most an hour.
  const cases: [number, number, boolean][] = [
    [2, 59_999, false],
    [2, 60_000, true],
    [30, 299_999, false],
    [30, 300_000, true],
    [10_000, 3_599_999, false],
    [10_000, 3_600_000, true],
  ];
  for (const [Interval, ranMs, isForgotten] of cases) {
    const story = running({ Interval, Backoff: 0 });
    startAgain(endAfter(story, 1_500));
    endAfter(story, ranMs);
    assertEquals(
      story.record.restarts,
      isForgotten ? 0 : 1,
      `${Interval} s before it, ${ranMs} ms of it`,
    );
  }
});

Deno.test("transition() takes a start that fails late for no good run", () => {
  const story = running({ MaxTimes: 1 }, { restarts: 1 });
  endAfter(story, 500);
  assertEquals(story.record.result, "start-failed");
  const slow = new Story(
    record({ state: "staging" }, again({ MaxTimes: 1 }), { restarts: 1 }),
  ).on({ type: "refused", message: "no", nowMs: 9_000_000 });
  assertEquals(slow.lines, ["refused: stopped"]);
});

for (
  const [exit, isFailure] of [
    [exited(0), false],
    [exited(1), true],
    [signalled(15), true],
    [{ kind: "unknown" }, true],
  ] as const satisfies readonly (readonly [Exit, boolean])[]
) {
  Deno.test(`transition() knows whether ${JSON.stringify(exit)} is a failure`, () => {
    const endOf = (Policy: RestartPolicy["Policy"]) =>
      waitOf(endAfter(running({ Policy }), 2_000, exit)) !== null;
    assertEquals(endOf("Never"), false);
    assertEquals(endOf("Always"), true);
    assertEquals(endOf("OnFailure"), isFailure);
  });
}

Deno.test("transition() starts again what could not be started", () => {
  const story = new Story(
    record({ state: "staging" }, again({ Policy: "OnFailure" })),
  ).on(EVENTS.refused);
  assertEquals(story.lines, ["refused: starting backoff @7000"]);
  assertMatch(story.record.message, /^process p failed to start: no; start/);
  const forking = new Story(
    record(
      {
        state: "starting",
        step: "pid-file",
        tracked: { ...SIMPLE, main: null, commandEnded: true },
        deadlineMs: 6_000,
      },
      { ...again({ Policy: "OnFailure" }), PidFile: "/run/p.pid" },
    ),
  ).on(EVENTS.mainMissing).on(EVENTS.mainMissing)
    .on({ type: "swept", sessions: [COMMAND], left: [], nowMs: 8_000 });
  assertEquals(forking.lines.at(-1), "swept: starting backoff @10000");
});

Deno.test("transition() starts again what was never well, or ended before", () => {
  const checked = () =>
    new Story(
      record(
        {
          state: "starting",
          step: "check",
          tracked: SIMPLE,
          deadlineMs: 5_000,
        },
        { ...again(), CheckCmd: "/bin/check" },
      ),
    );
  const failed = checked().on(EVENTS.checkFailed).on(ended(signalled(15)));
  assertEquals(failed.lines.at(-1), "ended: starting backoff @7000");
  assertEquals(failed.record.result, "start-failed");
  const early = checked().on(ended(exited(1)));
  assertEquals(early.lines, ["ended: starting backoff @7000"]);
});

Deno.test("transition() waits until nobody of the last start is left", () => {
  const story = new Story(
    record(
      { state: "running", tracked: { ...SIMPLE, sessions: [COMMAND, HELPER] } },
      again(),
    ),
  ).on(ended(exited(1)))
    .on({
      type: "swept",
      sessions: [COMMAND, HELPER],
      left: [31],
      nowMs: 6_000,
    })
    .on({ type: "swept", sessions: [COMMAND, HELPER], left: [], nowMs: 7_000 });
  assertEquals(story.lines.at(-1), "swept: starting backoff @9000");
});

Deno.test("transition() never starts again what was asked to stop", () => {
  const stop = EVENTS.stopRequested;
  assertEquals(
    running().on(stop).on(ended(signalled(15))).record.phase.state,
    "stopped",
  );
  // Also if its end was under way when it was asked.
  const leftovers = new Story(
    record(
      { state: "running", tracked: { ...SIMPLE, sessions: [COMMAND, HELPER] } },
      again(),
    ),
  ).on(ended(exited(1))).on(stop).on(EVENTS.swept);
  assertEquals(leftovers.lines.at(-1), "swept: stopped");
  assertEquals(
    new Story(record({ state: "staging" }, again())).on(stop).lines,
    ["stopRequested: stopped"],
  );
});

Deno.test("transition() stops what waits at once, and its end stays known", () => {
  const story = endAfter(running(), 2_000, exited(7)).on(EVENTS.stopRequested);
  const { phase, result, exit, message } = story.record;
  assertEquals([phase.state, result, exit], ["stopped", "stopped", exited(7)]);
  assertEquals(message, "process p was stopped before it was started again");
  assertEquals(story.on(EVENTS.deadline).lines.at(-1), "deadline: ignored");
});

Deno.test("transition() starts anew with a restart, and counts anew", () => {
  const counted = () => endAfter(running({}, { restarts: 4 }), 2_000);
  assertEquals(waitOf(counted()), 14_000);
  const waiting = counted().on(EVENTS.restartRequested);
  assertEquals(waiting.lines.at(-1), "restartRequested: staging, prepare");
  assertEquals(waiting.record.restarts, 0);
  const live = running({}, { restarts: 4 }).on(EVENTS.restartRequested)
    .on(ended(signalled(15)));
  assertEquals(live.record.restarts, 0);
  const own = new Story({
    ...running({}, { restarts: 4 }).record,
    info: { ...running().record.info, RestartCmd: "/bin/restart" },
  }).on(EVENTS.restartRequested);
  assertEquals(own.record.restarts, 0);
});

Deno.test("transition() counts no start twice over a crash of the daemon", () => {
  const asked = new Story(
    record({ state: "starting", step: "launch" }, again(), { restarts: 2 }),
  ).on(EVENTS.claimed);
  assertEquals(asked.lines, ["claimed: staging, prepare"]);
  assertEquals(asked.record.restarts, 2);
});

Deno.test("transition() gives the group away before the wait, and once", () => {
  const limiting = { kind: "asked", generation: 1 } as const;
  const story = running({}, { limiting }).on(ended(exited(1)))
    .on(EVENTS.stopRequested);
  assertEquals(story.lines, [
    "ended: starting backoff @7000, removeGroup 1",
    "stopRequested: stopped",
  ]);
});

Deno.test("transition() lets no late word of the last start into the wait", () => {
  const story = endAfter(running(), 2_000);
  const before = story.record;
  const late: ProcessEvent[] = [
    ended(exited(3)),
    EVENTS.mainGone,
    EVENTS.refused,
    EVENTS.launched,
    EVENTS.swept,
    EVENTS.mainMissing,
    EVENTS.checkFailed,
  ];
  for (const event of late) story.on(event);
  assertEquals(story.record === before, true);
});
