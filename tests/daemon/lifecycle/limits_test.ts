import { assertEquals } from "@std/assert";
import { toGroupLimits, withLimits } from "../../../daemon/lifecycle/limits.ts";
import type {
  LimitResource,
  Resource,
} from "../../../shared/manager_api/types.ts";
import { record } from "./records.ts";

const MIB = 1024 * 1024;

function info(
  promised: Partial<Resource> | null,
  most: Partial<LimitResource> | null = null,
) {
  const none = { Cpus: 0, Mem: 0, Disk: 0 };
  return {
    ...record({ state: "staging" }).info,
    Resource: promised && { ...none, ...promised },
    LimitResources: most && { ...none, ...most },
  };
}

for (
  const [promised, most, shares, quotaUs, bytes] of [
    // What was promised: a weight, and all of the memory that there is.
    [{ Cpus: 1, Mem: 64 }, null, 1024, -1, 64 * MIB],
    [{ Cpus: 0.5 }, null, 512, -1, -1],
    [{ Mem: 100.5 }, null, -1, -1, 100.5 * MIB],
    // What it may use at most wins.
    [{ Cpus: 1, Mem: 64 }, { Cpus: 2, Mem: 128 }, 1024, 200_000, 128 * MIB],
    [{ Cpus: 1, Mem: 64 }, { Cpus: 0.25 }, 1024, 25_000, 64 * MIB],
    [{ Cpus: 1, Mem: 64 }, { Mem: -1 }, 1024, -1, -1],
    [{ Cpus: 1, Mem: 64 }, { Cpus: -1 }, 1024, -1, 64 * MIB],
    [null, { Cpus: 1.5, Mem: 33 }, -1, 150_000, 33 * MIB],
    // Mesos' bounds, and the kernel's.
    [{ Cpus: 0.0001, Mem: 1 }, { Cpus: 0.0001 }, 2, 1_000, 32 * MIB],
    [{ Cpus: 1e300, Mem: 1e300 }, { Cpus: 1e300 }, 262_144, 1e10, 2 ** 50],
  ] as const
) {
  const shown = JSON.stringify([promised, most]);
  Deno.test(`toGroupLimits() of ${shown}`, () => {
    assertEquals(toGroupLimits(info(promised, most)), {
      cpuShares: shares,
      cpuQuotaUs: quotaUs,
      memoryBytes: bytes,
      pids: -1,
    });
  });
}

Deno.test("toGroupLimits() of a number of processes", () => {
  const of = (Pids: number) => toGroupLimits(info(null, { Pids }));
  const alone = { cpuShares: -1, cpuQuotaUs: -1, memoryBytes: -1 };
  assertEquals(of(1), { ...alone, pids: 1 });
  // The kernel refuses more than it has numbers for.
  assertEquals(of(1e9), { ...alone, pids: 4_194_304 });
  assertEquals([of(0), of(-1)], [null, null]);
});

Deno.test("toGroupLimits() of a process without limits", () => {
  for (const none of [null, {}, { Cpus: -1, Mem: -1 }, { Disk: 5 }]) {
    assertEquals(toGroupLimits(info(none, none)), null);
  }
  assertEquals(toGroupLimits(info({ Mem: 64 }, { Mem: -1 })), null);
});

Deno.test("withLimits() changes what it is given and no more", () => {
  const before = info({ Cpus: 1, Mem: 64 }, { Cpus: 2, Mem: 128, Disk: 7 });
  assertEquals(withLimits(before, { Mem: -1 }), {
    ...before,
    LimitResources: { Cpus: 2, Mem: -1, Disk: 7 },
  });
  const bare = info({ Cpus: 1, Mem: 64 });
  assertEquals(withLimits(bare, { Cpus: 0.5 }), {
    ...bare,
    LimitResources: { Cpus: 0.5, Mem: 0, Disk: 0 },
  });
  assertEquals(withLimits(bare, { Pids: 5 }).LimitResources, {
    Cpus: 0,
    Mem: 0,
    Disk: 0,
    Pids: 5,
  });
});
