import { eventually } from "./eventually.ts";

/** What tests want to know of a process (see proc(5), /proc/PID/stat). */
export interface ProcStat {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly startTicks: number;
}

/** Reads a file of /proc; null if the process is gone or somebody else's. */
export function readProc(pid: number | string, name: string): string | null {
  return unlessGone(() => Deno.readTextFileSync(`/proc/${pid}/${name}`));
}

/** Reads a link of /proc; null as for {@linkcode readProc}. */
export function readProcLink(pid: number, name: string): string | null {
  return unlessGone(() => Deno.readLinkSync(`/proc/${pid}/${name}`));
}

/** What the kernel says of a process; null if there is none. */
export function readStat(pid: number | string): ProcStat | null {
  const text = readProc(pid, "stat");
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    pid: Number(text.slice(0, text.indexOf(" "))),
    state: fields[0] ?? "",
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    startTicks: Number(fields[19]),
  };
}

/** One line of /proc/PID/status, without its name. */
export function readStatus(pid: number, name: string): string | undefined {
  return readProc(pid, "status")?.split("\n")
    .find((line) => line.startsWith(`${name}:`))
    ?.slice(name.length + 1).trim();
}

/** Whether there is such a process and it is no zombie. */
export function isAlive(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== null && !"ZX".includes(stat.state);
}

/** Every process that is no zombie. */
export function listProcesses(): ProcStat[] {
  return [...Deno.readDirSync("/proc")]
    .filter(({ name }) => /^\d+$/.test(name))
    .map(({ name }) => readStat(name))
    .filter((stat) => stat !== null)
    .filter(({ state }) => !"ZX".includes(state));
}

/** The live processes of a session. */
export function membersOf(session: number): number[] {
  return listProcesses().filter((stat) => stat.session === session)
    .map(({ pid }) => pid);
}

/** The live processes whose working folder is a folder or inside it. */
export function livingIn(folder: string): number[] {
  return listProcesses().map(({ pid }) => pid).filter((pid) =>
    pid !== Deno.pid && `${readProcLink(pid, "cwd")}/`.startsWith(`${folder}/`)
  );
}

/** Kills what `find` finds until it finds nothing more. */
export async function killAll(find: () => readonly number[]): Promise<void> {
  await eventually("all processes of the test are gone", () => {
    const pids = find();
    for (const pid of pids) unlessGone(() => Deno.kill(pid, "SIGKILL"));
    return pids.length === 0;
  });
}

/** The random id of this boot. */
export function bootId(): string {
  return Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
}

function unlessGone<T>(act: () => T): T | null {
  try {
    return act();
  } catch (error) {
    const isGone = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.PermissionDenied ||
      String(error).includes("os error 3)") ||
      String(error).includes("ESRCH");
    if (isGone) return null;
    throw error;
  }
}
