import type { ProcessInfo, Rlimits } from "../../shared/manager_api/types.ts";

/** What the kernel keeps for each process of its own. */
export interface ProcessSettings {
  /** File mode mask: three octal digits. */
  readonly umask: string;
  /** -20 (first) to 19; 0 is set where the daemon may. */
  readonly nice: number;
  /** -1000 (never killed) to 1000; 0 is set where the daemon may. */
  readonly oomScoreAdj: number;
  /** -1 = none; absent = as the daemon has it. */
  readonly rlimits: Rlimits;
}

/** Reads them out of a process definition; nothing is inherited but rlimits. */
export function toSettings(info: ProcessInfo): ProcessSettings {
  return {
    umask: (info.Umask || "022").slice(-3),
    nice: info.Nice ?? 0,
    oomScoreAdj: info.OomScoreAdj ?? 0,
    rlimits: info.Rlimits ?? {},
  };
}
