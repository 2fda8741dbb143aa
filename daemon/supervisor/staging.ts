import type { Clock } from "../../shared/clock.ts";
import { AppError, messageOf } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type {
  ProcessFile,
  RemoteVariable,
} from "../../shared/manager_api/types.ts";
import { toSpec } from "../lifecycle/spec.ts";
import type { Launcher } from "../ports.ts";
import { fetchContent } from "./fetch_content.ts";
import { findPlace, ruleOfRoots } from "./file_place.ts";
import type { Packages } from "./packages.ts";
import type { ProcessRunner } from "./process_runner.ts";
import type { Users } from "./users.ts";
import type { WorkFolders } from "./work_folders.ts";

/** Longest `NAME=value` that the kernel passes on, bytes (MAX_ARG_STRLEN). */
const VARIABLE_BYTES_MAX = 128 * 1024 - 1;
/** Wait of a stop command for variables that this daemon has not got, ms. */
const REFETCH_MS_MAX = 5_000;

/** What staging acts upon. */
export interface StagingPorts {
  readonly launcher: Pick<Launcher, "writeFile" | "removeFile">;
  readonly users: Pick<Users, "find" | "admit">;
  readonly workFolders: Pick<WorkFolders, "isNeeded" | "make" | "removeLinks">;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly logger: Logger;
  /** Folders below which files may be written. */
  readonly fileDirs: readonly string[];
  readonly packages: Pick<Packages, "prepare" | "discard" | "keep">;
}

/** What is under way for one process; one thing after the other. */
interface Work {
  last: Promise<unknown>;
  /** Aborted when the process is deleted. */
  readonly deleted: AbortController;
}

/**
 * Puts in place what a process finds at its start: its packages and folders, the
 * files of its definition and the variables that are fetched. Fetched values are
 * kept in memory alone.
 */
export class Staging {
  readonly #variables = new WeakMap<ProcessRunner, readonly string[]>();
  readonly #work = new WeakMap<ProcessRunner, Work>();

  constructor(private readonly ports: StagingPorts) {}

  /** Whether a process has anything to put in place. */
  isNeeded({ record: { info } }: ProcessRunner): boolean {
    return [info.Uris, info.Files, info.RemoteEnvs].some((list) =>
      (list ?? []).length > 0
    ) || this.ports.workFolders.isNeeded(info);
  }

