import type { ProcessInfo } from "../../shared/manager_api/types.ts";

/** A process that does nothing, and is started as most are. */
export const SIMPLE: ProcessInfo = {
  Id: "",
  WorkDir: "/",
  ProcessName: "",
  Uris: [],
  PidFile: "",
  StartCmd: "/bin/sleep",
  StartGracePeriod: 0,
  StopCmd: "",
  StopTimeout: 0,
  KillCmd: "",
  Resource: null,
  Envs: ["PATH=/usr/bin:/bin", "LANG=C", "GREETING=hello"],
  Argv: ["1000"],
  User: "",
  ExecutorId: "",
  StatusInfo: null,
  ExecutorHeartBeatTime: 0,
};

/**
 * The same as a server that goes into the background.
 *
 * @param root Folder for its pid file.
 */
export function forking(id: string, root: string): ProcessInfo {
  const pidFile = `${root}/${id}.pid`;
  return {
    ...SIMPLE,
    Id: id,
    PidFile: pidFile,
    ProcessName: "sleep",
    StartCmd: `/usr/bin/setsid /bin/sleep 1000 & echo $! > ${pidFile}`,
    StartGracePeriod: 60,
    Argv: [],
  };
}

/** So many of one kind, told apart by their ids. */
export function simpleCrowd(prefix: string, count: number): ProcessInfo[] {
  return Array.from(
    { length: count },
    (_, index) => ({ ...SIMPLE, Id: `${prefix}-${index}` }),
  );
}
