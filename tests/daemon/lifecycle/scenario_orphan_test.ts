import { assertEquals } from "@std/assert";
import type { ProcessEvent } from "../../../daemon/lifecycle/events.ts";
import type { Phase, ProcessRecord } from "../../../daemon/lifecycle/record.ts";
import { toStatus } from "../../../daemon/lifecycle/status.ts";
import {
  ended,
  EVENTS,
  EVERYBODY,
  exited,
  record,
  signalled,
  SIMPLE,
  stopping,
  Story,
} from "./records.ts";

// Lives of processes whose owner is silent. Its lease is 600 s, a stop has 10 s.

const SILENT = "its owner run-1 was not heard of for 600 s";

/** A process that has an owner. */
function owned(phase: Phase): ProcessRecord {
  return record(phase, {}, { owner: "run-1" });
}

function endOf({ record }: Story): Pick<
  ProcessRecord,
  "result" | "message" | "exit"
> {
  const { result, message, exit } = record;
  return { result, message, exit };
}

function swept(nowMs: number, ...left: number[]): ProcessEvent {
  return { type: "swept", sessions: EVERYBODY, left, nowMs };
}

Deno.test("an orphan is stopped with its own time, and says why", () => {
  const story = new Story(owned({ state: "running", tracked: SIMPLE }))
    .on(EVENTS.leaseEnded);
  assertEquals(
    story.record.message,
    `process p is being stopped, as ${SILENT}`,
  );
  story.on(ended(signalled(15), { nowMs: 6_000 }));
  assertEquals(story.lines, [
    "leaseEnded: stopping sigterm @15000, signal 10",
    "ended: stopped",
  ]);
  assertEquals(endOf(story), {
    result: "lease-expired",
    message: `process p was stopped, as ${SILENT}: it was ended by signal 15 ` +
      "(SIGTERM)",
    exit: signalled(15),
  });
  const { Owner, Status } = toStatus(story.record);
  assertEquals([Owner, Status], ["run-1", "stopped"]);
});

Deno.test("a stop that is asked for does not change why an orphan ended", () => {
  const story = new Story(owned({ state: "running", tracked: SIMPLE }))
    .on(EVENTS.leaseEnded)
    .on({ type: "stopRequested", timeoutMs: 1_000, nowMs: 5_000 })
    .on({ type: "deadline", nowMs: 6_000 })
    .on(EVENTS.mainGone)
    .on(swept(7_000));
  assertEquals(story.lines, [
    "leaseEnded: stopping sigterm @15000, signal 10",
    "stopRequested: stopping sigterm @6000",
    "deadline: stopping sigkill @7000, sweep KILL 10",
    "mainGone: stopping sigkill @7000, sweep KILL 10",
    "swept: stopped",
  ]);
  assertEquals(endOf(story), {
    result: "lease-expired",
    message: `process p was stopped, as ${SILENT}`,
    exit: { kind: "unknown" },
  });
});

Deno.test("an orphan is stopped whatever its start has come to", () => {
  const start = owned({ state: "staging" });
  const before = new Story(start).on(EVENTS.leaseEnded);
  assertEquals(endOf(before), {
    result: "lease-expired",
    message: `process p was stopped before it was started, as ${SILENT}`,
    exit: null,
  });
  const refused = new Story(start).on(EVENTS.prepared).on(EVENTS.leaseEnded)
    .on(EVENTS.refused);
  assertEquals(refused.record.phase.state, "stopped");
  assertEquals(refused.record.result, "lease-expired");
  const claimed = new Story(start).on(EVENTS.prepared).on(EVENTS.leaseEnded)
    .on(EVENTS.claimed);
  assertEquals(endOf(claimed), endOf(before));
  const launched = new Story(start).on(EVENTS.prepared).on(EVENTS.leaseEnded)
    .on(EVENTS.launched).on(EVENTS.executed).on(ended(exited(0)));
  assertEquals(launched.lines.slice(1), [
    "leaseEnded: stopping launch @12500",
    "launched: stopping launch @12500",
    "executed: stopping sigterm @15000, signal 10",
    "ended: stopped",
  ]);
  assertEquals(endOf(launched), {
    result: "lease-expired",
    message: `process p was stopped, as ${SILENT}: it exited with code 0`,
    exit: exited(0),
  });
});

Deno.test("an orphan is not restarted, whenever it was to be", () => {
  const running = owned({ state: "running", tracked: SIMPLE });
  const living = new Story(running).on(EVENTS.restartRequested)
    .on(EVENTS.leaseEnded);
  assertEquals(
    living.record.message,
    `process p is being stopped, as ${SILENT}`,
  );
  living.on(ended(exited(0)));
  assertEquals(endOf(living).result, "lease-expired");
  assertEquals(living.record.phase.state, "stopped");
  // Its main process has ended, others of it have not.
  const left = new Story(running).on(EVENTS.restartRequested)
    .on(ended(exited(0), { isSessionEmpty: false })).on(EVENTS.leaseEnded)
    .on(swept(6_000));
  assertEquals(endOf(left), {
    result: "lease-expired",
    message: `process p was stopped, as ${SILENT}: it exited with code 0`,
    exit: exited(0),
  });
  const afterAll = new Story(running).on(ended(exited(3), {
    isSessionEmpty: false,
  })).on(EVENTS.restartRequested).on(EVENTS.leaseEnded).on(swept(6_000));
  assertEquals(endOf(afterAll), {
    result: "exited",
    message: "process p exited with code 3",
    exit: exited(3),
  });
  assertEquals(afterAll.record.phase.state, "stopped");
});

Deno.test("an orphan that was stopped is started again as any other", () => {
  const story = new Story(owned({ state: "running", tracked: SIMPLE }))
    .on(EVENTS.leaseEnded).on(ended(exited(0)))
    .on(EVENTS.restartRequested).on(EVENTS.prepared).on(EVENTS.launched)
    .on(EVENTS.executed)
    .on({ type: "stopRequested", timeoutMs: 8_000, nowMs: 5_000 })
    .on(ended(exited(0)));
  assertEquals(endOf(story), {
    result: "stopped",
    message: "process p was stopped: it exited with code 0",
    exit: exited(0),
  });
});

Deno.test("a record of before there were leases belongs to nobody", () => {
  const ExecutorId = "exec-1";
  const before = record(stopping("sigterm", SIMPLE), { ExecutorId });
  assertEquals(toStatus(before).Owner, "");
  assertEquals(toStatus({ ...before, owner: "run-2" }).Owner, "run-2");
});
