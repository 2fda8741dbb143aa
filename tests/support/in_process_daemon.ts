import { AppError, type ErrorCode } from "../../shared/errors.ts";
import type { ReceivedTask, TaskInfo } from "../../executor/mesos/types.ts";
import { TaskManager } from "../../executor/tasks/task_manager.ts";
import type { TaskReport } from "../../executor/updates/status_update.ts";
import { BackgroundTasks } from "../../shared/background.ts";
import type { Logger } from "../../shared/logger.ts";
import type { ManagerClient } from "../../shared/manager_api/client.ts";
import type {
  ExecRequest,
  ExecResult,
  ProcessEvent,
  ProcessInfo,
  ProcessInspection,
  ProcessStatusInfo,
} from "../../shared/manager_api/types.ts";
import { FakeClock } from "./fake_clock.ts";

type Operations = Pick<
  ManagerClient,
  "create" | "inspect" | "status" | "stop" | "delete" | "exec" | "follow"
>;

/** What goes wrong with one call. */
export interface DaemonFault {
  readonly code: ErrorCode;
  /** @default {1} */
  readonly times?: number;
  /** Whether the call has its effect all the same. @default {false} */
  readonly isDone?: boolean;
}

interface Stream {
  readonly events: ProcessEvent[];
  isOver: boolean;
  wake: () => void;
}

/** A daemon without processes, for tests that move the clock themselves. */
export class InProcessDaemon implements Operations {
  /** Every call, such as `create one` or `stop one 3`. */
  readonly calls: string[] = [];
  /** What was created and not deleted. */
  readonly infos = new Map<string, ProcessInfo>();
  /** What {@linkcode InProcessDaemon.status} answers, by id. */
  readonly statuses = new Map<string, ProcessStatusInfo>();
  /** What commands beside a process exit with. */
  execCode = 0;
  readonly #faults: { operation: string; fault: DaemonFault; left: number }[] =
    [];
  readonly #streams = new Set<Stream>();

  /** Lets the next calls of an operation fail, in the order of asking. */
  fail(operation: keyof Operations, fault: DaemonFault): void {
    this.#faults.push({ operation, fault, left: fault.times ?? 1 });
  }

  create(info: ProcessInfo): Promise<void> {
    return this.#answer("create", [info.Id], () => {
      if (this.infos.has(info.Id)) {
        throw new AppError("ALREADY_EXISTS", `${info.Id} already existed`);
      }
      this.infos.set(info.Id, info);
    });
  }

  inspect(id: string): Promise<ProcessInspection> {
    return this.#answer("inspect", [id], () => ({
      Info: this.#find(id),
      Status: this.statuses.get(id) ?? makeStatus(id),
      History: [],
    }));
  }

  status(id: string): Promise<ProcessStatusInfo> {
    return this.#answer("status", [id], () => {
      const status = this.statuses.get(id);
      if (status === undefined) throw new AppError("NOT_FOUND", `no ${id}`);
      return status;
    });
  }

  stop(id: string, timeoutS: number): Promise<void> {
    return this.#answer("stop", [id, timeoutS], () => void this.#find(id));
  }

  exec(id: string, { Cmd }: ExecRequest): Promise<ExecResult> {
    return this.#answer("exec", [id, ...Cmd], () => ({
      TimedOut: false,
      ExitKnown: true,
      ExitCode: this.execCode,
      Signal: 0,
      Stdout: "",
      Stderr: "",
      Truncated: false,
    }));
  }

  delete(id: string): Promise<void> {
    return this.#answer("delete", [id], () => void this.infos.delete(id));
  }

  follow(
    after: number | undefined,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ProcessEvent>> {
    return this.#answer("follow", [after ?? "now"], () => {
      const stream: Stream = { events: [], isOver: false, wake: () => {} };
      this.#streams.add(stream);
      signal.addEventListener("abort", () => this.#end(stream));
      return readAll(stream);
    });
  }

  /** Sends an event to all who follow. */
  emit(event: Partial<ProcessEvent> & { readonly Seq: number }): void {
    const Id = event.Id ?? "one";
    for (const stream of this.#streams) {
      stream.events.push({
        Time: 0,
        Id,
        Cause: "changed",
        Status: makeStatus(Id),
        ...event,
      });
      stream.wake();
    }
  }

  /** Ends all streams, as a daemon does that leaves. */
  endStreams(): void {
    for (const stream of this.#streams) this.#end(stream);
  }

  #end(stream: Stream): void {
    stream.isOver = true;
    stream.wake();
    this.#streams.delete(stream);
  }

  #find(id: string): ProcessInfo {
    const info = this.infos.get(id);
    if (info === undefined) throw new AppError("NOT_FOUND", `no ${id}`);
    return info;
  }

  #answer<T>(
    operation: string,
    words: readonly (string | number)[],
    act: () => T,
  ): Promise<T> {
    this.calls.push([operation, ...words].join(" "));
    const found = this.#faults.find((each) =>
      each.operation === operation && each.left > 0
    );
    return Promise.resolve().then(() => {
      if (found === undefined) return act();
      found.left--;
      if (found.fault.isDone) act();
      throw new AppError(found.fault.code, `scripted ${found.fault.code}`);
    });
  }
}

