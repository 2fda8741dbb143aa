import type { BackgroundTasks } from "../../shared/background.ts";
import type { Clock } from "../../shared/clock.ts";
import type { CheckPlan } from "./check_definition.ts";
import type { Outcome } from "./probe.ts";

/** What one loop does. */
export interface ProbeLoopPorts {
  readonly clock: Clock;
  readonly background: BackgroundTasks;
  /** Probes once; an abort of `signal` may end it early. */
  readonly probe: (signal: AbortSignal) => Promise<Outcome>;
  /**
   * Called at every start; what it returns takes the outcomes from then on.
   */
  readonly onStart: () => (outcome: Outcome) => void;
}

/** What a start of the task began. */
interface Start {
  /** When the first probe is due, ms on the monotonic clock. */
  readonly firstMs: number;
  /** Takes the outcomes. */
  readonly take: (outcome: Outcome) => void;
}

/**
 * Probes again and again, never twice at a time: the first time after the
 * delay, then always an interval after the last probe ended.
 */
export class ProbeLoop {
  /** null = not started yet. */
  #start: Start | null = null;
  #isPaused = false;
  #isStopped = false;
  /** Aborted when what is under way is of no interest any more. */
  #run = new AbortController();
  /** Done when no probe of an earlier run is under way. */
  #ended: Promise<void> = Promise.resolve();

  /** @param name For a failure that is a bug. */
  constructor(
    private readonly name: string,
    private readonly plan: Pick<CheckPlan, "delayMs" | "intervalMs">,
    private readonly ports: ProbeLoopPorts,
  ) {}

  /** Begins anew: the delay runs from now. Not after a stop. */
  start(): void {
    this.#start = {
      firstMs: this.ports.clock.monotonicMs() + this.plan.delayMs,
      take: this.ports.onStart(),
    };
    this.#begin(this.#start);
  }

  /** Ends a probe that is under way, without its outcome, and waits. */
  pause(): void {
    this.#isPaused = true;
    this.#run.abort();
  }

  /** Probes at once, unless the delay is not over. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#start !== null) this.#begin(this.#start);
  }

  /** As a pause, and nothing ends it. */
  stop(): void {
    this.#isStopped = true;
    this.#run.abort();
  }

  #begin(start: Start): void {
    this.#run.abort();
    if (this.#isPaused || this.#isStopped) return;
    this.#run = new AbortController();
    const { signal } = this.#run;
    this.#ended = this.#ended.then(() => this.#loop(start, signal));
    const ended = this.#ended;
    this.ports.background.run(this.name, () => ended);
  }

  async #loop({ firstMs, take }: Start, signal: AbortSignal): Promise<void> {
    const { clock, probe } = this.ports;
    await clock.sleep(Math.max(0, firstMs - clock.monotonicMs()), signal);
    while (!signal.aborted) {
      const outcome = await probe(signal);
      if (signal.aborted) return;
      take(outcome);
      await clock.sleep(this.plan.intervalMs, signal);
    }
  }
}