  /**
   * Makes, fetches and writes all that a start needs; given up when the process is
   * not staging any more. May be repeated.
   *
   * @throws {AppError} Names the package (a PackageError), folder, file or
   * variable and what is against it.
   */
  async prepare(runner: ProcessRunner): Promise<void> {
    const { info } = runner.record;
    const given = new AbortController();
    runner.until(({ phase }) => phase.state !== "staging")
      .then(() => given.abort());
    await this.#enqueue(runner, async (deleted) => {
      const signal = AbortSignal.any([given.signal, deleted]);
      this.#variables.set(
        runner,
        await this.#fetchVariables(info.RemoteEnvs ?? [], signal),
      );
      // Before all else that is made: that may lie in a package's copy.
      await this.ports.packages.prepare(runner, signal);
      await this.ports.workFolders.make(info);
      for (const file of info.Files ?? []) {
        if (signal.aborted) break;
        await this.#write(runner, file, signal);
      }
    });
  }

  /**
   * Writes one file; its owner is the process's user unless it names one.
   *
   * @throws {AppError} FAILED_PRECONDITION
   */
  async write(runner: ProcessRunner, file: ProcessFile): Promise<void> {
    await this.#enqueue(
      runner,
      (deleted) => this.#write(runner, file, deleted),
    );
  }

  /** The environment that was given to a process and the commands beside it. */
  async environmentOf(runner: ProcessRunner): Promise<readonly string[]> {
    const { info, id } = runner.record;
    const { environment } = toSpec(info);
    const remote = info.RemoteEnvs ?? [];
    if (remote.length === 0) return environment;
    let fetched = this.#variables.get(runner);
    if (fetched === undefined) {
      // An earlier daemon fetched them. A stop does not wait for them long.
      const limit = new AbortController();
      const timer = this.ports.clock.after(
        REFETCH_MS_MAX,
        () => limit.abort(),
      );
      try {
        fetched = await this.#fetchVariables(remote, limit.signal);
        this.#variables.set(runner, fetched);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        const reason = error.message;
        this.ports.logger.warn("variables are missing", { id, reason });
        fetched = [];
      } finally {
        timer.cancel();
      }
    }
    return [...environment, ...fetched];
  }

  /**
   * Gives up what is under way and removes the files and links that were made,
   * and the packages that nobody else uses.
   *
   * @param others Processes that stay: a file that one of them is defined with
   * becomes its own.
   */
  async discard(
    runner: ProcessRunner,
    others: readonly ProcessRunner[],
  ): Promise<void> {
    const work = this.#workOf(runner);
    work.deleted.abort();
    await work.last;
    for (const { path, owner } of runner.record.createdFiles ?? []) {
      const heir = others.find((other) => isDefinedWith(other, path));
      if (heir !== undefined) {
        heir.dispatch({ type: "fileCreated", path, owner });
        continue;
      }
      await this.#tryToRemove(runner, path, async () => {
        const account = await this.ports.users.find(owner);
        await this.ports.launcher.removeFile(this.#placeOf(path), account);
      });
    }
    const { info } = runner.record;
    await this.#tryToRemove(
      runner,
      info.LogPath ?? "",
      () => this.ports.workFolders.removeLinks(info),
    );
    await this.ports.packages.discard(runner);
  }

  async #tryToRemove(
    runner: ProcessRunner,
    path: string,
    remove: () => Promise<void>,
  ): Promise<void> {
    try {
      await remove();
    } catch (error) {
      // A file that stays is the lesser evil beside a process that does.
      if (!(error instanceof AppError)) throw error;
      this.ports.logger.warn("file not removed", {
        id: runner.record.id,
        path,
        reason: error.message,
      });
    }
  }

  /** A delete has failed after all: files may be written again. */
  keep(runner: ProcessRunner): void {
    this.#work.delete(runner);
    this.ports.packages.keep(runner);
  }

  async #fetchVariables(
    variables: readonly RemoteVariable[],
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const fetched: string[] = [];
    for (const variable of variables) {
      try {
        const content = await fetchContent(variable, this.ports, signal);
        fetched.push(toVariable(variable.Name, content));
      } catch (error) {
        throw toFailure(`variable ${variable.Name}`, error);
      }
    }
    return fetched;
  }

  async #write(
    runner: ProcessRunner,
    file: ProcessFile,
    signal: AbortSignal,
  ): Promise<void> {
    const owner = file.User || runner.record.info.User;
    try {
      const account = await this.ports.users.admit(owner);
      const place = this.#placeOf(file.To);
      const bytes = file.Remote === null
        ? Uint8Array.fromBase64(file.Base64 ?? "")
        : await fetchContent(file.Remote, this.ports, signal);
      const content = { isWritable: file.Right === "rw", bytes };
      await this.ports.launcher.writeFile(
        place,
        account,
        content,
        () => runner.dispatch({ type: "fileCreated", path: file.To, owner }),
      );
    } catch (error) {
      throw toFailure(`file ${file.To}`, error);
    }
  }

  #placeOf(path: string) {
    const { fileDirs } = this.ports;
    const place = findPlace(path, fileDirs);
    if (place !== null) return place;
    // The configuration may have been another one when it was accepted.
    throw new AppError("FAILED_PRECONDITION", ruleOfRoots(fileDirs));
  }

  async #enqueue(
    runner: ProcessRunner,
    act: (deleted: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const work = this.#workOf(runner);
    const { signal } = work.deleted;
    const done = work.last.then(() => {
      if (!signal.aborted) return act(signal);
      throw new AppError(
        "FAILED_PRECONDITION",
        `process ${runner.record.id} is being deleted`,
      );
    });
    // Whoever asked hears of a failure; what comes next does not mind.
    work.last = done.catch(() => {});
    await done;
  }

  #workOf(runner: ProcessRunner): Work {
    const found = this.#work.get(runner);
    if (found !== undefined) return found;
    const work = { last: Promise.resolve(), deleted: new AbortController() };
    this.#work.set(runner, work);
    return work;
  }
}

function isDefinedWith({ record }: ProcessRunner, path: string): boolean {
  const plain = (text: string) => text.replaceAll(/\/+/g, "/");
  return (record.info.Files ?? []).some(({ To }) => plain(To) === plain(path));
}

function toVariable(name: string, content: Uint8Array): string {
  let value;
  try {
    value = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(content);
  } catch {
    throw new AppError("FAILED_PRECONDITION", "its value is no UTF-8 text");
  }
  if (value.includes("\0")) {
    throw new AppError("FAILED_PRECONDITION", "its value holds a NUL");
  }
  if (name.length + 1 + content.length > VARIABLE_BYTES_MAX) {
    throw new AppError(
      "FAILED_PRECONDITION",
      `it has over ${VARIABLE_BYTES_MAX} bytes, with its name`,
    );
  }
  return `${name}=${value}`;
}

function toFailure(what: string, error: unknown): unknown {
  return error instanceof AppError
    ? new AppError("FAILED_PRECONDITION", `${what}: ${messageOf(error)}`, {
      cause: error,
    })
    : error;
}
