import { AppError } from "../../shared/errors.ts";
import type { Clock } from "../../shared/clock.ts";
import type {
  HandOver,
  Limits,
  ProcessFile,
  ProcessInfo,
} from "../../shared/manager_api/types.ts";
import type { Effect } from "../lifecycle/events.ts";
import { isAtRest, ownerOf, type ProcessRecord } from "../lifecycle/record.ts";
import { toSpec } from "../lifecycle/spec.ts";
import type { ProcessStore } from "../store/process_store.ts";
import type { EventHub } from "./event_hub.ts";
import type { Execs } from "./execs.ts";
import type { Groups } from "./groups.ts";
import type { Leases } from "./leases.ts";
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
  readonly staging: Pick<Staging, "write" | "discard" | "keep">;
  /** Commands beside processes: what is stopped has none left. */
  readonly execs: Pick<Execs, "settled">;
  readonly groups: Pick<Groups, "change" | "remove">;
  readonly leases: Pick<Leases, "follow" | "leftMs" | "close">;
  /** Removes what the daemon kept of a process beside its record. */
  readonly removeFiles: (record: ProcessRecord) => Promise<void>;
}

/** All processes of this host, by id. */
export class Supervisor {
  readonly #runners = new Map<string, ProcessRunner>();
  readonly #deletes = new Map<ProcessRunner, Promise<void>>();
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
   * Registers a process and begins to start it. It takes the place of an
   * orphan of another owner that was stopped.
   *
   * @throws {AppError} ALREADY_EXISTS while the id is known.
   */
  async create(info: ProcessInfo): Promise<ProcessRecord> {
    const found = this.#runners.get(info.Id)?.record;
    if (
      found?.phase.state === "stopped" && found.result === "lease-expired" &&
      ownerOf(found) !== info.ExecutorId
    ) await this.delete(info.Id);
    // Another may have been quicker.
    const known = this.#runners.get(info.Id);
    if (known !== undefined) {
      throw new AppError(
        "ALREADY_EXISTS",
        // The original's words, which its clients look for, are at both ends.
        `processinfo ${info.Id}${this.#describeOwner(known)} already existed`,
      );
    }
    const nowMs = this.ports.clock.nowMs();
    const { record, event } = this.ports.store.insert({
      id: info.Id,
      generation: 1,
      info,
      owner: info.ExecutorId,
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
    const stopped = await runner.until(({ phase }) =>
      phase.state === "stopped"
    );
    await this.ports.execs.settled(runner);
    return stopped;
  }

  /**
   * Restarts a process, or starts one that is stopped, and waits until it runs.
   *
   * @param timeoutMs Time for its stop; 0 = what its definition says.
   * @throws {AppError} NOT_FOUND; FAILED_PRECONDITION while a stop or delete is
   * under way, if its restart command failed, or if it ended instead.
   */
  async restart(id: string, timeoutMs: number): Promise<void> {
    const runner = this.#get(id);
    const refuse = (message: string) => {
      throw new AppError("FAILED_PRECONDITION", message);
    };
    if (this.#deletes.has(runner)) refuse(`process ${id} is being deleted`);
    runner.dispatch({
      type: "restartRequested",
      timeoutMs: timeoutMs || toSpec(runner.record.info).stopTimeoutMs,
      nowMs: this.ports.clock.nowMs(),
    });
    const { phase: begun } = runner.record;
    if (begun.state === "stopping" && begun.asked !== "restart") {
      refuse(`process ${id} is being stopped: it cannot be restarted`);
    }
    const { phase, message } = await runner.until(({ phase }) =>
      phase.state === "running" || isAtRest(phase)
    );
    const hasFailed = isAtRest(phase) ||
      (phase.state === "running" && phase.restartFailure !== undefined);
    if (hasFailed) refuse(message);
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
    // Two at once would remove the files of the next process of that name.
    const begun = this.#deletes.get(runner);
    if (begun !== undefined) return await begun;
    const { state } = runner.record.phase;
    if (state !== "stopped") {
      throw new AppError(
        "FAILED_PRECONDITION",
        `process ${id} status ${state} can't be deleted`,
      );
    }
    const done = this.#delete(runner).finally(() =>
      this.#deletes.delete(runner)
    );
    this.#deletes.set(runner, done);
    await done;
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

  /**
   * Changes the limits of a process, at once and for later starts.
   *
   * @throws {AppError} NOT_FOUND; FAILED_PRECONDITION if they cannot be.
   */
  async setLimits(id: string, limits: Limits): Promise<void> {
    await this.ports.groups.change(this.#get(id), limits);
  }

  /**
   * Gives a process to another owner.
   *
   * @throws {AppError} NOT_FOUND; FAILED_PRECONDITION if it is somebody else's.
   */
  handOver(id: string, { From, To }: HandOver): void {
    const runner = this.#get(id);
    const owner = ownerOf(runner.record);
    if (owner !== From) {
      const name = (text: string) => text === "" ? "nobody" : `"${text}"`;
      throw new AppError(
        "FAILED_PRECONDITION",
        `process ${id} cannot be handed over: it belongs to ` +
          `${name(owner)}, not to ${name(From)}`,
      );
    }
    runner.dispatch({ type: "ownerChanged", owner: To });
  }

  /** @throws {AppError} NOT_FOUND */
  get(id: string): ProcessRecord {
    return this.#get(id).record;
  }

  /** @throws {AppError} NOT_FOUND */
  runnerOf(id: string): ProcessRunner {
    return this.#get(id);
  }

  /** How many processes there are. */
  get size(): number {
    return this.#runners.size;
  }

  /** Every process, in the order of creation, to be acted upon. */
  runners(): readonly ProcessRunner[] {
    return [...this.#runners.values()];
  }

  /** Every process, in the order of creation. */
  list(): ProcessRecord[] {
    return this.runners().map(({ record }) => record);
  }

  /** Gives up all timers: the processes live on. */
  close(): void {
    this.ports.leases.close();
    for (const runner of this.#runners.values()) runner.close();
  }

  async #delete(runner: ProcessRunner): Promise<void> {
    const { execs, staging, groups, effects, store, clock, hub } = this.ports;
    await execs.settled(runner);
    // The id is free only when its files are gone: the next process of that
    // name has logs of the same name.
    const others = [...this.#runners.values()]
      .filter((other) => !this.#deletes.has(other));
    try {
      await staging.discard(runner, others);
      // A daemon may have ended before it did so.
      await groups.remove(runner);
      await this.ports.removeFiles(runner.record);
    } catch (error) {
      staging.keep(runner);
      throw error;
    }
    const event = store.remove(runner.record, clock.nowMs());
    this.#runners.delete(runner.record.id);
    runner.close();
    effects.release(runner);
    hub.publish(event);
  }

  #describeOwner(runner: ProcessRunner): string {
    const owner = ownerOf(runner.record);
    if (owner === "") return "";
    const leftMs = this.ports.leases.leftMs(runner);
    return ` of ${owner}` +
      (leftMs === null
        ? ""
        : `, whose lease ends in ${
          Math.max(0, Math.ceil(leftMs / 1000))
        } s unless that is heard of,`);
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
    this.ports.leases.follow(runner);
    return runner;
  }
}
