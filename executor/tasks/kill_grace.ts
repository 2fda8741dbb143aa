import type { TaskInfo } from "../mesos/types.ts";
import type { KillCause } from "./task_state.ts";

/** Grace of a kill that nobody has given one, ms (Mesos' command executor). */
const KILL_GRACE_MS_DEFAULT = 3_000;
const NANOSECONDS_PER_MS = 1e6;

/**
 * Time from a kill until force, ms, unless the KILL itself gave one.
 *
 * A task whose time is over gets none, as in Mesos
 * (src/launcher/default_executor.cpp `maxCompletion`): the daemon makes one
 * second of it, the least that its interface has.
 */
export function graceOf(
  { kill_policy }: Pick<TaskInfo, "kill_policy">,
  cause: KillCause,
): number {
  if (cause === "time-over") return 0;
  const grace = kill_policy?.grace_period;
  return grace ? grace.nanoseconds / NANOSECONDS_PER_MS : KILL_GRACE_MS_DEFAULT;
}
