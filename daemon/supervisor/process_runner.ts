import type { Clock, Timer } from "../../shared/clock.ts";
import type { ProcessEvent as ApiEvent } from "../../shared/manager_api/types.ts";
import { describeChange } from "../lifecycle/event_text.ts";
import type { Effect, ProcessEvent } from "../lifecycle/events.ts";
import type { ProcessRecord } from "../lifecycle/record.ts";
import { transition } from "../lifecycle/transition.ts";
import type { ProcessStore } from "../store/process_store.ts";

/** What a runner needs of its surroundings. */
export interface RunnerPorts {
  readonly store: Pick<ProcessStore, "update">;
  readonly clock: Clock;
  /** Told of every stored change. */
  readonly publish: (event: ApiEvent) => void;
  /** Carries out an effect; what comes of it is dispatched later. */
  readonly perform: (runner: ProcessRunner, effect: Effect) => void;
}

/**
 * The one writer of one process: every event goes through
 * {@linkcode ProcessRunner.dispatch}, which runs to its end before the next.
 * The decision is stored first, then acted upon.
 */
export class ProcessRunner {
  #record: ProcessRecord;
  #deadline: Timer | null = null;
  #armedForMs: number | null = null;
  #isClosed = false;
  readonly #watchers = new Set<(record: ProcessRecord) => void>();

  constructor(record: ProcessRecord, private readonly ports: RunnerPorts) {
    this.#record = record;
    this.#armDeadline();
  }

  /** The stored record. */
  get record(): ProcessRecord {
    return this.#record;
  }

  /** Lets an event change the process; what no longer matters is dropped. */
  dispatch(event: ProcessEvent): void {
    if (this.#isClosed) return;
    const decision = transition(this.#record, event);
    if (decision === null) return;
    if (decision.record !== this.#record) {
      const stored = this.ports.store.update(
        decision.record,
        event.type,
        this.ports.clock.nowMs(),
        describeChange(event, this.#record, decision.record),
      );
      this.#record = decision.record;
      this.#armDeadline();
      this.ports.publish(stored);
      for (const watcher of [...this.#watchers]) watcher(this.#record);
    }
    for (const effect of decision.effects) this.ports.perform(this, effect);
  }

  /**
   * The way to report what comes of an effect: it reaches the generation that
   * the process is in now. What an earlier one has to say is about a process
   * that is no more.
   */
  reporter(): (event: ProcessEvent) => void {
    const { generation } = this.#record;
    return (event) => {
      if (this.#record.generation === generation) this.dispatch(event);
    };
  }

  /** Resolves with the first record, from now on, that fits. */
  until(fits: (record: ProcessRecord) => boolean): Promise<ProcessRecord> {
    return new Promise((resolve) => {
      const end = this.watch((record) => {
        if (!fits(record)) return;
        end();
        resolve(record);
      });
      if (!fits(this.#record)) return;
      end();
      resolve(this.#record);
    });
  }

  /**
   * Calls `onChange` with every record that is stored from now on.
   *
   * @returns Ends that.
   */
  watch(onChange: (record: ProcessRecord) => void): () => void {
    this.#watchers.add(onChange);
    return () => void this.#watchers.delete(onChange);
  }

  /** Gives up the timer; the record is not changed any more, by any event. */
  close(): void {
    this.#isClosed = true;
    this.#deadline?.cancel();
  }

  /** The timer belongs to the phase: a phase without deadline has none. */
  #armDeadline(): void {
    const { phase } = this.#record;
    const hasDeadline = phase.state === "stopping" ||
      (phase.state === "starting" &&
        (phase.step === "restart-command" || phase.step === "backoff"));
    const deadlineMs = hasDeadline ? phase.deadlineMs : null;
    // One that runs is left alone: a wall clock that was set does not hurry it.
    if (deadlineMs !== null && deadlineMs === this.#armedForMs) return;
    this.#deadline?.cancel();
    this.#armedForMs = deadlineMs;
    if (deadlineMs === null) return;
    const { clock } = this.ports;
    // A host may come up with a clock that is years behind.
    const mostMs = "waitMs" in phase ? phase.waitMs : Infinity;
    this.#deadline = clock.after(
      Math.min(Math.max(0, deadlineMs - clock.nowMs()), mostMs),
      () => this.dispatch({ type: "deadline", nowMs: clock.nowMs() }),
    );
  }
}
