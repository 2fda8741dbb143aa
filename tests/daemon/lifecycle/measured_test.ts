import { assertEquals } from "@std/assert";
import {
  measure,
  type UsedAmounts,
} from "../../../daemon/lifecycle/measured.ts";
import { record } from "./records.ts";

const STARTED_MS = 1_000_000;
const AMOUNTS: UsedAmounts = {
  cpuUs: 3_000_000,
  memoryBytes: 100,
  memoryPeakBytes: 150,
  processes: 2,
};

/** Measurements of one process, at seconds after its start. */
function follow(
  ...steps: readonly (readonly [
    second: number,
    part?: Partial<UsedAmounts>,
    generation?: number,
  ])[]
) {
  let before: ReturnType<typeof measure> | undefined;
  return steps.map(([second, part = {}, generation = 1]) => {
    before = measure(
      record({ state: "staging" }, {}, { startedMs: STARTED_MS, generation }),
      { ...AMOUNTS, ...part },
      {
        atMs: 7_000 + second * 1000,
        nowMs: STARTED_MS + second * 1000,
        before,
      },
    );
    return before.usage;
  });
}

function cpuOf(usages: ReturnType<typeof follow>) {
  return usages.map(({ CpuSeconds, CpuPercent }) => [CpuSeconds, CpuPercent]);
}

Deno.test("measure() of a process for the first time goes by its start", () => {
  assertEquals(follow([6.5]), [{
    Time: STARTED_MS + 6_500,
    CpuSeconds: 3,
    CpuPercent: 46.2,
    MemoryBytes: 100,
    MemoryPeakBytes: 150,
    Processes: 2,
    UptimeSeconds: 6,
  }]);
});

Deno.test("measure() goes by the measurement before", () => {
  assertEquals(
    cpuOf(follow([10], [12, { cpuUs: 6_000_000 }], [20, { cpuUs: 6_000_000 }])),
    [[3, 30], [6, 150], [6, 0]],
  );
});

Deno.test("measure() lets CPU time never go back", () => {
  const usages = follow(
    [10],
    // A child that ended, and nobody who had waited for it.
    [12, { cpuUs: 1_000_000 }],
    [14, { cpuUs: 1_500_000 }],
  );
  assertEquals(cpuOf(usages), [[3, 30], [3, 0], [3.5, 25]]);
});

Deno.test("measure() sums up without a rest", () => {
  const steps = Array.from(
    { length: 1001 },
    (_, index) => [index, { cpuUs: index * 100_000 }] as const,
  );
  assertEquals(follow(...steps).at(-1)?.CpuSeconds, 100);
});

Deno.test("measure() begins anew with another start", () => {
  const usages = follow([10], [12, { memoryPeakBytes: 7 }, 2]);
  assertEquals(cpuOf(usages), [[3, 30], [3, 25]]);
  assertEquals(usages.map(({ MemoryPeakBytes }) => MemoryPeakBytes), [
    150,
    100,
  ]);
});

Deno.test("measure() remembers the most memory", () => {
  const usages = follow(
    [1, { memoryPeakBytes: 0 }],
    [2, { memoryPeakBytes: 0, memoryBytes: 80 }],
    [3, { memoryPeakBytes: 0, memoryBytes: 120 }],
  );
  assertEquals(usages.map(({ MemoryPeakBytes }) => MemoryPeakBytes), [
    100,
    100,
    120,
  ]);
});

Deno.test("measure() takes a clock that was set back", () => {
  const [, last] = follow([10], [-5, { cpuUs: 4_000_000 }]);
  assertEquals([last?.CpuPercent, last?.UptimeSeconds], [0, 0]);
});
