import { backoffMs } from "../../shared/backoff.ts";
import type { Clock } from "../../shared/clock.ts";
import { AppError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { SECONDS_MAX } from "../../shared/manager_api/parse.ts";
import type { ManagerClient } from "../../shared/manager_api/client.ts";
import type { ProcessInfo } from "../../shared/manager_api/types.ts";

/** Waits between two tries to reach the daemon. */
const RETRY = { firstMs: 50, maxMs: 1_000 };
/** How often a process that has ended is tried to be deleted. */
const DELETE_TRIES = 5;

/** What it takes to have the daemon do something. */
export interface ControlPorts {
  readonly manager: Pick<
    ManagerClient,
    "create" | "inspect" | "stop" | "delete" | "exec"
  >;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly logger: Logger;
  /** What this run of the executor is called by the daemon. */
  readonly owner: string;
  /** Aborted when the executor leaves. */
  readonly signal: AbortSignal;
}

/** Has the daemon do what must be done, over its absences and lost answers. */
export class ProcessControl {
  constructor(private readonly ports: ControlPorts) {}

  /**
   * Creates a process. The daemon may be restarting: it is waited for, within
   * limits. Once the process is to be killed it is not created again, only
   * looked for.
   *
   * @param kill Aborted when nobody wants the process any more.
   * @param deadlineMs Monotonic clock, ms.
   * @throws {AppError} The daemon's answer; UNAVAILABLE if there was none;
   * NOT_FOUND if it was killed before it was created.
   */
  async create(
    info: ProcessInfo,
    kill: AbortSignal,
    deadlineMs: number,
  ): Promise<void> {
    const { clock, random } = this.ports;
    for (let attempt = 1;; attempt++) {
      try {
        return attempt > 1 && kill.aborted
          ? await this.#expectOwn(info)
          : await this.#createOnce(info, attempt);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        const isOver = clock.monotonicMs() >= deadlineMs;
        if (error.code !== "UNAVAILABLE" || isOver) throw error;
      }
      const waitMs = backoffMs(attempt, RETRY, random());
      if (kill.aborted) await clock.sleep(waitMs);
      else await clock.sleep(waitMs, kill);
    }
  }

  /**
   * Stops a process, however often that takes: what was asked for must not be
   * forgotten.
   *
   * @param timeoutMs Time until force.
   * @param isWanted Whether it still has to be stopped.
   * @param onUnknown Called when the daemon does not know it (yet, or any more).
   */
  async stop(
    id: string,
    timeoutMs: number,
    isWanted: () => boolean,
    onUnknown: () => void,
  ): Promise<void> {
    const { manager, clock, random, logger, signal } = this.ports;
    // Whole seconds on the wire; 0 would mean the definition's own.
    const timeoutS = Math.min(
      Math.max(1, Math.ceil(timeoutMs / 1000)),
      SECONDS_MAX,
    );
    for (let attempt = 1; !signal.aborted && isWanted(); attempt++) {
      try {
        return await manager.stop(id, timeoutS);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        logger.warn("not stopped", { id, reason: error.message });
        if (error.code === "NOT_FOUND") onUnknown();
      }
      await clock.sleep(backoffMs(attempt, RETRY, random()), signal);
    }
  }

  /**
   * Deletes a process that has ended. A daemon that stays away keeps its record:
   * nobody waits for that.
   *
   * @returns Whether it is over with; false if it was started once more.
   */
  async delete(id: string): Promise<boolean> {
    const { manager, clock, random, logger } = this.ports;
    for (let attempt = 1; attempt <= DELETE_TRIES; attempt++) {
      try {
        await manager.delete(id);
        return true;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        logger.warn("process not deleted", { id, reason: error.message });
        if (error.code === "FAILED_PRECONDITION") return false;
      }
      await clock.sleep(backoffMs(attempt, RETRY, random()));
    }
    return true;
  }

  /** Ends and deletes a process of ours that may or may not be there. */
  async remove(id: string): Promise<void> {
    const { manager, clock, random, signal } = this.ports;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        if (!await this.#isOwn(id)) return;
        await manager.stop(id, 0);
        return await manager.delete(id);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        if (error.code === "NOT_FOUND") return;
      }
      await clock.sleep(backoffMs(attempt, RETRY, random()), signal);
    }
  }

  async #createOnce(info: ProcessInfo, attempt: number): Promise<void> {
    try {
      await this.ports.manager.create(info);
    } catch (error) {
      const isThere = error instanceof AppError &&
        error.code === "ALREADY_EXISTS";
      if (!isThere || attempt === 1) throw error;
      await this.#expectOwn(info, error);
    }
  }

  /** An answer may have been lost on the way: is the process there, and ours? */
  async #expectOwn(
    { Id }: ProcessInfo,
    otherwise = new AppError("NOT_FOUND", "it was killed before"),
  ): Promise<void> {
    if (!await this.#isOwn(Id)) throw otherwise;
  }

  async #isOwn(id: string): Promise<boolean> {
    const { manager, owner } = this.ports;
    const { Info, Status } = await manager.inspect(id);
    return (Status.Owner ?? Info.ExecutorId) === owner;
  }
}
