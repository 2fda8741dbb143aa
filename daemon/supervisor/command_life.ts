import { AppError, messageOf } from "../../shared/errors.ts";
import type { BackgroundTasks } from "../../shared/background.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Logger } from "../../shared/logger.ts";
import type { ExitWatcher } from "../launch/exit_watcher.ts";
import type { Prober } from "../launch/prober.ts";
import type { SessionSearch } from "../launch/session_search.ts";
import {
  claim,
  type EndRecord,
  type Launched,
  readEnd,
  readErrors,
  readIdentity,
} from "../launch/run_folder.ts";
import type { ProcessEvent } from "../lifecycle/events.ts";
import type { Identity, Tracked } from "../lifecycle/record.ts";
import { toSpec } from "../lifecycle/spec.ts";
import type { Launcher } from "../ports.ts";
import type { Folders } from "./folders.ts";
import type { Groups } from "./groups.ts";
import { readLastLines } from "./last_lines.ts";
import type { ProcessRunner } from "./process_runner.ts";
import type { Staging } from "./staging.ts";
import type { Surroundings } from "./surroundings.ts";
import { Slots } from "./slots.ts";
import type { Users } from "./users.ts";

/** Takes what comes of an effect. */
export type Report = (event: ProcessEvent) => void;

/** Wait before a record that could not be read is read again, ms. */
const RETRY_MS = 1_000;
/** Processes that are being started at the same time. */
const STARTS_MAX = 8;

/** What starting and watching commands takes. */
export interface CommandPorts {
  readonly launcher: Launcher;
  readonly prober: Prober;
  readonly exits: ExitWatcher;
  readonly sessions: SessionSearch;
  readonly clock: Clock;
  readonly folders: Folders;
  readonly staging: Staging;
  readonly users: Users;
  readonly surroundings: Surroundings;
  readonly groups: Groups;
  readonly background: BackgroundTasks;
  readonly logger: Logger;
}

/** Starts the commands of processes, and reports what becomes of them. */
export class CommandLife {
  readonly #watches = new WeakMap<ProcessRunner, Set<() => void>>();

  readonly #slots: Slots;

  constructor(private readonly ports: CommandPorts) {
    this.#slots = new Slots(STARTS_MAX, ports.clock);
  }

