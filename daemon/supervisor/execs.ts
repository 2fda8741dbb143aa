import { AppError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { ExecResult } from "../../shared/manager_api/types.ts";
import { claim, readEnd, readIdentity } from "../launch/run_folder.ts";
import type { Phase } from "../lifecycle/record.ts";
import { Exec, type ExecCommand, type ExecPorts } from "./exec.ts";
import type { Folders } from "./folders.ts";
import { killSessions } from "./kill_sessions.ts";
import type { ProcessRunner } from "./process_runner.ts";
import { removeFolder } from "./remove_folder.ts";

/** Most commands at a time beside one process. */
const EXECS_MAX = 16;
/** What the names of their run folders begin with. */
const FOLDER_PREFIX = "exec.";

/** The commands that run beside processes, none for longer than its process. */
export class Execs {
  /** What is at work beside each process, and the end of it. */
  readonly #running = new WeakMap<ProcessRunner, Map<Exec, Promise<void>>>();
  /** Ends of what an earlier daemon left, by the numbers of processes. */
  readonly #left = new Map<number, Promise<void>>();
  readonly #leaving = new AbortController();
  /** Sets the folders of this daemon apart from those of an earlier one. */
  readonly #epochMs: number;
  #count = 0;

  constructor(
    private readonly ports: ExecPorts & {
      readonly folders: Folders;
      readonly logger: Logger;
    },
  ) {
    this.#epochMs = ports.clock.nowMs();
  }

  /**
   * Runs a command beside a process.
   *
   * @param options `signal` ends it at once: nobody waits for it any more.
   * `isWanted` says in which phases it may run. @default {running}
   * @throws {AppError} FAILED_PRECONDITION if the process does not run, now
   * and until the end, or if the command cannot be started;
   * RESOURCE_EXHAUSTED if too many are at work already.
   */
  async run(
    runner: ProcessRunner,
    request: ExecCommand,
    { signal, isWanted = isRunning }: {
      readonly signal?: AbortSignal;
      readonly isWanted?: (phase: Phase) => boolean;
    } = {},
  ): Promise<ExecResult> {
    refuseUnlessRunning(runner, isWanted);
    const running = this.#runningOf(runner);
    if (running.size >= EXECS_MAX) {
      throw new AppError(
        "RESOURCE_EXHAUSTED",
        `Cannot run a command beside process ${runner.record.id} as ` +
          `${EXECS_MAX} are at work already: try again later`,
      );
    }
    const name = `${FOLDER_PREFIX}${this.#epochMs}.${++this.#count}`;
    const folder = this.ports.folders.helper(runner.record, name);
    const exec = new Exec(folder, request, this.ports);
    const over = Promise.withResolvers<void>();
    running.set(exec, over.promise);

    const kill = () => exec.kill("unwanted");
    const unwatch = runner.watch(({ phase }) => {
      if (!isWanted(phase)) kill();
    });
    const unwanted = AbortSignal.any(
      signal ? [signal, this.#leaving.signal] : [this.#leaving.signal],
    );
    unwanted.addEventListener("abort", kill);
    if (unwanted.aborted) kill();
    this.ports.background.run(`exec in ${folder}`, () =>
      exec.run(() => {
        unwatch();
        unwanted.removeEventListener("abort", kill);
        running.delete(exec);
        over.resolve();
      }));
    return await exec.answer;
  }

  /** Resolves once nothing is left of the commands beside a process. */
  async settled(runner: ProcessRunner): Promise<void> {
    await this.#left.get(runner.record.number);
    await Promise.all(this.#runningOf(runner).values());
  }

  /**
   * Kills what an earlier daemon began and removes its folders.
   *
   * @param folders As {@linkcode findLeftExecs} found them.
   */
  endLeft(folders: readonly string[]): void {
    for (const [number, left] of Map.groupBy(folders, numberOf)) {
      const done = this.#endAll(left);
      this.#left.set(number, done);
      this.ports.background.run(`left execs of ${number}`, () => done);
    }
  }

  async #endAll(folders: readonly string[]): Promise<void> {
    for (const folder of folders) {
      try {
        await endLeftExec(folder, this.ports);
      } catch (error) {
        // One that cannot be ended is no reason to leave all others alone.
        if (!(error instanceof AppError)) throw error;
        const reason = error.message;
        this.ports.logger.error("exec not ended", { folder, reason });
      }
    }
  }

  /** Kills all of them, as the daemon leaves. */
  close(): void {
    this.#leaving.abort();
  }

  #runningOf(runner: ProcessRunner): Map<Exec, Promise<void>> {
    const running = this.#running.get(runner) ?? new Map();
    this.#running.set(runner, running);
    return running;
  }
}

function isRunning({ state }: Phase): boolean {
  return state === "running";
}

/** @throws {AppError} FAILED_PRECONDITION */
export function refuseUnlessRunning(
  { record }: ProcessRunner,
  isWanted = isRunning,
): void {
  if (isWanted(record.phase)) return;
  throw new AppError(
    "FAILED_PRECONDITION",
    `process ${record.id} must be running: ` +
      `current state is ${record.phase.state}`,
  );
}

/**
 * Lists the folders of commands that an earlier daemon left, before any of
 * this one's can be among them.
 *
 * @param runRoot Folder of all run folders.
 */
export function findLeftExecs(runRoot: string): string[] {
  return [...Deno.readDirSync(runRoot)].filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => `${runRoot}/${name}`)
    .flatMap((folder) =>
      [...Deno.readDirSync(folder)]
        .filter(({ name }) => name.startsWith(FOLDER_PREFIX))
        .map(({ name }) => `${folder}/${name}`)
    );
}

/** Of the process: its run folders are named by it. */
function numberOf(folder: string): number {
  return parseInt(folder.split("/").at(-2) ?? "");
}

async function endLeftExec(
  folder: string,
  { launcher, clock }: Pick<ExecPorts, "launcher" | "clock">,
): Promise<void> {
  const begun = await claim(folder) ? null : await readIdentity(folder);
  if (begun !== null && begun !== "claimed") {
    const end = await readEnd(folder);
    if (!end?.isSessionEmpty) {
      await killSessions([begun.command], launcher, clock);
    }
  }
  await removeFolder(folder, clock);
}
