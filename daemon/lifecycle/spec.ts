import type { ProcessInfo } from "../../shared/manager_api/types.ts";

/** A program and its arguments, as they are executed. */
export type Command = readonly [path: string, ...args: string[]];

/** How a process is started and what its main process is. */
export type StartMode =
  | { readonly kind: "simple" }
  | {
    readonly kind: "forking";
    readonly pidFile: string;
    /** Base name that the main process' executable must have; "" = any. */
    readonly processName: string;
  };

/** What a process definition means, with defaults filled in. */
export interface ProcessSpec {
  readonly mode: StartMode;
  readonly start: Command;
  readonly stop: Command | null;
  readonly kill: Command | null;
  /** Restarts the process by itself; null = it is stopped and started. */
  readonly restart: Command | null;
  /** Has it read its configuration again; null = by SIGHUP. */
  readonly reload: Command | null;
  /** Succeeds while the process is well; null = that is not asked. */
  readonly check: Command | null;
  readonly workDir: string;
  /** `NAME=value`, as given: what every program counts on is added later. */
  readonly environment: readonly string[];
  /** User name or uid; "" = who the daemon is. */
  readonly user: string;
  /**
   * Simple: an earlier end is a failed start, unless it is checked. Forking:
   * wait for the pid file. With a check: wait for its success, from the same
   * moment on.
   */
  readonly startGraceMs: number;
  readonly stopTimeoutMs: number;
}

const START_GRACE_S_DEFAULT = 1;
/** Of a process that is checked: it may have much to load. */
const CHECKED_GRACE_S_DEFAULT = 60;
const STOP_TIMEOUT_S_DEFAULT = 10;

/** A command that is one plain word: executed as it is, without a shell. */
const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

/** Reads the meaning out of a valid process definition. */
export function toSpec(info: ProcessInfo): ProcessSpec {
  return {
    mode: info.PidFile === "" ? { kind: "simple" } : {
      kind: "forking",
      pidFile: info.PidFile,
      processName: info.ProcessName,
    },
    start: info.Argv && info.Argv.length > 0
      ? [toPath(info.StartCmd), ...info.Argv]
      : toCommand(info.StartCmd),
    stop: info.StopCmd === "" ? null : toCommand(info.StopCmd),
    kill: info.KillCmd === "" ? null : toCommand(info.KillCmd),
    restart: info.RestartCmd ? toCommand(info.RestartCmd) : null,
    reload: info.ReloadCmd ? toCommand(info.ReloadCmd) : null,
    check: info.CheckCmd ? toCommand(info.CheckCmd) : null,
    workDir: info.WorkDir === "" ? "/" : info.WorkDir,
    environment: info.Envs ?? [],
    user: info.User,
    startGraceMs: 1000 * (info.StartGracePeriod ||
      (info.CheckCmd ? CHECKED_GRACE_S_DEFAULT : START_GRACE_S_DEFAULT)),
    stopTimeoutMs: (info.StopTimeout || STOP_TIMEOUT_S_DEFAULT) * 1000,
  };
}

function toCommand(text: string): Command {
  return PLAIN_WORD.test(text) ? [toPath(text)] : ["/bin/sh", "-c", text];
}

/** Without a slash the shell would search PATH; BCS means the work folder. */
function toPath(word: string): string {
  return word.includes("/") ? word : `./${word}`;
}
