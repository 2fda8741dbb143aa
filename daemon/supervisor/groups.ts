import { AppError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Limits } from "../../shared/manager_api/types.ts";
import { toGroupLimits, withLimits } from "../lifecycle/limits.ts";
import type { ProcessRecord } from "../lifecycle/record.ts";
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

  /** The same for a command beside it, which is run in any case. */
  forHelper(runner: ProcessRunner): GroupRequest | null {
    const request = isGrouped(runner.record) ? this.forStart(runner) : null;
    return request && { ...request, isRequired: false };
  }

  /** Whether the kernel killed in a process's group as memory was short. */
  async isOomKilled({ record }: ProcessRunner): Promise<boolean> {
    const { policy, launcher } = this.ports;
    return policy !== null && isGrouped(record) &&
      await launcher.isOomKilled(nameOf(policy, record));
  }

  /** Removes the group of one start; harmless where there is none. */
  async remove(
    { record }: ProcessRunner,
    generation = record.generation,
  ): Promise<void> {
    const { policy, launcher, logger } = this.ports;
    if (policy === null || !isGrouped(record)) return;
    try {
      await launcher.removeGroup(nameOf(policy, { ...record, generation }));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // What left its session may live on in there.
      logger.warn("group not removed", {
        id: record.id,
        reason: error.message,
      });
    }
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
    const { record } = runner;
    const refuse = (cause: string): never => {
      throw new AppError(
        "FAILED_PRECONDITION",
        `the limits of process ${record.id} cannot be changed: ${cause}`,
      );
    };
    if (policy === null) return refuse("the daemon enforces none (limits=off)");
    const { state } = record.phase;
    if (state !== "staging" && state !== "stopped") {
      if (record.limiting?.kind === "failed") {
        return refuse(record.limiting.reason);
      }
      if (!isGrouped(record)) {
        return refuse("it was started without any, stop it first");
      }
      const next = toGroupLimits(withLimits(record.info, limits));
      try {
        await launcher.limitGroup(nameOf(policy, record), next ?? UNLIMITED);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        return refuse(error.message);
      }
    }
    runner.dispatch({ type: "limitsChanged", limits });
  }
}

const UNLIMITED = { cpuShares: -1, cpuQuotaUs: -1, memoryBytes: -1 };

function isGrouped({ limiting }: ProcessRecord): boolean {
  return limiting?.kind === "asked";
}

function nameOf(
  { parent }: GroupPolicy,
  { number, generation }: Pick<ProcessRecord, "number" | "generation">,
): string {
  return `${parent}/${number}.${generation}`;
}
