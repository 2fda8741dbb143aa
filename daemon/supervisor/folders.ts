/** Where the files of a process are. Paths are absolute. */
export interface Folders {
  /** Holds what the launcher records of one generation of a process. */
  run(
    process: { readonly number: number; readonly generation: number },
  ): string;
  /** The same of its stop or kill command. */
  helper(
    process: { readonly number: number; readonly generation: number },
    which: "stop" | "kill",
    attempt: number,
  ): string;
  logs(process: { readonly id: string }): {
    readonly stdoutPath: string;
    readonly stderrPath: string;
  };
}

/**
 * Lays the files out.
 *
 * @param runRoot Folder of all run folders.
 * @param logDir Folder of all logs.
 */
export function layOutFolders(runRoot: string, logDir: string): Folders {
  return {
    run: ({ number, generation }) => `${runRoot}/${number}.${generation}`,
    helper: (process, which, attempt) =>
      `${runRoot}/${process.number}.${process.generation}/${which}.${attempt}`,
    logs: ({ id }) => ({
      stdoutPath: `${logDir}/${id}.stdout`,
      stderrPath: `${logDir}/${id}.stderr`,
    }),
  };
}