  /** Ends all watches of a process. */
  release(runner: ProcessRunner): void {
    for (const end of this.#watches.get(runner) ?? []) end();
    this.#watches.delete(runner);
  }

  /** Reports the end of a command that an earlier daemon started. */
  async adopt(
    runner: ProcessRunner,
    tracked: Tracked,
    report = runner.reporter(),
  ): Promise<void> {
    const folder = this.ports.folders.run(runner.record);
    const reportEnd = () =>
      this.ports.background.run(
        `end of ${runner.record.id}`,
        () => this.#reportEnd(runner, folder, tracked.command, "", report),
      );
    this.#hold(runner, this.ports.exits.watch(folder, reportEnd));
    if (await this.#readEnd(folder) !== null) return reportEnd();
    // Its launcher's end is noticed too: then there is a record, or none.
    this.#watch(runner, tracked.launcher, reportEnd);
  }

  /** Starts the command of a process, and follows it to its end. */
  async launch(runner: ProcessRunner, report: Report): Promise<void> {
    const freeSlot = await this.#takeSlot(runner);
    if (freeSlot === null) {
      report({ type: "claimed", nowMs: this.ports.clock.nowMs() });
      return;
    }
    try {
      await this.#launch(runner, report, freeSlot);
    } finally {
      freeSlot();
    }
  }

  /** Waits for its turn to start; null = it is to be stopped meanwhile. */
  async #takeSlot(runner: ProcessRunner): Promise<(() => void) | null> {
    const unwanted = new AbortController();
    const unwatch = runner.watch(({ phase }) => {
      if (phase.state !== "starting") unwanted.abort();
    });
    try {
      return await this.#slots.take(unwanted.signal);
    } finally {
      unwatch();
    }
  }

  async #launch(
    runner: ProcessRunner,
    report: Report,
    freeSlot: () => void,
  ): Promise<void> {
    const { record } = runner;
    const { folders, launcher, clock, surroundings, groups, logger } =
      this.ports;
    const folder = folders.run(record);
    let tracked: Tracked | null = null;
    let refusal = "";
    try {
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      const answers = launcher.run({
        ...folders.logs(record),
        ...await surroundings.of(runner),
        folder,
        command: toSpec(record.info).start,
        group: groups.forStart(runner),
      });
      for await (const answer of answers) {
        if (answer.type === "launched") {
          tracked = track(answer.launched);
          report({ type: "launched", tracked });
        } else if (answer.type === "executed") {
          freeSlot();
          report({ type: "executed", nowMs: clock.nowMs() });
        } else if (answer.type === "unlimited") {
          const { reason } = answer;
          logger.warn("limits not enforced", { id: record.id, reason });
          report({ type: "unlimited", reason });
        } else if (answer.type === "refused") {
          refusal = answer.message;
        }
      }
    } catch (error) {
      if (tracked !== null) {
        if (!(error instanceof AppError)) throw error;
        // It runs, only its launcher is not understood any more.
        return await this.adopt(runner, tracked, report);
      }
      refusal = messageOf(error);
    }
    if (tracked !== null) {
      return await this.#reportEnd(
        runner,
        folder,
        tracked.command,
        refusal,
        report,
      );
    }
    // Whatever went wrong: from here on nothing can be started in there.
    const begun = await claim(folder) ? null : await readIdentity(folder);
    if (begun !== null && begun !== "claimed") {
      tracked = track(begun);
      report({ type: "launched", tracked });
      report({ type: "executed", nowMs: clock.nowMs() });
      return await this.adopt(runner, tracked, report);
    }
    report({
      type: "refused",
      message: refusal ||
        `the launcher said nothing: ${await readErrors(folder)}`,
      nowMs: clock.nowMs(),
    });
  }

  /** The launcher of a command is gone: it left a record, or nobody knows. */
  async #reportEnd(
    runner: ProcessRunner,
    folder: string,
    command: Identity,
    refusal: string,
    report: Report,
  ): Promise<void> {
    const end = await this.#readEnd(folder);
    if (end === null) return this.watchMain(runner, command, report);
    const isSessionEmpty = await this.ports.sessions.isEmpty(end, command);
    const hasFailed = end.exit.kind !== "exited" || end.exit.code !== 0;
    const wasAsked = runner.record.phase.state === "stopping";
    report({
      type: "ended",
      exit: end.exit,
      isSessionEmpty,
      isOomKilled: end.isOomKilled,
      reason: refusal ||
        (hasFailed && !wasAsked
          ? readLastLines(this.ports.folders.logs(runner.record).stderrPath)
          : ""),
      nowMs: end.endedMs,
    });
  }

  /** Reports the end of a process that no launcher waits for. */
  watchMain(runner: ProcessRunner, main: Identity, report: Report): void {
    const { background, groups, clock, logger } = this.ports;
    const reportGone = async () => {
      const nowMs = clock.nowMs();
      const isOomKilled = await groups.isOomKilled(runner).catch((error) => {
        if (!(error instanceof AppError)) throw error;
        logger.warn("group not read", { reason: error.message });
        return false;
      });
      report({ type: "mainGone", isOomKilled, nowMs });
    };
    this.#watch(
      runner,
      main,
      () => background.run(`end of ${runner.record.id}`, reportGone),
    );
  }

  /** The host may be out of what reading takes: that is no end unseen. */
  async #readEnd(folder: string): Promise<EndRecord | null> {
    while (true) {
      try {
        return await readEnd(folder);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        this.ports.logger.warn("end not read yet", { reason: error.message });
      }
      await this.ports.clock.sleep(RETRY_MS);
    }
  }

  #watch(runner: ProcessRunner, identity: Identity, onGone: () => void): void {
    this.#hold(runner, this.ports.prober.watch(identity, onGone));
  }

  #hold(runner: ProcessRunner, endWatch: () => void): void {
    const watches = this.#watches.get(runner) ?? new Set();
    this.#watches.set(runner, watches.add(endWatch));
  }
}

/** A command that was just begun. */
export function track(launched: Launched): Tracked {
  return {
    ...launched,
    commandEnded: false,
    main: null,
    sessions: [launched.command],
  };
}
