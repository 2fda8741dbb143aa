import type { Clock } from "../../shared/clock.ts";
import { AppError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import { isCheckNews } from "../lifecycle/check.ts";
import { isUp } from "../lifecycle/record.ts";
import { toSpec } from "../lifecycle/spec.ts";
import { describeFailure } from "./exec_failure.ts";
import type { Execs } from "./execs.ts";
import type { Groups } from "./groups.ts";
import type { ProcessRunner } from "./process_runner.ts";
import type { Surroundings } from "./surroundings.ts";

/** Time between two checks of a process that starts, ms. */
const STARTING_INTERVAL_MS = 1_000;
/** The same of one that runs, ms. */
const RUNNING_INTERVAL_MS = 10_000;
/** Time that a check command may take, ms. */
const CHECK_MS_MAX = 10_000;
/** It gets so much also where the time of a start is nearly over, ms. */
const CHECK_MS_MIN = 1_000;

/** What running check commands takes. */
export interface CheckPorts {
  readonly execs: Pick<Execs, "run">;
  readonly surroundings: Pick<Surroundings, "of">;
  readonly groups: Pick<Groups, "forHelper">;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly logger: Logger;
}

/** How a check went. */
type Outcome =
  | { readonly type: "passed" }
  | { readonly type: "failed"; readonly message: string }
  /** It was not run, by no fault of the process: it says nothing. */
  | { readonly type: "skipped"; readonly message: string };

/** Runs check commands, one at a time for each process that has one. */
export class Checks {
  /** Who is being checked. */
  readonly #followed = new WeakSet<ProcessRunner>();
  /** The end of the latest checks of each process. */
  readonly #ends = new WeakMap<ProcessRunner, Promise<void>>();
  readonly #running = new Set<Promise<void>>();
  readonly #leaving = new AbortController();

  constructor(private readonly ports: CheckPorts) {}

  /**
   * Checks a process again and again until it is not up any more, and reports
   * what is news. One that is being checked already is left to that.
   */
  async follow(runner: ProcessRunner): Promise<void> {
    if (this.#followed.has(runner) || !isUp(runner.record.phase)) return;
    this.#followed.add(runner);
    const over = new AbortController();
    const unwatch = runner.watch(({ phase }) => {
      if (isUp(phase)) return;
      unwatch();
      this.#followed.delete(runner);
      over.abort();
    });
    // A command of before a restart may still be being killed.
    const before = this.#ends.get(runner) ?? Promise.resolve();
    const signal = AbortSignal.any([over.signal, this.#leaving.signal]);
    const end = before.then(() => this.#checkUntil(signal, runner));
    this.#ends.set(runner, end);
    this.#running.add(end);
    await end.finally(() => this.#running.delete(end));
  }

  /**
   * Ends all checks, as the daemon leaves: it must not judge by them. Resolves
   * when none is at work any more, which takes the end of its command.
   */
  async close(): Promise<void> {
    this.#leaving.abort();
    await Promise.all(this.#running);
  }

  async #checkUntil(over: AbortSignal, runner: ProcessRunner): Promise<void> {
    const { clock, logger, random } = this.ports;
    const isStarting = () => runner.record.phase.state === "starting";
    // A daemon that comes up does not check all of its processes at once.
    let waitMs = isStarting() ? 0 : RUNNING_INTERVAL_MS * random();
    let failures = 0;
    while (true) {
      await clock.sleep(waitMs, over);
      if (over.aborted) return;
      const outcome = await this.#check(runner);
      if (over.aborted) return;
      if (outcome.type === "skipped") {
        const { id } = runner.record;
        logger.warn("not checked", { id, reason: outcome.message });
      }
      // The time of a start goes by, whoever is to blame.
      if (outcome.type !== "skipped" || isStarting()) {
        failures = outcome.type === "passed" ? 0 : failures + 1;
        report(runner, outcome, failures, clock.nowMs());
      }
      waitMs = isStarting() ? STARTING_INTERVAL_MS : RUNNING_INTERVAL_MS;
    }
  }

  async #check(runner: ProcessRunner): Promise<Outcome> {
    const { execs, surroundings, groups, clock } = this.ports;
    const { phase, info } = runner.record;
    const { check } = toSpec(info);
    if (check === null) return { type: "passed" };
    const timeoutMs = phase.state === "starting" && phase.step === "check"
      ? between(CHECK_MS_MIN, phase.deadlineMs - clock.nowMs(), CHECK_MS_MAX)
      : CHECK_MS_MAX;
    try {
      const result = await execs.run(runner, {
        ...await surroundings.of(runner),
        command: check,
        group: groups.forHelper(runner),
        timeoutMs,
      }, { isWanted: isUp });
      const failure = describeFailure(result, timeoutMs);
      return failure === null
        ? { type: "passed" }
        : { type: "failed", message: `its check command ${failure}` };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const message = `its check command was not run: ${error.message}`;
      // The command itself is refused; all else is the host's doing or ours.
      return error.code === "FAILED_PRECONDITION"
        ? { type: "failed", message }
        : { type: "skipped", message };
    }
  }
}

function report(
  runner: ProcessRunner,
  outcome: Outcome,
  failures: number,
  nowMs: number,
): void {
  if (!isCheckNews(runner.record.phase, failures, nowMs)) return;
  runner.dispatch(
    outcome.type === "passed"
      ? { type: "checkPassed" }
      : { type: "checkFailed", message: outcome.message, nowMs },
  );
}

function between(min: number, value: number, max: number): number {
  return Math.min(Math.max(min, value), max);
}
