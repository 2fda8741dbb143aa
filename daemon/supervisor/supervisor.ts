import { AppError } from "../../shared/errors.ts";
import type { Clock } from "../../shared/clock.ts";
import type {
  ProcessFile,
  ProcessInfo,
} from "../../shared/manager_api/types.ts";
import type { Effect } from "../lifecycle/events.ts";
import type { ProcessRecord } from "../lifecycle/record.ts";
import { toSpec } from "../lifecycle/spec.ts";
import type { ProcessStore } from "../store/process_store.ts";
import type { EventHub } from "./event_hub.ts";
import { ProcessRunner, type RunnerPorts } from "./process_runner.ts";
import type { Staging } from "./staging.ts";

/** What the supervisor needs beside its store. */
export interface SupervisorPorts {
  readonly store: ProcessStore;
  readonly clock: Clock;
  readonly hub: EventHub;
  /** Carries out effects. */
  readonly effects: {
    perform(runner: ProcessRunner, effect: Effect): void;
    release(runner: ProcessRunner): void;
  };
  readonly staging: Pick<Staging, "write" | "discard">;
  /** Removes what the daemon kept of a process beside its record. */
  readonly removeFiles: (record: ProcessRecord) => Promise<void>;
}

/** All processes of this host, by id. */
export class Supervisor {
  readonly #runners = new Map<string, ProcessRunner>();
  readonly #runnerPorts: RunnerPorts;

  constructor(private readonly ports: SupervisorPorts) {
    const { store, clock, hub, effects } = ports;
    this.#runnerPorts = {
      store,
      clock,
      publish: (event) => hub.publish(event),
      perform: (runner, effect) => effects.perform(runner, effect),
    };
  }

  /** Takes over what an earlier daemon stored, without acting on it. */
  restore(records: readonly ProcessRecord[]): readonly ProcessRunner[] {
    return records.map((record) => this.#add(record));
  }

  /**
   * Registers a process and begins to start it.
   *
   * @throws {AppError} ALREADY_EXISTS while the id is known.
   */
  create(info: ProcessInfo): ProcessRecord {
    if (this.#runners.has(info.Id)) {
      throw new AppError(
        "ALREADY_EXISTS",
        `processinfo ${info.Id} already existed`,
      );
    }
    const nowMs = this.ports.clock.nowMs();
    const { record, event } = this.ports.store.insert({
      id: info.Id,
      generation: 1,
      info,
      phase: { state: "staging" },
      result: "none",
      exit: null,
      pid: 0,
      message: "",
      registeredMs: nowMs,
      startedMs: nowMs,
      finishedMs: null,
    }, nowMs);
    const runner = this.#add(record);
    this.ports.hub.publish(event);
    this.ports.effects.perform(runner, { type: "prepare" });
    return record;
  }

  /**
   * Stops a process and waits until nothing of it is left.
   *
   * @param timeoutMs Time until force; 0 = what its definition says.
   * @throws {AppError} NOT_FOUND
   */
  async stop(id: string, timeoutMs: number): Promise<ProcessRecord> {
    const runner = this.#get(id);
    runner.dispatch({
      type: "stopRequested",
      timeoutMs: timeoutMs || toSpec(runner.record.info).stopTimeoutMs,
      nowMs: this.ports.clock.nowMs(),
    });
    return await runner.until(({ phase }) => phase.state === "stopped");
  }

  /**
   * Forgets a stopped process and removes its files. An unknown id is a
   * success: the original's answer, and a repeated delete changes nothing.
   *
   * @throws {AppError} FAILED_PRECONDITION unless it is stopped.
   */
  async delete(id: string): Promise<void> {
    const runner = this.#runners.get(id);
    if (runner === undefined) return;
    const { record } = runner;
    if (record.phase.state !== "stopped") {
      throw new AppError(
        "FAILED_PRECONDITION",
        `process ${id} status ${record.phase.state} can't be deleted`,
      );
    }
    // The id is free only when its files are gone: the next process of that
    // name has logs of the same name.
    await this.ports.staging.discard(runner);
    await this.ports.removeFiles(record);
    if (this.#runners.get(id) !== runner) return;
    const event = this.ports.store.remove(record, this.ports.clock.nowMs());
    this.#runners.delete(id);
    runner.close();
    this.ports.effects.release(runner);
    this.ports.hub.publish(event);
  }

  /**
   * Writes a file for a process, whatever its state is.
   *
   * @throws {AppError} NOT_FOUND; FAILED_PRECONDITION if it cannot be fetched
   * or written, or the process is being deleted.
   */
  async writeFile(id: string, file: ProcessFile): Promise<void> {
    await this.ports.staging.write(this.#get(id), file);
  }

  /** @throws {AppError} NOT_FOUND */
  get(id: string): ProcessRecord {
    return this.#get(id).record;
  }

  /** Every process, in the order of creation. */
  list(): ProcessRecord[] {
    return [...this.#runners.values()].map(({ record }) => record);
  }

  /** Gives up all timers: the processes live on. */
  close(): void {
    for (const runner of this.#runners.values()) runner.close();
  }

  #get(id: string): ProcessRunner {
    const runner = this.#runners.get(id);
    if (runner === undefined) {
      throw new AppError("NOT_FOUND", `process ${id} not found`);
    }
    return runner;
  }

  #add(record: ProcessRecord): ProcessRunner {
    const runner = new ProcessRunner(record, this.#runnerPorts);
    this.#runners.set(record.id, runner);
    return runner;
  }
}
