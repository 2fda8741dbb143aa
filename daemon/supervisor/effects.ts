import { AppError, messageOf } from "../../shared/errors.ts";
import type { BackgroundTasks } from "../../shared/background.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Logger } from "../../shared/logger.ts";
import type { ExitWatcher } from "../launch/exit_watcher.ts";
import type { Prober } from "../launch/prober.ts";
import {
  claim,
  type Launched,
  readEnd,
  readErrors,
  readIdentity,
} from "../launch/run_folder.ts";
import type { Effect, ProcessEvent } from "../lifecycle/events.ts";
import {
  type Identity,
  type Rung,
  type Tracked,
  trackedOf,
} from "../lifecycle/record.ts";
import { toSpec } from "../lifecycle/spec.ts";
import type { Launcher } from "../ports.ts";
import { findMain } from "./find_main.ts";
import { killSessions } from "./kill_sessions.ts";
import { runHelper } from "./helper_command.ts";
import { endRestart, runRestart } from "./restart_command.ts";
import type { Folders } from "./folders.ts";
import { readLastLines } from "./last_lines.ts";
import type { ProcessRunner } from "./process_runner.ts";
import type { Groups } from "./groups.ts";
import type { Staging } from "./staging.ts";

/** Takes what comes of an effect. */
export type Report = (event: ProcessEvent) => void;

/** Wait before a signal that could not be sent is sent again, ms. */
const RETRY_MS = 1_000;

/** What effects act upon. */
export interface EffectPorts {
  readonly launcher: Launcher;
  readonly prober: Prober;
  readonly exits: ExitWatcher;
  readonly clock: Clock;
  readonly folders: Folders;
  readonly staging: Staging;
  readonly groups: Groups;
  readonly background: BackgroundTasks;
  readonly logger: Logger;
}

/** Carries out what the lifecycle decided, and reports back by events. */
export class Effects {
  /** The latest sweep and search of each process: older ones are dropped. */
  readonly #latest = new WeakMap<ProcessRunner, Map<string, object>>();
  /** Generations whose sessions are being killed. */
  readonly #killing = new WeakMap<ProcessRunner, number>();
  /** Sessions that are being killed for themselves. */
  readonly #dying = new WeakMap<ProcessRunner, Set<string>>();
  readonly #watches = new WeakMap<ProcessRunner, Set<() => void>>();

  constructor(private readonly ports: EffectPorts) {}