/** A process's status: running, unless it says more. */
export function makeStatus(
  Id: string,
  more: Partial<ProcessStatusInfo> = {},
): ProcessStatusInfo {
  const Status = more.Status ?? "running";
  return {
    Id,
    Status,
    ExitCode: 0,
    Message: `process ${Id} is ${Status}`,
    Pid: 0,
    RegisterTime: 0,
    LastStartTime: 0,
    Result: "none",
    Signal: 0,
    ExitKnown: false,
    FinishTime: 0,
    Generation: 1,
    ...more,
  };
}

/** A logger that keeps its messages. */
export class MemoryLogger implements Logger {
  readonly lines: string[] = [];
  readonly info = (message: string) => void this.lines.push(message);
  readonly warn = this.info;
  readonly error = this.info;
}

/** Lets everything run that does not wait for time or the outside world. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** The tasks of one executor, and a daemon that does what the test says. */
export class TaskBench {
  readonly daemon = new InProcessDaemon();
  readonly clock = new FakeClock();
  readonly reports: TaskReport[] = [];
  readonly failures: unknown[] = [];
  timesResolved = 0;
  /** Whether the framework knows TASK_KILLING. */
  hasKillingState = false;
  readonly #leaving = new AbortController();
  /** The executor begins to follow the daemon's processes. */
  readonly follow: () => void;
  readonly tasks: TaskManager;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.follow = resolve;
    this.tasks = new TaskManager({
      manager: this.daemon,
      clock: this.clock,
      random: () => 1,
      background: new BackgroundTasks((_, error) => this.failures.push(error)),
      logger: new MemoryLogger(),
      following: promise,
      report: (report) => this.reports.push(report),
      describe: ({ healthy }) => healthy === undefined ? {} : { healthy },
      hasKillingState: () => this.hasKillingState,
      rules: "auto",
      defaultUser: () => "games",
      sandbox: "/sandbox",
      owner: "exec-1",
      signal: this.#leaving.signal,
      onCreated: () => {},
      onResolved: () => this.timesResolved++,
    });
  }

  /** Reported so far, such as `one TASK_RUNNING`. */
  get states(): string[] {
    return this.reports.map(({ taskId, state }) => `${taskId} ${state}`);
  }

  get last(): TaskReport | undefined {
    return this.reports.at(-1);
  }

  callsOf(operation: string): string[] {
    return this.daemon.calls.filter((call) => call.startsWith(operation));
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settled();
  }

  /** Lets much time pass, with all that happens meanwhile. */
  async waitLong(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 500) {
      await this.advance(500);
    }
  }

  async change(
    id: string,
    status: Parameters<typeof makeStatus>[1],
  ): Promise<void> {
    this.tasks.onStatus(makeStatus(id, status));
    await settled();
  }
}

/** A bench that follows; "one" is launched and created if the daemon lets. */
export async function launched(
  prepare: (daemon: InProcessDaemon) => void = () => {},
): Promise<TaskBench> {
  const bench = new TaskBench();
  prepare(bench.daemon);
  bench.follow();
  bench.tasks.launch([makeTask("one")]);
  await settled();
  return bench;
}

/** A task that runs until it is stopped. */
export function makeTask(
  id: string,
  more: Partial<TaskInfo> = {},
): ReceivedTask {
  const info: TaskInfo = {
    name: id,
    task_id: { value: id },
    agent_id: { value: "agent-1" },
    command: { value: "exec sleep 1000" },
    ...more,
  };
  return { info, raw: info };
}

async function* readAll(stream: Stream): AsyncGenerator<ProcessEvent> {
  while (true) {
    const event = stream.events.shift();
    if (event !== undefined) yield event;
    else if (stream.isOver) return;
    else await new Promise<void>((resolve) => stream.wake = resolve);
  }
}
