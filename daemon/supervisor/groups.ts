import { AppError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Limits } from "../../shared/manager_api/types.ts";
import { toGroupLimits, withLimits } from "../lifecycle/limits.ts";
import { isAtRest, type ProcessRecord } from "../lifecycle/record.ts";
import type { GroupPolicy, GroupRequest, Launcher } from "../ports.ts";
import type { ProcessRunner } from "./process_runner.ts";

/** What groups act upon. */
export interface GroupPorts {
  readonly launcher: Pick<
    Launcher,
    "limitGroup" | "isOomKilled" | "removeGroup"
  >;
  readonly logger: Logger;
  /** null = limits are not enforced. */
  readonly policy: GroupPolicy | null;
}

/** The control groups of processes: one for each start that has limits. */
export class Groups {
  readonly #changes = new WeakMap<ProcessRunner, Promise<unknown>>();

  constructor(private readonly ports: GroupPorts) {}

  /** The group to start a process in; null if it has no limits. */
  forStart({ record }: ProcessRunner): GroupRequest | null {
    const { policy } = this.ports;
    const limits = toGroupLimits(record.info);
    return policy === null || limits === null ? null : {
      name: nameOf(policy, record),
      limits,
      isRequired: policy.isRequired,
    };
  }

  /**
   * The same for a command beside it, which is run in any case. It changes no
   * limits (new ones may be on their way) and makes no group (the process may
   * have ended, and nobody would remove it).
   */
  forHelper(runner: ProcessRunner): GroupRequest | null {
    const name = this.groupOf(runner.record);
    return name === null ? null : { name, limits: null, isRequired: false };
  }

  /** Whether the kernel killed in a process's group as memory was short. */
  async isOomKilled(runner: ProcessRunner): Promise<boolean> {
    const name = this.groupOf(runner.record);
    return name !== null && await this.ports.launcher.isOomKilled(name);
  }

  /** Removes the group of one start; harmless where there is none. */
  async remove(runner: ProcessRunner, generation?: number): Promise<void> {
    const { launcher, logger } = this.ports;
    const name = this.groupOf(runner.record, generation);
    if (name === null) return;
    try {
      await launcher.removeGroup(name);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // What left its session may live on in there.
      logger.warn("group not removed", {
        id: runner.record.id,
        reason: error.message,
      });
    }
  }

  /** The same of the start before the one that is being prepared, if any. */
  async removeEarlier(runner: ProcessRunner): Promise<void> {
    const { limiting, generation } = runner.record;
    if (limiting?.kind !== "asked" || limiting.generation >= generation) return;
    await this.remove(runner, limiting.generation);
  }

  /**
   * Changes limits, at once if the process is alive, and for later starts.
   *
   * @throws {AppError} FAILED_PRECONDITION; then nothing has changed.
   */
  async change(runner: ProcessRunner, limits: Limits): Promise<void> {
    const before = this.#changes.get(runner) ?? Promise.resolve();
    const done = before.then(() => this.#change(runner, limits));
    this.#changes.set(runner, done.catch(() => {}));
    await done;
  }

  async #change(runner: ProcessRunner, limits: Limits): Promise<void> {
    const { policy, launcher } = this.ports;
    // While its launcher makes the group, it might write over what we wrote.
    const record = await runner.until(({ phase }) =>
      phase.state !== "starting" || phase.step !== "launch"
    );
    const refuse = (cause: string): never => {
      throw new AppError(
        "FAILED_PRECONDITION",
        `the limits of process ${record.id} cannot be changed: ${cause}`,
      );
    };
    if (policy === null) return refuse("the daemon enforces none (limits=off)");
    const { phase } = record;
    if (phase.state !== "staging" && !isAtRest(phase)) {
      if (record.limiting?.kind === "failed") {
        return refuse(record.limiting.reason);
      }
      const name = this.groupOf(record);
      if (name === null) {
        return refuse("it was started without any, stop it first");
      }
      const next = toGroupLimits(withLimits(record.info, limits));
      try {
        await launcher.limitGroup(name, next ?? UNLIMITED);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        return refuse(error.message);
      }
      if (runner.record.limiting !== record.limiting) {
        return refuse("it was started anew meanwhile, try again");
      }
    }
    runner.dispatch({ type: "limitsChanged", limits });
  }

  /** The group of a process's start, the latest; null if it has none. */
  groupOf(
    { number, limiting }: ProcessRecord,
    generation?: number,
  ): string | null {
    const { policy } = this.ports;
    return policy === null || limiting?.kind !== "asked"
      ? null
      : nameOf(policy, {
        number,
        generation: generation ?? limiting.generation,
      });
  }
}

const UNLIMITED = {
  cpuShares: -1,
  cpuQuotaUs: -1,
  memoryBytes: -1,
  pids: -1,
};

function nameOf(
  { parent }: GroupPolicy,
  { number, generation }: Pick<ProcessRecord, "number" | "generation">,
): string {
  return `${parent}/${number}.${generation}`;
}
