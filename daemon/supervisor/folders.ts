import { logName } from "../logs/log_name.ts";

/** Where the files of a process are. Paths are absolute. */
export interface Folders {
  /** Holds what the launcher records of one generation of a process. */
  run(
    process: { readonly number: number; readonly generation: number },
  ): string;
  /** The same of a command that belongs to it, such as `stop.1`. */
  helper(
    process: { readonly number: number; readonly generation: number },
    name: string,
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
    helper: ({ number, generation }, name) =>
      `${runRoot}/${number}.${generation}/${name}`,
    logs: ({ id }) => ({
      stdoutPath: `${logDir}/${logName(id, "stdout")}`,
      stderrPath: `${logDir}/${logName(id, "stderr")}`,
    }),
  };
}
