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
import type { Effect } from "../lifecycle/events.ts";
import {
  type Identity,
  type Rung,
  type Tracked,
  trackedOf,
} from "../lifecycle/record.ts";
import { toSpec } from "../lifecycle/spec.ts";
import type { Launcher } from "../ports.ts";
import { findMain } from "./find_main.ts";
import { runHelper } from "./helper_command.ts";
import type { Folders } from "./folders.ts";
import { readLastLines } from "./last_lines.ts";
import type { ProcessRunner } from "./process_runner.ts";
import type { Staging } from "./staging.ts";

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
  readonly background: BackgroundTasks;
  readonly logger: Logger;
}

/** Carries out what the lifecycle decided, and reports back by events. */
export class Effects {
  /** The latest sweep and search of each process: older ones are dropped. */
  readonly #latest = new WeakMap<ProcessRunner, Map<string, object>>();
  readonly #killing = new WeakSet<ProcessRunner>();
  readonly #watches = new WeakMap<ProcessRunner, Set<() => void>>();

  constructor(private readonly ports: EffectPorts) {}

  /**
   * Starts an effect. One that the launcher could not carry out (the host may
   * be out of processes) is no bug of ours: signals are repeated, and for the
   * others the ladder goes on at its deadline.
   */
  perform(runner: ProcessRunner, effect: Effect): void {
    const name = `${effect.type} ${runner.record.id}`;
    this.ports.background.run(name, async () => {
      try {
        await this.#run(runner, effect);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        this.ports.logger.warn("effect failed", {
          id: runner.record.id,
          effect: effect.type,
          reason: error.message,
        });
        if (effect.type === "sweep") {
          this.perform(runner, { ...effect, afterMs: RETRY_MS });
        } else if (effect.type === "signal") {
          await this.ports.clock.sleep(RETRY_MS);
          // By then the ladder may have gone on.
          if (isOnRung(runner, "sigterm")) this.perform(runner, effect);
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
  async adopt(runner: ProcessRunner, tracked: Tracked): Promise<void> {
    const folder = this.ports.folders.run(runner.record);
    const report = () =>
      this.ports.background.run(
        `end of ${runner.record.id}`,
        () => this.#reportEnd(runner, folder, tracked.command, ""),
      );
    this.#hold(runner, this.ports.exits.watch(folder, report));
    if (await readEnd(folder) !== null) return report();
    // Its launcher's end is noticed too: then there is a record, or none.
    this.#watch(runner, tracked.launcher, report);
  }

  #run(runner: ProcessRunner, effect: Effect): Promise<void> {
    switch (effect.type) {
      case "prepare":
        return this.#prepare(runner);
      case "launch":
        return this.#launch(runner);
      case "findMain":
        return this.#findMain(runner, effect.deadlineMs);
      case "watchMain":
        this.#watchMain(runner, effect.main);
        return Promise.resolve();
      case "signal":
        return this.ports.launcher.signal("TERM", [effect.target]);
      case "runHelper":
        return runHelper(runner, effect.which, this.ports);
      case "sweep":
        return this.#sweep(runner, effect);
    }
  }

  async #prepare(runner: ProcessRunner): Promise<void> {
    const { staging, clock } = this.ports;
    const { generation } = runner.record;
    let failure: string | null = null;
    if (staging.isNeeded(runner)) {
      try {
        await staging.prepare(runner);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        failure = error.message;
      }
    }
    // What was stopped meanwhile may be staging again, for its next start.
    if (runner.record.generation !== generation) return;
    const nowMs = clock.nowMs();
    runner.dispatch(
      failure === null
        ? { type: "prepared", nowMs }
        : { type: "refused", message: failure, nowMs },
    );
  }

  async #launch(runner: ProcessRunner): Promise<void> {
    const { record } = runner;
    const { folders, launcher, clock, staging } = this.ports;
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
      });
      for await (const answer of answers) {
        if (answer.type === "launched") {
          tracked = track(answer.launched);
          runner.dispatch({ type: "launched", tracked });
        } else if (answer.type === "executed") {
          runner.dispatch({ type: "executed", nowMs: clock.nowMs() });
        } else if (answer.type === "refused") {
          refusal = answer.message;
        }
      }
    } catch (error) {
      if (tracked !== null) {
        if (!(error instanceof AppError)) throw error;
        // It runs, only its launcher is not understood any more.
        return await this.adopt(runner, tracked);
      }
      refusal = messageOf(error);
    }
    if (tracked !== null) {
      return await this.#reportEnd(runner, folder, tracked.command, refusal);
    }
    // Whatever went wrong: from here on nothing can be started in there.
    const begun = await claim(folder) ? null : await readIdentity(folder);
    if (begun !== null && begun !== "claimed") {
      tracked = track(begun);
      runner.dispatch({ type: "launched", tracked });
      runner.dispatch({ type: "executed", nowMs: clock.nowMs() });
      return await this.adopt(runner, tracked);
    }
    runner.dispatch({
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
  ): Promise<void> {
    const end = await readEnd(folder);
    if (end === null) return this.#watchMain(runner, command);
    const hasFailed = end.exit.kind !== "exited" || end.exit.code !== 0;
    const wasAsked = runner.record.phase.state === "stopping";
    runner.dispatch({
      type: "ended",
      exit: end.exit,
      isSessionEmpty: end.isSessionEmpty,
      reason: refusal ||
        (hasFailed && !wasAsked
          ? readLastLines(this.ports.folders.logs(runner.record).stderrPath)
          : ""),
      nowMs: end.endedMs,
    });
  }

  #watchMain(runner: ProcessRunner, main: Identity): void {
    this.#watch(runner, main, () => {
      runner.dispatch({ type: "mainGone", nowMs: this.ports.clock.nowMs() });
    });
  }

  #watch(runner: ProcessRunner, identity: Identity, onGone: () => void): void {
    this.#hold(runner, this.ports.prober.watch(identity, onGone));
  }

  #hold(runner: ProcessRunner, endWatch: () => void): void {
    const watches = this.#watches.get(runner) ?? new Set();
    this.#watches.set(runner, watches.add(endWatch));
  }

  async #findMain(runner: ProcessRunner, deadlineMs: number): Promise<void> {
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
    runner.dispatch(
      found.isFound
        ? { type: "mainFound", main: found.main, session: found.session }
        : {
          type: "mainMissing",
          message: found.message,
          nowMs: clock.nowMs(),
        },
    );
  }

  async #sweep(
    runner: ProcessRunner,
    { signal, sessions, afterMs }: Extract<Effect, { type: "sweep" }>,
  ): Promise<void> {
    // One that kills is let finish, however long it takes.
    if (this.#killing.has(runner)) return;
    const isCurrent = this.#supersede(runner, "sweep");
    await this.ports.clock.sleep(afterMs);
    if (!isCurrent()) return;
    if (signal === "KILL") this.#killing.add(runner);
    const left = await this.ports.launcher.sweep(signal, sessions)
      .finally(() => this.#killing.delete(runner));
    if (!isCurrent()) return;
    runner.dispatch({ type: "swept", left, nowMs: this.ports.clock.nowMs() });
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
