import { AppError } from "../../shared/errors.ts";
import type { ProcessInfo } from "../../shared/manager_api/types.ts";
import type { FilePlace, FolderLink, Launcher } from "../ports.ts";
import { findPlace, ruleOfRoots } from "./file_place.ts";
import type { Folders } from "./folders.ts";
import type { Users } from "./users.ts";

/** What these folders are made with. */
export interface WorkFolderPorts {
  readonly launcher: Pick<Launcher, "makeFolder" | "removeLinks">;
  readonly users: Pick<Users, "admit" | "find">;
  readonly folders: Pick<Folders, "logs">;
  /** Folders below which they are made. */
  readonly fileDirs: readonly string[];
}

/**
 * The folders that a process works in and finds its logs in, its user's own.
 * They stay when it is deleted: what is in there is not the daemon's.
 */
export class WorkFolders {
  constructor(private readonly ports: WorkFolderPorts) {}

  /** Whether a process has a folder that may have to be made. */
  isNeeded({ WorkDir, LogPath }: ProcessInfo): boolean {
    return Boolean(LogPath) || this.#placeOf(WorkDir) !== null;
  }

  /**
   * Makes what is missing. A WorkDir elsewhere is the operator's to make.
   *
   * @throws {AppError} INVALID_ARGUMENT names the folder and what is against it.
   */
  async make(info: ProcessInfo): Promise<void> {
    const { WorkDir, LogPath } = info;
    const workDir = this.#placeOf(WorkDir);
    if (workDir !== null && !await isFolder(WorkDir)) {
      await this.#make(`WorkDir ${WorkDir}`, workDir, info, []);
    }
    if (!LogPath) return;
    const logPath = this.#placeOf(LogPath);
    if (logPath === null) {
      // The configuration may have been another one when it was accepted.
      const rule = ruleOfRoots(this.ports.fileDirs);
      throw new AppError("INVALID_ARGUMENT", `LogPath ${LogPath} ${rule}`);
    }
    await this.#make(
      `LogPath ${LogPath}`,
      logPath,
      info,
      this.#linksOf(info),
    );
  }

  /**
   * Removes the links to the logs of a process that is deleted.
   *
   * @throws {AppError} INVALID_ARGUMENT with what the host has against it.
   */
  async removeLinks(info: ProcessInfo): Promise<void> {
    const { launcher, users } = this.ports;
    const place = this.#placeOf(info.LogPath ?? "");
    if (place === null) return;
    const owner = await users.find(info.User);
    await launcher.removeLinks(place, owner, this.#linksOf(info));
  }

  async #make(
    what: string,
    place: FilePlace,
    { User }: ProcessInfo,
    links: readonly FolderLink[],
  ): Promise<void> {
    const { launcher, users } = this.ports;
    try {
      await launcher.makeFolder(place, await users.admit(User), links);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      throw new AppError(error.code, `${what}: ${error.message}`, {
        cause: error,
      });
    }
  }

  #linksOf({ Id }: ProcessInfo): readonly FolderLink[] {
    const { stdoutPath, stderrPath } = this.ports.folders.logs({ id: Id });
    return [
      { name: "stdout", to: stdoutPath },
      { name: "stderr", to: stderrPath },
    ];
  }

  #placeOf(path: string): FilePlace | null {
    return findPlace(path, this.ports.fileDirs);
  }
}

/** Whether the daemon sees a folder there: if not, the launcher looks. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}
