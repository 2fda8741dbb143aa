import type { Usage } from "../../shared/manager_api/types.ts";
import type { ProcessRecord } from "./record.ts";

/** What the kernel counted of all of a process. */
export interface UsedAmounts {
  /** Of its group, or of those who are alive: then it may go back. */
  readonly cpuUs: number;
  readonly memoryBytes: number;
  /** 0 = not known. */
  readonly memoryPeakBytes: number;
  readonly processes: number;
}

/** What a process uses, with what the next measurement goes on from. */
export interface Measured {
  /** The start that it is of. */
  readonly generation: number;
  /** Time since the boot, ms. */
  readonly atMs: number;
  readonly amounts: UsedAmounts;
  readonly usage: Usage;
}

/**
 * Makes a measurement of what was counted. Pure.
 *
 * CPU time never goes back: that of children who ended may be lost with whoever
 * waited for them, so what is more than before is added up, and less is nothing.
 */
export function measure(
  { generation, startedMs }: ProcessRecord,
  amounts: UsedAmounts,
  { atMs, nowMs, before }: {
    /** When it was counted: time since the boot, ms. */
    readonly atMs: number;
    /** Wall clock, ms. */
    readonly nowMs: number;
    /** The measurement before, maybe of another start. */
    readonly before: Measured | undefined;
  },
): Measured {
  const last = before?.generation === generation ? before : null;
  const uptimeMs = Math.max(nowMs - startedMs, 0);
  const newUs = Math.max(amounts.cpuUs - (last?.amounts.cpuUs ?? 0), 0);
  const forMs = last === null ? uptimeMs : atMs - last.atMs;
  return {
    generation,
    atMs,
    amounts,
    usage: {
      Time: nowMs,
      CpuSeconds: toSeconds(last?.usage.CpuSeconds ?? 0, newUs),
      // Tenths: 1 µs each ms is 0.1 %.
      CpuPercent: forMs <= 0 ? 0 : Math.round(newUs / forMs) / 10,
      MemoryBytes: amounts.memoryBytes,
      MemoryPeakBytes: Math.max(
        last?.usage.MemoryPeakBytes ?? 0,
        amounts.memoryPeakBytes,
        amounts.memoryBytes,
      ),
      Processes: amounts.processes,
      UptimeSeconds: Math.floor(uptimeMs / 1000),
    },
  };
}

/** Whole microseconds, so that sums stay exact. */
function toSeconds(before: number, addedUs: number): number {
  return (Math.round(before * 1e6) + Math.round(addedUs)) / 1e6;
}
