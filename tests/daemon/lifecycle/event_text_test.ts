import { assertEquals } from "@std/assert";
import { describeChange } from "../../../daemon/lifecycle/event_text.ts";
import type { ProcessEvent } from "../../../daemon/lifecycle/events.ts";
import { transition } from "../../../daemon/lifecycle/transition.ts";
import {
  ended,
  EVENTS,
  exited,
  record,
  signalled,
  SIMPLE,
  stopping,
} from "./records.ts";

const running = record({ state: "running", tracked: SIMPLE });

for (
  const [event, text] of [
    [EVENTS.launched, "pid 10"],
    [EVENTS.mainFound, "pid 20"],
    [ended(exited(7)), "it exited with code 7"],
    [
      ended(signalled(9), { isSessionEmpty: false }),
      "it was ended by signal 9 (SIGKILL), not all of it is gone",
    ],
    [EVENTS.mainGone, "it is gone, how it ended was not seen"],
    [EVENTS.refused, "no"],
    [EVENTS.stopRequested, "8 s until force"],
    [EVENTS.restartEnded, "its restart command succeeded"],
    [EVENTS.helperEnded, "its stop command succeeded"],
    [EVENTS.swept, "nobody is left"],
    [{ ...EVENTS.swept, left: [3, 4] } as ProcessEvent, "still alive: 3 4"],
    [EVENTS.limitsChanged, "Mem 64"],
    [EVENTS.reloaded, ""],
  ] as const satisfies readonly (readonly [ProcessEvent, string])[]
) {
  Deno.test(`describeChange() says "${text}" of ${event.type}`, () => {
    assertEquals(describeChange(event, running, running), text);
  });
}

Deno.test("describeChange() names the step that an event led to", () => {
  const before = record(stopping("sigterm", SIMPLE));
  const after = transition(before, EVENTS.deadline)?.record ?? before;
  assertEquals(describeChange(EVENTS.deadline, before, after), "now: sigkill");
  const stopped = transition(running, EVENTS.stopRequested)?.record ?? running;
  assertEquals(
    describeChange(EVENTS.stopRequested, running, stopped),
    "8 s until force; now: sigterm",
  );
});

Deno.test("describeChange() is bounded", () => {
  const event = { ...EVENTS.refused, message: "é".repeat(1_000) };
  const text = describeChange(event as ProcessEvent, running, running);
  assertEquals(new TextEncoder().encode(text).length, 256);
});
