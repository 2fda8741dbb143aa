import type { GroupLimits } from "./lifecycle/limits.ts";
import type { UsedAmounts } from "./lifecycle/measured.ts";
import type { ProcessSettings } from "./lifecycle/settings.ts";
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

/** Who acts, as the kernel knows users; it gets that user's other groups too. */
export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** A user of this host. */
export interface Account extends UserIds {
  readonly name: string;
  /** Absolute path of the home folder; it need not exist. */
  readonly home: string;
  readonly shell: string;
}

/** What a command runs with. */
export interface CommandContext {
  /** null = who the daemon is. */
  readonly user: UserIds | null;
  readonly workDir: string;
  /** `NAME=value`, all of it. */
  readonly environment: readonly string[];
  readonly settings: ProcessSettings;
}

/** One command to start. */
export interface LaunchRequest extends CommandContext {
  /** A new, empty run folder. */
  readonly folder: string;
  readonly stdoutPath: string;
  readonly stderrPath: string;
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

/** A link in a folder of a process. */
export interface FolderLink {
  readonly name: string;
  /** Absolute path that it leads to. */
  readonly to: string;
}

/** A file to write. */
export interface FileContent {
  readonly isWritable: boolean;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A process to measure: by its group, or else by its sessions. */
export type UsageTarget =
  & { readonly number: number }
  & (
    | { readonly group: string }
    | { readonly sessions: readonly Identity[] }
  );

/** What processes use. */
export interface UsageAnswer {
  /** When it was counted: time since the boot, ms. */
  readonly atMs: number;
  /** By number; who is not there is missing. */
  readonly used: ReadonlyMap<number, UsedAmounts>;
}

/** A package to unpack, and where its tree appears once that is finished. */
export interface UnpackRequest {
  /** Absolute path; never changed. */
  readonly archive: string;
  /** Whose the tree will be; null = the daemon's own. */
  readonly owner: UserIds | null;
  /** Who unpacks; null = the daemon itself, which must not be root. */
  readonly unpacker: UserIds | null;
  /** Most that it may unpack to. */
  readonly bytesMax: number;
  /** What it is called if it is no archive. */
  readonly fileName: string;
  readonly target:
    /** For all who want that content as that user; named by both. */
    | { readonly kind: "tree"; readonly root: string; readonly sha256: string }
    | {
      readonly kind: "copy";
      readonly place: FilePlace;
      /** Name for what is there already, beside; "" = nothing may be. */
      readonly aside: string;
    };
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
   * Looks a user up in the host's database, which NSS may serve.
   *
   * @param user Name or uid; "" = who the daemon is, who need not be in there.
   * @returns null if there is none.
   */
  findUser(user: string): Promise<Account | null>;
  /**
   * Looks up the process that a pid file names.
   *
   * @param uid Whose process it has to be, unless that is 0; null = anybody's.
   * @returns null if that pid is not alive.
   * @throws {AppError} INVALID_ARGUMENT if the file names nobody.
   */
  readPidFile(path: string, uid: number | null): Promise<ProcessFacts | null>;
  /**
   * Signals all members of sessions; `0` only looks.
   *
   * @returns Pids that were left afterwards.
   */
  sweep(
    signal: "TERM" | "KILL" | "0",
    sessions: readonly Identity[],
  ): Promise<number[]>;
  /** Says which sessions, named by their leaders' pids, have live members. */
  findLeft(leaders: readonly Identity[]): Promise<ReadonlySet<number>>;
  /**
   * Writes a file in one step, as its owner; missing folders are made.
   *
   * @param onNew Called before the file exists, unless it was there.
   * @throws {AppError} INVALID_ARGUMENT with what the host has against it.
   */
  writeFile(
    place: FilePlace,
    owner: UserIds,
    content: FileContent,
    onNew: () => void,
  ): Promise<void>;
  /** Removes a file, as its owner; one that is not there is no error. */
  removeFile(place: FilePlace, owner: UserIds): Promise<void>;
  /**
   * Makes a folder, those above it, and links in it, as its owner. What is there
   * already is left as it is.
   *
   * @throws {AppError} INVALID_ARGUMENT with what the host has against it.
   */
  makeFolder(
    place: FilePlace,
    owner: UserIds,
    links: readonly FolderLink[],
  ): Promise<void>;
  /** Removes links that lead where they should; others stay. */
  removeLinks(
    place: FilePlace,
    owner: UserIds,
    links: readonly FolderLink[],
  ): Promise<void>;
  /**
   * Unpacks a package, looks it through, and gives it to its user. What is not
   * finished leaves nothing behind.
   *
   * @param signal Ends it.
   * @param mayAppear Asked before the tree has its name; not if it is there.
   * @returns Name of the tree.
   * @throws {AppError} INVALID_ARGUMENT with what is against the package;
   * UNAVAILABLE if it was ended, did not get leave or took too long.
   */
  unpack(
    request: UnpackRequest,
    signal: AbortSignal,
    mayAppear: () => boolean,
  ): Promise<string>;
  /**
   * Makes a link to a tree, in one step over one to a tree beside that.
   *
   * @throws {AppError} INVALID_ARGUMENT if anything else is in the way.
   */
  linkTree(place: FilePlace, tree: string): Promise<void>;
  /** Whether there is such a folder. */
  hasTree(place: FilePlace): Promise<boolean>;
  /** Removes a folder with all that is in it; nothing else of that name. */
  discardTree(place: FilePlace): Promise<void>;
  /** Removes a link if it leads to that tree. */
  discardLink(place: FilePlace, tree: string): Promise<void>;
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
  /** Measures processes, all at once. */
  measureUsage(targets: readonly UsageTarget[]): Promise<UsageAnswer>;
  /**
   * Gives the blocks of a log's oldest bytes back; its size stays.
   *
   * @param folder Of the logs, where nobody but the daemon may write.
   * @throws {AppError} INVALID_ARGUMENT if the file system cannot do so.
   */
  punch(folder: string, name: string, bytes: number): Promise<void>;
}
