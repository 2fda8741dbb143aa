import type { Command } from "./lifecycle/spec.ts";
import type { Identity } from "./lifecycle/record.ts";
import type { Launched } from "./launch/run_folder.ts";

/** One command to start. */
export interface LaunchRequest {
  /** A new, empty run folder. */
  readonly folder: string;
  readonly user: string;
  readonly stdoutPath: string;
  readonly stderrPath: string;
  readonly workDir: string;
  readonly environment: readonly string[];
  readonly command: Command;
}

/** What a launcher says, in this order; some may be missing. */
export type LaunchAnswer =
  | { readonly type: "launched"; readonly launched: Launched }
  | { readonly type: "executed" }
  | { readonly type: "refused"; readonly message: string };

/** What the kernel says of one pid. */
export interface ProcessFacts {
  readonly identity: Identity;
  /** One letter, as in /proc/PID/stat; never a zombie. */
  readonly state: string;
  readonly session: number;
  /** Base name of its executable; "" if not asked for or not readable. */
  readonly executable: string;
}

/** The current boot, and those of the asked pids that are alive. */
export interface ProbeAnswer {
  readonly bootId: string;
  readonly alive: ReadonlyMap<number, ProcessFacts>;
}

/** Where a file of a process is, as the launcher goes there. */
export interface FilePlace {
  /** Allowed folder that it is below: the operator's, links in it are his. */
  readonly root: string;
  /** Names of the folders below that, in order; neither empty nor . or .. */
  readonly folders: readonly string[];
  readonly name: string;
}

/** A file to write. */
export interface FileContent {
  readonly isWritable: boolean;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The privileged program, as the rest of the daemon sees it. */
export interface Launcher {
  /** Starts a command; ends when its launcher has ended. */
  run(request: LaunchRequest): AsyncIterable<LaunchAnswer>;
  /** Sends a signal, such as `TERM`, to those whose identity still holds. */
  signal(name: string, targets: readonly Identity[]): Promise<void>;
  probe(
    pids: readonly number[],
    options?: { readonly withExecutable: boolean },
  ): Promise<ProbeAnswer>;
  /**
   * Looks up the process that a pid file names.
   *
   * @param user Whose process it has to be, unless that is root; "" = anybody's.
   * @returns null if that pid is not alive.
   * @throws {AppError} INVALID_ARGUMENT if the file names nobody.
   */
  readPidFile(path: string, user: string): Promise<ProcessFacts | null>;
  /**
   * Signals all members of sessions; `0` only looks.
   *
   * @returns Pids that were left afterwards.
   */
  sweep(
    signal: "TERM" | "KILL" | "0",
    sessions: readonly Identity[],
  ): Promise<number[]>;
  /**
   * Writes a file in one step, as its owner; missing folders are made.
   *
   * @param owner User name or uid; "" = the daemon's own.
   * @param onNew Called before the file exists, unless it was there.
   * @throws {AppError} INVALID_ARGUMENT with what the host has against it.
   */
  writeFile(
    place: FilePlace,
    owner: string,
    content: FileContent,
    onNew: () => void,
  ): Promise<void>;
  /** Removes a file, as its owner; one that is not there is no error. */
  removeFile(place: FilePlace, owner: string): Promise<void>;
}
