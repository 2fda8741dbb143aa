import type {
  LimitResource,
  Limits,
  ProcessInfo,
} from "../../shared/manager_api/types.ts";

/** What a control group is told; -1 = no limit. */
export interface GroupLimits {
  /** Weight against other processes; 1024 = one cpu. */
  readonly cpuShares: number;
  /** CPU time in each 100 ms, microseconds. */
  readonly cpuQuotaUs: number;
  /** Swap counts as well, where the kernel counts it. */
  readonly memoryBytes: number;
  /** Processes and threads at once. */
  readonly pids: number;
}

// Mesos' bounds and periods: src/slave/containerizer/mesos/isolators/cgroups/
// constants.hpp.
const SHARES_PER_CPU = 1024;
const SHARES_MIN = 2;
/** The most that version 2 has a weight for. */
const SHARES_MAX = 262_144;
const PERIOD_US = 100_000;
const QUOTA_US_MIN = 1_000;
const MEMORY_BYTES_MIN = 32 * 1024 * 1024;
const MIB = 1024 * 1024;
/** Beyond this a number of JavaScript has no exact bytes. */
const CPUS_MAX = 100_000;
const MEMORY_BYTES_MAX = 2 ** 50;
/** The most that the kernel takes: PID_MAX_LIMIT in linux/threads.h. */
const PIDS_MAX = 4_194_304;

/**
 * What a process may use, as Mesos' cgroups isolator has it: cpus that were
 * promised are a weight, memory that was promised is a limit, and cpu time is
 * limited only where LimitResources says so.
 *
 * @returns null if nothing is limited.
 */
export function toGroupLimits(
  { Resource: promised, LimitResources: most }: ProcessInfo,
): GroupLimits | null {
  const cpus = promised?.Cpus ?? 0;
  const cpusMost = most?.Cpus ?? 0;
  const memory = (most?.Mem || promised?.Mem) ?? 0;
  const pids = most?.Pids ?? 0;
  if (cpus <= 0 && cpusMost <= 0 && memory <= 0 && pids <= 0) return null;
  return {
    cpuShares: cpus <= 0
      ? -1
      : between(SHARES_MIN, cpus * SHARES_PER_CPU, SHARES_MAX),
    cpuQuotaUs: cpusMost <= 0
      ? -1
      : between(QUOTA_US_MIN, cpusMost * PERIOD_US, CPUS_MAX * PERIOD_US),
    memoryBytes: memory <= 0
      ? -1
      : between(MEMORY_BYTES_MIN, memory * MIB, MEMORY_BYTES_MAX),
    pids: pids <= 0 ? -1 : between(1, pids, PIDS_MAX),
  };
}

/** The definition with new limits; what they leave out stays as it is. */
export function withLimits(info: ProcessInfo, limits: Limits): ProcessInfo {
  const before: LimitResource = info.LimitResources ??
    { Cpus: 0, Mem: 0, Disk: 0 };
  return {
    ...info,
    LimitResources: {
      ...before,
      Cpus: limits.Cpus ?? before.Cpus,
      Mem: limits.Mem ?? before.Mem,
      ...(limits.Pids !== undefined && { Pids: limits.Pids }),
    },
  };
}

function between(min: number, value: number, max: number): number {
  return Math.round(Math.min(Math.max(min, value), max));
}
