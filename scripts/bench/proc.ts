// What the kernel says of a daemon under measurement. The bench runs with all
// permissions, so that it can read what the daemon itself cannot.

/** Length of the kernel's unit of CPU time, ms (USER_HZ is 100 everywhere). */
const TICK_MS = 10;

/** Resident memory of a process, MiB. */
export async function readRssMib(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return Number(kib) / 1024;
}

/** Memory of a process with its part of what is shared, KiB. */
export async function readPssKib(pid: number): Promise<number> {
  const rollup = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
  return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1]);
}

/** Bytes that a process has had written to disk. */
export async function readWrittenBytes(pid: number): Promise<number> {
  const io = await Deno.readTextFile(`/proc/${pid}/io`);
  return Number(/^write_bytes: (\d+)$/m.exec(io)?.[1]);
}

/** The live children of a process, whichever of its threads made them. */
export async function childrenOf(pid: number): Promise<number[]> {
  const threads = [...Deno.readDirSync(`/proc/${pid}/task`)];
  const lists = await Promise.all(threads.map(({ name }) =>
    // A thread may have ended meanwhile.
    Deno.readTextFile(`/proc/${pid}/task/${name}/children`).catch(() => "")
  ));
  return lists.join(" ").split(" ").filter(Boolean).map(Number);
}

/**
 * CPU time of a daemon, of its children and of all that they waited for: the
 * launchers too, also those that have ended. ms
 */
export async function readCpuMs(pid: number): Promise<number> {
  const pids = [pid, ...await childrenOf(pid)];
  const times = await Promise.all(pids.map(async (each) => {
    const text = await Deno.readTextFile(`/proc/${each}/stat`).catch(() => "");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    // utime, stime, and both of children that ended.
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
  }));
  return times.reduce((sum, ticks) => sum + ticks, 0) * TICK_MS;
}

/** Bytes of files and of all that is below folders; what is not there has none. */
export async function sizeOf(...paths: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const path of paths) {
    try {
      const { isDirectory, size } = await Deno.lstat(path);
      if (!isDirectory) bytes += size;
      else {
        const names = [...Deno.readDirSync(path)].map(({ name }) => name);
        bytes += await sizeOf(...names.map((name) => `${path}/${name}`));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return bytes;
}
