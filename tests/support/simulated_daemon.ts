import type { Clock, Timer } from "../../shared/clock.ts";
import { AppError } from "../../shared/errors.ts";
import type { ProcessManager } from "../../shared/manager_api/client.ts";
import type {
  ExecResult,
  LeaseInfo,
  ProcessEvent,
  ProcessInfo,
  ProcessInspection,
  ProcessStatusInfo,
} from "../../shared/manager_api/types.ts";
import { makeStatus } from "./in_process_daemon.ts";

/** Time that an obedient process takes to end, ms. */
const OBEY_MS = 20;
/** Stop time of a definition that names none, ms. */
const STOP_MS_DEFAULT = 10_000;

interface Process {
  readonly info: ProcessInfo;
  status: ProcessStatusInfo;
  /** When force is due; null = no stop was asked for. */
  force: Timer | null;
  forceAtMs: number;
  /** Calls that wait for its end. */
  readonly waiting: PromiseWithResolvers<void>[];
  /** When it is an orphan. */
  lease: Timer | null;
}

interface Follower {
  readonly events: ProcessEvent[];
  /** Null while it is open. */
  end: "closed" | "broken" | null;
  wake: () => void;
}

/**
 * The daemon's behaviour without processes, sockets or files, on a clock that
 * the test moves: processes start, obey or do not, end, and are deleted; the
 * daemon itself goes away and comes back.
 */
export class SimulatedDaemon implements ProcessManager {
  /** How a process takes a stop. */
  obeys: (id: string) => boolean = () => true;
  /** How long a process is `starting`, ms. */
  startMs: (id: string) => number = () => 0;
  /** How many of the next calls have their effect but no answer. */
  answersToLose = 0;
  /** After how long without a heartbeat a process is an orphan, ms. */
  leaseMs = 600_000;
  /** Whether it knows leases; the original does not. */
  hasLeases = true;
  /** Owners that were heard of, once for each heartbeat. */
  readonly heartbeats: string[] = [];
  readonly #processes = new Map<string, Process>();
  readonly #events: ProcessEvent[] = [];
  readonly #followers = new Set<Follower>();
  /** Changes of processes that nobody has seen, as the daemon is away. */
  #unseen: (() => void)[] = [];
  #isAway = false;

  constructor(private readonly clock: Clock) {}

