import type { GroupLimits } from "./lifecycle/limits.ts";
import type { Command } from "./lifecycle/spec.ts";
import type { Identity } from "./lifecycle/record.ts";
import type { Launched } from "./launch/run_folder.ts";

/** How limits are enforced. */
export interface GroupPolicy {
  /** Group that holds those of all processes, below every controller. */
  readonly parent: string;
  /** Whether a process is refused whose limits cannot be enforced. */
  readonly isRequired: boolean;
}

/** A control group to run in; it is made if it does not exist. */
export interface GroupRequest {
  /** Path below every controller, such as `bcs-process/7.1`. */
  readonly name: string;
  /** null = as they are: the group is entered if it is there, never made. */
  readonly limits: GroupLimits | null;
  /** Whether nothing is started where limits cannot be enforced. */
  readonly isRequired: boolean;
}

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
  /** null = that of the daemon. */
  readonly group: GroupRequest | null;
}

/** What a launcher says, in this order; some may be missing. */
export type LaunchAnswer =
  | { readonly type: "unlimited"; readonly reason: string }
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

/** The same, of those only that seemed to be missing or were asked for. */
export interface LookAnswer extends ProbeAnswer {
  /** Those of them that are not alive. */
  readonly gone: ReadonlySet<number>;
}

/** Sees again and again whether processes are there, at little cost. */
export interface Lookout {
  /**
   * Looks once.
   *
   * @param pids All that are to be there; the same array if they are the same
   * as before. Of who has such a number nothing is said.
   * @param closely Those of whom is said who they are.
   * @throws {AppError} If that could not be seen: nobody is gone for that.
   */
  look(
    pids: readonly number[],
    closely: readonly number[],
  ): Promise<LookAnswer>;
  /** Gives back what looking takes; it may be looked again. */
  close(): Promise<void>;
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
  /**
   * Sends a signal, a name such as `TERM` or a number, to those whose identity
   * still holds.
   *
   * @returns Pids that it was sent to: the others are gone.
   */
  signal(name: string, targets: readonly Identity[]): Promise<number[]>;
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
  /**
   * Changes what a group may use.
   *
   * @throws {AppError} INVALID_ARGUMENT if there is no such group, or more
   * memory is used than it would have.
   */
  limitGroup(name: string, limits: GroupLimits): Promise<void>;
  /** Whether the kernel killed in a group as it had used up its memory. */
  isOomKilled(name: string): Promise<boolean>;
  /**
   * Removes a group; one that does not exist is no error.
   *
   * @throws {AppError} INVALID_ARGUMENT if somebody is left in it.
   */
  removeGroup(name: string): Promise<void>;
}
