import { assertEquals } from "@std/assert";
import type { ProcessRecord } from "../../../daemon/lifecycle/record.ts";
import { toNextStart } from "../../../daemon/lifecycle/restart_policy.ts";
import type { RestartPolicy } from "../../../shared/manager_api/types.ts";
import { record } from "./records.ts";

const ALWAYS: RestartPolicy = {
  Policy: "Always",
  Interval: 0,
  Backoff: 10,
  MaxTimes: 0,
};

/** What has run for so long, after it was started again thrice. */
function after(ranMs: number, part: Partial<ProcessRecord> = {}) {
  return toNextStart(
    record({ state: "stopped" }, { RestartPolicy: ALWAYS }, {
      restarts: 3,
      result: "exited",
      exit: { kind: "exited", code: 0 },
      startedMs: 1_000,
      finishedMs: 1_000 + ranMs,
      ...part,
    }),
  );
}

Deno.test("toNextStart() forgets what went wrong before a good run", () => {
  // The wait before it was 20 s.
  const again = { kind: "wait", restarts: 3, waitMs: 30_000 };
  assertEquals(after(199_999), again);
  const anew = { kind: "wait", restarts: 0, waitMs: 1_000 };
  assertEquals(after(200_000), anew);
  assertEquals(after(3_599_999, { restarts: 1_000 }).kind, "wait");
  assertEquals(after(3_600_000, { restarts: 1_000 }), anew);
});

for (const result of ["start-failed", "package-failed"] as const) {
  Deno.test(`toNextStart() takes ${result} for no run, however long it was`, () => {
    assertEquals(after(10_000_000, { result }), {
      kind: "wait",
      restarts: 3,
      waitMs: 30_000,
    });
  });
}

for (const result of ["stopped", "lease-expired"] as const) {
  Deno.test(`toNextStart() starts nobody again who is ${result}`, () => {
    assertEquals(after(1, { result }), { kind: "none" });
  });
}
