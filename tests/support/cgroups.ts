import { eventually } from "../daemon/support/eventually.ts";
import { killAll } from "../daemon/support/proc.ts";

/** Where the kernel shows its control groups. */
const ROOT = "/sys/fs/cgroup";

/** Why limits cannot be tested on this host; null if they can. */
export const NO_CGROUP_V1: string | null = Deno.uid() !== 0
  ? "needs root, to make control groups"
  : isThere(`${ROOT}/memory/memory.oom_control`) &&
      isThere(`${ROOT}/cpu/cpu.cfs_quota_us`)
  ? null
  : "needs the cpu and memory controllers of cgroup version 1";

/** Why the number of processes cannot be limited here; null if it can be. */
export const NO_PIDS_V1: string | null = NO_CGROUP_V1 ??
  (isThere(`${ROOT}/pids/cgroup.procs`)
    ? null
    : "needs the pids controller of cgroup version 1");

/** Why swap cannot be limited on this host; null if it can. */
export const NO_MEMSW_V1: string | null = NO_CGROUP_V1 ??
  (isThere(`${ROOT}/memory/memory.memsw.limit_in_bytes`)
    ? null
    : "needs a kernel that counts swap");

/** A file of a group; null if there is no such group. */
export function readGroup(
  controller: "cpu" | "memory" | "pids",
  group: string,
  file: string,
): string | null {
  try {
    return Deno.readTextFileSync(`${ROOT}/${controller}/${group}/${file}`)
      .trim();
  } catch (error) {
    // ENODEV: it was removed between opening and reading.
    const isGone = error instanceof Deno.errors.NotFound ||
      String(error).includes("(os error 19)");
    if (isGone) return null;
    throw error;
  }
}

/** Whether a process, by its pid, is in a group in both controllers. */
export function isInGroup(pid: number, group: string): boolean {
  const lines = Deno.readTextFileSync(`/proc/${pid}/cgroup`).split("\n");
  return ["cpu", "memory"].every((controller) =>
    lines.some((line) => line.endsWith(`:${controller}:/${group}`))
  );
}

/** Kills and removes what a test left in a group and in those below it. */
export async function removeGroups(group: string): Promise<void> {
  for (const controller of ["cpu", "memory", "pids"]) {
    const path = `${ROOT}/${controller}/${group}`;
    if (!isThere(path)) continue;
    const children = [...Deno.readDirSync(path)]
      .filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => `${path}/${name}`);
    for (const folder of [...children, path]) {
      await killAll(() => membersOf(folder));
      // What was just killed may count for a moment.
      await eventually(`${folder} is empty`, () => remove(folder));
    }
  }
}

function membersOf(folder: string): number[] {
  return Deno.readTextFileSync(`${folder}/cgroup.procs`).split("\n")
    .filter((pid) => pid !== "").map(Number);
}

function remove(folder: string): boolean {
  new Deno.Command("/usr/bin/rmdir", { args: ["--", folder], stderr: "null" })
    .outputSync();
  return !isThere(folder);
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
