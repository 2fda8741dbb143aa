import { AppError } from "../../shared/errors.ts";
import type { Effect } from "../lifecycle/events.ts";
import {
  type Identity,
  type Rung,
  type Tracked,
  trackedOf,
} from "../lifecycle/record.ts";
import { toSpec } from "../lifecycle/spec.ts";
import type { Checks } from "./checks.ts";
import { CommandLife, type CommandPorts, type Report } from "./command_life.ts";
import { findMain } from "./find_main.ts";
import { runHelper } from "./helper_command.ts";
import { PackageError } from "./packages.ts";
import { killSessions } from "./kill_sessions.ts";
import type { ProcessRunner } from "./process_runner.ts";
import { removeFolder } from "./remove_folder.ts";
import { endRestart, runRestart } from "./restart_command.ts";

/** Run folders kept of one process: those of its latest starts. */
const RUNS_KEPT = 10;
/** Wait before a signal that could not be sent is sent again, ms. */
const RETRY_MS = 1_000;

/** Carries out what the lifecycle decided, and reports back by events. */
export class Effects {
  /** The latest sweep and search of each process: older ones are dropped. */
  readonly #latest = new WeakMap<ProcessRunner, Map<string, object>>();
  /** Generations whose sessions are being killed. */
  readonly #killing = new WeakMap<ProcessRunner, number>();
  /** Sessions that are being killed for themselves. */
  readonly #dying = new WeakMap<ProcessRunner, Set<string>>();
  readonly #life: CommandLife;

  constructor(
    private readonly ports: CommandPorts & {
      readonly checks: Pick<Checks, "follow">;
    },
  ) {
    this.#life = new CommandLife(ports);
  }

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
    this.#life.release(runner);
    this.#latest.delete(runner);
  }

  /** Reports the end of a command that an earlier daemon started. */
  async adopt(
    runner: ProcessRunner,
    tracked: Tracked,
    report: Report,
  ): Promise<void> {
    await this.#life.adopt(runner, tracked, report);
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
        return await this.#life.launch(runner, report);
      case "removeGroup":
        return await this.ports.groups.remove(runner, effect.generation);
      case "findMain":
        return await this.#findMain(runner, effect.deadlineMs, report);
      case "check":
        return await this.ports.checks.follow(runner);
      case "watchMain":
        return this.#life.watchMain(runner, effect.main, report);
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
    const { users, staging, groups, clock } = this.ports;
    // Here, as a daemon that ended before it did so comes by here again.
    await groups.removeEarlier(runner);
    await this.#removeOldRun(runner);
    let failure: AppError | null = null;
    try {
      // Whom the daemon was set up to allow may be others than at its creation.
      await users.admit(runner.record.info.User);
      if (staging.isNeeded(runner)) await staging.prepare(runner);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      failure = error;
    }
    const nowMs = clock.nowMs();
    report(
      failure === null ? { type: "prepared", nowMs } : {
        type: "refused",
        message: failure.message,
        ...(failure instanceof PackageError && { result: "package-failed" }),
        nowMs,
      },
    );
  }

  /** Starts without end must not fill the disk. */
  async #removeOldRun({ record }: ProcessRunner): Promise<void> {
    const { folders, clock, logger } = this.ports;
    const { id, number } = record;
    const generation = record.generation - RUNS_KEPT;
    if (generation < 1) return;
    try {
      await removeFolder(folders.run({ number, generation }), clock);
    } catch (error) {
      // It goes with the process at the latest: no reason not to start.
      if (!(error instanceof AppError)) throw error;
      logger.warn("run folder not removed", { id, reason: error.message });
    }
  }

  async #findMain(
    runner: ProcessRunner,
    deadlineMs: number,
    report: Report,
  ): Promise<void> {
    const { launcher, users, clock } = this.ports;
    const isCurrent = this.#supersede(runner, "findMain");
    const { mode, user } = toSpec(runner.record.info);
    const tracked = trackedOf(runner.record.phase);
    if (mode.kind === "simple" || tracked === null) return;
    const found = await findMain(launcher, clock, {
      ...mode,
      findUid: async () => user === "" ? null : (await users.find(user)).uid,
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

function isOnRung(runner: ProcessRunner, rung: Rung): boolean {
  const { phase } = runner.record;
  return phase.state === "stopping" && phase.rung === rung;
}
