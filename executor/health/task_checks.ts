import type { BackgroundTasks } from "../../shared/background.ts";
import { assert } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { CheckStatusInfo } from "../mesos/types.ts";
import {
  type CheckDefinition,
  type CheckPlan,
  type HealthPlan,
  readChecks,
} from "./check_definition.ts";
import { nextCheckStatus, toCheckStatus } from "./check_state.ts";
import {
  decideHealth,
  HEALTH_UNKNOWN,
  type HealthChange,
} from "./health_state.ts";
import type { Outcome } from "./probe.ts";
import { ProbeLoop } from "./probe_loop.ts";
import { type ProbePorts, runProbe } from "./run_probe.ts";

export type { HealthChange } from "./health_state.ts";

/** What the checks of a task need of their surroundings. */
export interface CheckPorts extends ProbePorts {
  readonly background: BackgroundTasks;
  readonly logger: Logger;
  /** Told of the first result, of every change, and when a kill is due. */
  readonly onHealth: (change: HealthChange) => void;
  /** Told of every result that is another than the last. */
  readonly onCheck: (status: CheckStatusInfo) => void;
}

/**
 * The health check and the check of one task, as Mesos' own executors do them.
 * A probe that our own side could not make counts for nothing.
 */
export class TaskChecks {
  readonly #loops: readonly ProbeLoop[];

  /** @param definition Without problems (`findCheckProblems`). */
  constructor(definition: CheckDefinition, private readonly ports: CheckPorts) {
    const { health, check, problems } = readChecks(definition);
    assert(problems.length === 0, "A task with wrong checks was accepted");
    const loops: ProbeLoop[] = [];
    if (health) {
      loops.push(this.#loop("health check", health, () => this.#judge(health)));
    } else if (definition.health_check) {
      ports.logger.warn("health check of unknown type ignored");
    }
    if (check) {
      loops.push(this.#loop("check", check, () => this.#compare(check)));
    } else if (definition.check) {
      ports.logger.warn("check of unknown type ignored");
    }
    this.#loops = loops;
  }

  /**
   * The task runs (anew): delays and grace period begin now. After a restart
   * all that was known is forgotten, and `check_status` is the initial one.
   */
  start(): void {
    for (const loop of this.#loops) loop.start();
  }

  /**
   * No probes, no reports: the agent is away. What is under way is dropped.
   */
  pause(): void {
    for (const loop of this.#loops) loop.pause();
  }

  /** Goes on with a probe at once, or when the delay is over. */
  resume(): void {
    for (const loop of this.#loops) loop.resume();
  }

  /** For good: a probe under way is aborted and never reported. */
  stop(): void {
    for (const loop of this.#loops) loop.stop();
  }

  #loop(
    name: string,
    plan: CheckPlan,
    onStart: () => (outcome: Outcome) => void,
  ): ProbeLoop {
    const { clock, background, logger } = this.ports;
    return new ProbeLoop(name, plan, {
      clock,
      background,
      onStart,
      probe: async (signal) => {
        const outcome = await runProbe(plan, this.ports, signal);
        if (outcome.type === "skipped") {
          logger.warn("not probed", { check: name, reason: outcome.reason });
        }
        return outcome;
      },
    });
  }

  #judge(plan: HealthPlan): (outcome: Outcome) => void {
    const { clock, onHealth } = this.ports;
    const startedMs = clock.monotonicMs();
    let state = HEALTH_UNKNOWN;
    return (outcome) => {
      const elapsedMs = clock.monotonicMs() - startedMs;
      const decision = decideHealth(plan, state, outcome, elapsedMs);
      state = decision.state;
      if (decision.report !== null) onHealth(decision.report);
    };
  }

  #compare({ probe: { type } }: CheckPlan): (outcome: Outcome) => void {
    let last = toCheckStatus(type, null);
    return (outcome) => {
      const status = nextCheckStatus(type, last, outcome);
      if (status === last) return;
      last = status;
      this.ports.onCheck(status);
    };
  }
}