  /**
   * Starts an effect. One that the launcher could not carry out (the host may
   * be out of processes) is no bug of ours: signals are repeated, and for the
   * others the ladder goes on at its deadline.
   */
  perform(
    runner: ProcessRunner,
    effect: Effect,
    report = runner.reporter(),
  ): void {
    const name = `${effect.type} ${runner.record.id}`;
    this.ports.background.run(name, async () => {
      try {
        await this.#run(runner, effect, report);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        this.ports.logger.warn("effect failed", {
          id: runner.record.id,
          effect: effect.type,
          reason: error.message,
        });
        if (effect.type === "sweep") {
          this.perform(runner, { ...effect, afterMs: RETRY_MS }, report);
        } else if (effect.type === "signal") {
          await this.ports.clock.sleep(RETRY_MS);
          // By then the ladder may have gone on.
          if (isOnRung(runner, "sigterm")) {
            this.perform(runner, effect, report);
          }
        }
      }
    });
  }

  /** Ends all watches of a process that is forgotten. */
  release(runner: ProcessRunner): void {
    for (const end of this.#watches.get(runner) ?? []) end();
    this.#watches.delete(runner);
    this.#latest.delete(runner);
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
    if (await readEnd(folder) !== null) return reportEnd();
    // Its launcher's end is noticed too: then there is a record, or none.
    this.#watch(runner, tracked.launcher, reportEnd);
  }

  async #run(
    runner: ProcessRunner,
    effect: Effect,
    report: Report,
  ): Promise<void> {
    const { launcher } = this.ports;
    switch (effect.type) {
      case "prepare":
        // Whatever was watched for an earlier generation is over.
        this.release(runner);
        return await this.#prepare(runner, report);
      case "launch":
        return await this.#launch(runner, report);
      case "removeGroup":
        return await this.ports.groups.remove(runner, effect.generation);
      case "findMain":
        return await this.#findMain(runner, effect.deadlineMs, report);
      case "watchMain":
        return this.#watchMain(runner, effect.main, report);
      case "signal":
        await launcher.signal("TERM", [effect.target]);
        return;
      case "runHelper":
        return await runHelper(runner, effect.which, this.ports, report);
      case "runRestart":
        return await runRestart(runner, effect.askedMs, this.ports, report);
      case "endRestart":
        return await endRestart(runner, this.ports, report);
      case "killSession":
        return await this.#killSession(runner, effect.session, report);
      case "sweep":
        return await this.#sweep(runner, effect, report);
    }
  }

  async #prepare(runner: ProcessRunner, report: Report): Promise<void> {
    const { staging, groups, clock } = this.ports;
    // Here, as a daemon that ended before it did so comes by here again.
    await groups.removeEarlier(runner);
    let failure: string | null = null;
    if (staging.isNeeded(runner)) {
      try {
        await staging.prepare(runner);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        failure = error.message;
      }
    }
    const nowMs = clock.nowMs();
    report(
      failure === null
        ? { type: "prepared", nowMs }
        : { type: "refused", message: failure, nowMs },
    );
  }

  async #launch(runner: ProcessRunner, report: Report): Promise<void> {
    const { record } = runner;
    const { folders, launcher, clock, staging, groups, logger } = this.ports;
    const spec = toSpec(record.info);
    const folder = folders.run(record);
    let tracked: Tracked | null = null;
    let refusal = "";
    try {
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      const answers = launcher.run({
        ...folders.logs(record),
        folder,
        user: spec.user,
        workDir: spec.workDir,
        environment: await staging.environmentOf(runner),
        command: spec.start,
        group: groups.forStart(runner),
      });
      for await (const answer of answers) {
        if (answer.type === "launched") {
          tracked = track(answer.launched);
          report({ type: "launched", tracked });
        } else if (answer.type === "executed") {
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
    const end = await readEnd(folder);
    if (end === null) return this.#watchMain(runner, command, report);
    const hasFailed = end.exit.kind !== "exited" || end.exit.code !== 0;
    const wasAsked = runner.record.phase.state === "stopping";
    report({
      type: "ended",
      exit: end.exit,
      isSessionEmpty: end.isSessionEmpty,
      isOomKilled: end.isOomKilled,
      reason: refusal ||
        (hasFailed && !wasAsked
          ? readLastLines(this.ports.folders.logs(runner.record).stderrPath)
          : ""),
      nowMs: end.endedMs,
    });
  }

  #watchMain(runner: ProcessRunner, main: Identity, report: Report): void {
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

  #watch(runner: ProcessRunner, identity: Identity, onGone: () => void): void {
    this.#hold(runner, this.ports.prober.watch(identity, onGone));
  }

  #hold(runner: ProcessRunner, endWatch: () => void): void {
    const watches = this.#watches.get(runner) ?? new Set();
    this.#watches.set(runner, watches.add(endWatch));
  }

  async #findMain(
    runner: ProcessRunner,
    deadlineMs: number,
    report: Report,
  ): Promise<void> {
    const { launcher, clock } = this.ports;
    const isCurrent = this.#supersede(runner, "findMain");
    const { mode, user } = toSpec(runner.record.info);
    const tracked = trackedOf(runner.record.phase);
    if (mode.kind === "simple" || tracked === null) return;
    const found = await findMain(launcher, clock, {
      ...mode,
      user,
      command: tracked.command,
      deadlineMs,
      isCurrent,
    });
    if (!isCurrent()) return;
    report(
      found.isFound
        ? { type: "mainFound", main: found.main, session: found.session }
        : {
          type: "mainMissing",
          message: found.message,
          nowMs: clock.nowMs(),
        },
    );
  }

  /** Asked for again and again: once at a time is enough. */
  async #killSession(
    runner: ProcessRunner,
    session: Identity,
    report: Report,
  ): Promise<void> {
    const dying = this.#dying.get(runner) ?? new Set();
    this.#dying.set(runner, dying);
    const key = `${session.pid} ${session.startTicks}`;
    if (dying.has(key)) return;
    dying.add(key);
    try {
      await killSessions([session], this.ports.launcher, this.ports.clock);
    } finally {
      dying.delete(key);
    }
    report({ type: "sessionKilled", session });
  }

  async #sweep(
    runner: ProcessRunner,
    { signal, sessions, afterMs }: Extract<Effect, { type: "sweep" }>,
    report: Report,
  ): Promise<void> {
    const { generation } = runner.record;
    const isKilling = () => this.#killing.get(runner) === generation;
    // One that kills is let finish, however long it takes.
    if (isKilling()) return;
    const isCurrent = this.#supersede(runner, "sweep");
    await this.ports.clock.sleep(afterMs);
    if (!isCurrent()) return;
    if (signal === "KILL") this.#killing.set(runner, generation);
    const left = await this.ports.launcher.sweep(signal, sessions)
      .finally(() => {
        if (isKilling()) this.#killing.delete(runner);
      });
    if (!isCurrent()) return;
    report({
      type: "swept",
      sessions,
      left,
      nowMs: this.ports.clock.nowMs(),
    });
  }

  /** Makes this the only effect of its kind whose outcome still counts. */
  #supersede(runner: ProcessRunner, kind: string): () => boolean {
    const kinds = this.#latest.get(runner) ?? new Map<string, object>();
    const token = {};
    this.#latest.set(runner, kinds.set(kind, token));
    return () => this.#latest.get(runner)?.get(kind) === token;
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

function isOnRung(runner: ProcessRunner, rung: Rung): boolean {
  const { phase } = runner.record;
  return phase.state === "stopping" && phase.rung === rung;
}