  /** Ids of all processes that were not deleted. */
  get ids(): readonly string[] {
    return [...this.#processes.keys()];
  }

  /** Ids of the processes of which something is alive. */
  get aliveIds(): readonly string[] {
    return this.ids.filter((id) => this.#stateOf(id) !== "stopped");
  }

  /** Ids of the processes that run, or are being stopped. */
  get runningIds(): readonly string[] {
    return this.ids.filter((id) =>
      ["running", "stopping"].includes(this.#stateOf(id) ?? "")
    );
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** Whether a process was ever created, and how it ended if it has. */
  historyOf(id: string): readonly ProcessStatusInfo[] {
    return this.#events.filter(({ Id }) => Id === id)
      .map(({ Status }) => Status);
  }

  /** Goes away; its processes live on. */
  leave(): void {
    this.#isAway = true;
    for (const follower of this.#followers) this.#end(follower, "broken");
    for (const process of this.#processes.values()) {
      for (const { reject } of process.waiting.splice(0)) reject(unavailable());
    }
  }

  /** Comes back, and finds out what has changed. */
  comeBack(): void {
    this.#isAway = false;
    for (const change of this.#unseen.splice(0)) change();
    for (const process of this.#processes.values()) this.#renew(process);
  }

  /** A process ends by itself. */
  exit(id: string, ExitCode: number): void {
    this.#finish(id, { Result: "exited", ExitKnown: true, ExitCode });
  }

  /** A process is started anew, as by an operator. */
  startAnew(id: string): void {
    const { Generation } = this.#find(id).status;
    this.#change(id, { Status: "running", Generation: Generation + 1 });
  }

  create(info: ProcessInfo): Promise<void> {
    return this.#answer(() => {
      const { Id } = info;
      if (this.#processes.has(Id)) {
        throw new AppError("ALREADY_EXISTS", `${Id} exists already`);
      }
      this.#processes.set(Id, {
        info,
        status: makeStatus(Id, { Status: "staging" }),
        force: null,
        forceAtMs: Infinity,
        waiting: [],
        lease: null,
      });
      this.#renew(this.#find(Id));
      this.#change(Id, { Status: "starting" });
      this.clock.after(this.startMs(Id), () =>
        this.#see(() => {
          if (this.#stateOf(Id) === "starting") {
            this.#change(Id, { Status: "running", Pid: 1 });
          }
        }));
    });
  }

  list(): Promise<ProcessStatusInfo[]> {
    return this.#answer(() =>
      [...this.#processes.values()].map(({ status }) => status)
    );
  }

  inspect(id: string): Promise<ProcessInspection> {
    return this.#answer(() => {
      const { info, status } = this.#find(id);
      return { Info: info, Status: status, History: [] };
    });
  }

  status(id: string): Promise<ProcessStatusInfo> {
    return this.#answer(() => this.#find(id).status);
  }

  stop(id: string, timeoutS: number): Promise<void> {
    return this.#answer(() => {
      const process = this.#find(id);
      if (process.status.Status === "stopped") return;
      if (process.status.Status !== "stopping") {
        this.#change(id, { Status: "stopping" });
        if (this.obeys(id)) {
          this.clock.after(
            OBEY_MS,
            () =>
              this.#finish(id, {
                Result: "stopped",
                ExitKnown: true,
                Signal: 15,
              }),
          );
        }
      }
      const limitMs = timeoutS === 0 ? STOP_MS_DEFAULT : timeoutS * 1000;
      const forceAtMs = this.clock.monotonicMs() + limitMs;
      if (forceAtMs < process.forceAtMs) {
        process.force?.cancel();
        process.forceAtMs = forceAtMs;
        process.force = this.clock.after(
          limitMs,
          () =>
            this.#finish(id, { Result: "stopped", ExitKnown: true, Signal: 9 }),
        );
      }
      const end = Promise.withResolvers<void>();
      process.waiting.push(end);
      return end.promise;
    });
  }

  delete(id: string): Promise<void> {
    return this.#answer(() => {
      const process = this.#processes.get(id);
      if (process === undefined) return;
      if (process.status.Status !== "stopped") {
        throw new AppError("FAILED_PRECONDITION", `${id} is not stopped`);
      }
      this.#publish(process.status, "deleted");
      this.#processes.delete(id);
    });
  }

  events(after: number): Promise<ProcessEvent[]> {
    return this.#answer(() => this.#events.filter(({ Seq }) => Seq > after));
  }

  follow(
    after: number | undefined,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ProcessEvent>> {
    return this.#answer(() => {
      const events = after === undefined
        ? []
        : this.#events.filter(({ Seq }) => Seq > after);
      const follower: Follower = { events, end: null, wake: () => {} };
      this.#followers.add(follower);
      signal.addEventListener("abort", () => this.#end(follower, "closed"));
      return read(follower);
    });
  }

  restart(): Promise<void> {
    return this.#refuse();
  }
  reload(): Promise<void> {
    return this.#refuse();
  }
  signal(): Promise<void> {
    return this.#refuse();
  }
  exec(): Promise<ExecResult> {
    return this.#refuse();
  }
  writeFile(): Promise<void> {
    return this.#refuse();
  }
  heartbeat(owner: string): Promise<LeaseInfo> {
    return this.#answer(() => {
      if (!this.hasLeases) throw new AppError("NOT_FOUND", "Page Not Found");
      this.heartbeats.push(owner);
      const renewed = [...this.#processes.values()].filter((process) =>
        process.info.ExecutorId === owner && process.status.Status !== "stopped"
      );
      for (const process of renewed) this.#renew(process);
      return {
        Processes: renewed.length,
        Timeout: renewed.length === 0 ? 0 : this.leaseMs / 1000,
      };
    });
  }
  setLimits(): Promise<void> {
    return this.#refuse();
  }

  /** While it is away, nobody's time runs. */
  #renew(process: Process): void {
    process.lease?.cancel();
    if (!this.hasLeases || process.status.Status === "stopped") return;
    process.lease = this.clock.after(this.leaseMs, () => {
      if (this.#isAway) return;
      const how = { ExitKnown: true, Signal: 15 };
      this.#finish(process.status.Id, { ...how, Result: "lease-expired" });
    });
  }

  #stateOf(id: string): ProcessStatusInfo["Status"] | undefined {
    return this.#processes.get(id)?.status.Status;
  }

  #finish(id: string, how: Partial<ProcessStatusInfo>): void {
    this.#see(() => {
      const process = this.#processes.get(id);
      if (process === undefined || process.status.Status === "stopped") return;
      process.force?.cancel();
      process.lease?.cancel();
      const wasAsked = process.status.Status === "stopping";
      this.#change(id, {
        ...how,
        Status: "stopped",
        ...(wasAsked ? { Result: "stopped" } : {}),
      });
      for (const { resolve } of process.waiting.splice(0)) resolve();
    });
  }

  /** Does what follows from a change: now, or when it is back. */
  #see(change: () => void): void {
    if (this.#isAway) this.#unseen.push(change);
    else change();
  }

  #change(id: string, change: Partial<ProcessStatusInfo>): void {
    const process = this.#find(id);
    const status = { ...process.status, ...change };
    process.status = {
      ...status,
      Message: `process ${id} is ${status.Status}`,
    };
    this.#publish(process.status, "changed");
  }

  #publish(Status: ProcessStatusInfo, Cause: string): void {
    const event: ProcessEvent = {
      Seq: this.#events.length + 1,
      Time: this.clock.nowMs(),
      Id: Status.Id,
      Cause,
      Status,
    };
    this.#events.push(event);
    for (const follower of this.#followers) {
      follower.events.push(event);
      follower.wake();
    }
  }

  #end(follower: Follower, end: "closed" | "broken"): void {
    follower.end ??= end;
    follower.wake();
    this.#followers.delete(follower);
  }

  #find(id: string): Process {
    const process = this.#processes.get(id);
    if (process === undefined) throw new AppError("NOT_FOUND", `no ${id}`);
    return process;
  }

  async #answer<T>(act: () => T | Promise<T>): Promise<T> {
    await Promise.resolve();
    if (this.#isAway) throw unavailable();
    const isLost = this.answersToLose > 0;
    if (!isLost) return await act();
    this.answersToLose--;
    // Whatever it comes to, nobody hears of it.
    Promise.try(act).catch(() => undefined);
    throw unavailable();
  }

  #refuse(): Promise<never> {
    return Promise.reject(
      new AppError("FAILED_PRECONDITION", "There is no such thing here"),
    );
  }
}

function unavailable(): AppError {
  return new AppError("UNAVAILABLE", "The daemon is away");
}

async function* read(follower: Follower): AsyncGenerator<ProcessEvent> {
  while (follower.end === null || follower.end === "closed") {
    const event = follower.events.shift();
    if (event !== undefined) yield event;
    else if (follower.end === "closed") return;
    else await new Promise<void>((resolve) => follower.wake = resolve);
  }
  throw new TypeError("connection reset");
}
