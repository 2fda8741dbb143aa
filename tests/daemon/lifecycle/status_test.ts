import { assertEquals } from "@std/assert";
import { describeExit } from "../../../daemon/lifecycle/exit_text.ts";
import type { Exit } from "../../../daemon/lifecycle/record.ts";
import { toStatus } from "../../../daemon/lifecycle/status.ts";
import { exited, record, signalled, SIMPLE, stopping } from "./records.ts";

Deno.test("toStatus() keeps the original's keys first, in their order", () => {
  const status = toStatus(record({ state: "staging" }, {}, {
    registeredMs: 1_795_331_599_999,
    startedMs: 1_795_331_600_000,
    message: "m",
    pid: 7,
    generation: 2,
  }));
  assertEquals(Object.entries(status), [
    ["Id", "p"],
    ["Status", "staging"],
    ["ExitCode", 0],
    ["Message", "m"],
    ["Pid", 7],
    ["RegisterTime", 1_795_331_599],
    ["LastStartTime", 1_795_331_600],
    ["Result", "none"],
    ["Signal", 0],
    ["ExitKnown", false],
    ["FinishTime", 0],
    ["Generation", 2],
    ["Owner", ""],
    ["Healthy", null],
    ["Restarts", 0],
    ["NextStartTime", 0],
    ["OOMKilled", false],
  ]);
});

for (
  const [exit, expected] of [
    [null, [0, 0, false]],
    [exited(0), [0, 0, true]],
    [exited(137), [137, 0, true]],
    [signalled(9), [0, 9, true]],
    [{ kind: "unknown" }, [0, 0, false]],
  ] as const satisfies readonly (readonly [Exit | null, unknown])[]
) {
  Deno.test(`toStatus() shows the end ${JSON.stringify(exit)}`, () => {
    const { ExitCode, Signal, ExitKnown, FinishTime } = toStatus(
      record({ state: "stopped" }, {}, { exit, finishedMs: 5_999 }),
    );
    assertEquals([ExitCode, Signal, ExitKnown], expected);
    assertEquals(FinishTime, 5);
  });
}

Deno.test("toStatus() lists who is still alive", () => {
  const { Message } = toStatus(
    record(stopping("sigterm", SIMPLE, { left: [12, 13] }), {}, {
      message: "m",
    }),
  );
  assertEquals(Message, "m; still alive: 12 13");
});

Deno.test("toStatus() shows at most 4 KiB of message", () => {
  const left = Array.from({ length: 5_000 }, (_, index) => 10_000 + index);
  for (const message of ["x".repeat(10_000), "é".repeat(3_000), "m"]) {
    const { Message } = toStatus(
      record(stopping("sigterm", SIMPLE, { left }), {}, { message }),
    );
    const { length } = new TextEncoder().encode(Message);
    assertEquals(length <= 4_096, true, `${length} bytes`);
    assertEquals(Message.isWellFormed(), true);
  }
});

for (
  const [exit, text] of [
    [exited(0), "exited with code 0"],
    [exited(255), "exited with code 255"],
    [signalled(9), "was ended by signal 9 (SIGKILL)"],
    [signalled(15), "was ended by signal 15 (SIGTERM)"],
    [signalled(40), "was ended by signal 40"],
    [{ kind: "unknown" }, "is gone, how it ended was not seen"],
  ] as const
) {
  Deno.test(`describeExit() says "${text}"`, () => {
    assertEquals(describeExit(exit), text);
  });
}
