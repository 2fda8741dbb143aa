import {
  MessageHandler,
  type MessagePorts,
} from "../../../executor/bcs/message_handler.ts";
import type { TaskStatus } from "../../../executor/mesos/types.ts";
import { BackgroundTasks } from "../../../shared/background.ts";
import { AppError } from "../../../shared/errors.ts";
import type {
  ExecResult,
  ProcessInspection,
} from "../../../shared/manager_api/types.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** What a message was answered with. */
export type Answer = Readonly<Record<string, unknown>>;

/** How a command ends unless a test says otherwise. */
export const EXEC_RESULT: ExecResult = {
  TimedOut: false,
  ExitKnown: true,
  ExitCode: 0,
  Signal: 0,
  Stdout: "out",
  Stderr: "err",
  Truncated: false,
};

/** A scheduler and a daemon around a real handler. */
export class MessageWorld {
  readonly clock = new FakeClock();
  /** What the daemon was asked, in order: the operation and its arguments. */
  readonly calls: unknown[][] = [];
  readonly answers: Answer[] = [];
  readonly logLines: string[] = [];
  /** What could only be a bug. */
  readonly failures: unknown[] = [];
  readonly tasks = ["t1", "t2"];
  readonly ending = new Set<string>();
  readonly statuses = new Map<string, TaskStatus>();
  execResult = EXEC_RESULT;
  /** Decides how the daemon takes a call; by default it just does it. */
  daemon: (operation: string, id: string) => void | Promise<void> = () => {};
  /** Takes an answer; may throw. */
  accept: () => void = () => {};
  readonly #background = new BackgroundTasks((_name, error) =>
    this.failures.push(error)
  );
  readonly handler = new MessageHandler(this.#ports());

  /** Delivers a message as the scheduler sends it. */
  send(message: object): void {
    this.sendText(JSON.stringify({
      Id: 7,
      TaskGroupId: "g",
      TaskID: null,
      Status: "staging",
      Message: "",
      CompleteTime: 0,
      CreateTime: 1_795_331_452,
      ...message,
    }));
  }

  /** Delivers any bytes, in base64 twice. */
  sendText(text: string): void {
    const bytes = new TextEncoder().encode(text);
    const once = new TextEncoder().encode(bytes.toBase64());
    this.handler.handle(once.toBase64());
  }

  /** Delivers a message and waits for all that comes of it. */
  async exchange(message: object): Promise<Answer[]> {
    const before = this.answers.length;
    this.send(message);
    await this.settle();
    return this.answers.slice(before);
  }

  async settle(): Promise<void> {
    await this.#background.settle();
  }

  #ports(): MessagePorts {
    const call = async (operation: string, id: string, ...rest: unknown[]) => {
      this.calls.push([operation, id, ...rest]);
      await this.daemon(operation, id);
    };
    const log = (message: string, fields = {}) => {
      this.logLines.push(JSON.stringify({ message, ...fields }));
    };
    return {
      manager: {
        restart: (id, timeoutS) => call("restart", id, timeoutS),
        reload: (id) => call("reload", id),
        signal: (id, signal) => call("signal", id, signal),
        exec: async (id, request) => {
          await call("exec", id, request);
          return this.execResult;
        },
        writeFile: (id, file) => call("writeFile", id, file),
        setLimits: (id, limits) => call("setLimits", id, limits),
        inspect: (id) => Promise.resolve(inspectionOf(id)),
      },
      taskIds: () => this.tasks,
      isEnding: (id) => this.ending.has(id),
      statusOf: (id) => this.statuses.get(id) ?? null,
      send: (data) => {
        this.accept();
        const text = new TextDecoder().decode(Uint8Array.fromBase64(data));
        this.answers.push(JSON.parse(text));
        return Promise.resolve();
      },
      clock: this.clock,
      logger: { info: log, warn: log, error: log },
      background: this.#background,
    };
  }
}

/** Lets everything happen that waits for nothing outside. */
export function turn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    resolve();
  };
  port2.postMessage(null);
  return promise;
}

/** A process that is called `name of` its id. */
function inspectionOf(Id: string): ProcessInspection {
  return {
    Info: {
      Id,
      WorkDir: "",
      ProcessName: `name of ${Id}`,
      Uris: null,
      PidFile: "",
      StartCmd: "/bin/a",
      StartGracePeriod: 0,
      StopCmd: "",
      StopTimeout: 0,
      KillCmd: "",
      Resource: null,
      Envs: null,
      Argv: null,
      User: "",
      StatusInfo: null,
      ExecutorId: "",
      ExecutorHeartBeatTime: 0,
    },
    Status: {
      Id,
      Status: "running",
      ExitCode: 0,
      Message: "",
      Pid: 1,
      RegisterTime: 0,
      LastStartTime: 0,
      Result: "none",
      Signal: 0,
      ExitKnown: false,
      FinishTime: 0,
      Generation: 1,
    },
    History: [],
  };
}

/** The daemon's refusal. */
export function refusal(message: string): AppError {
  return new AppError("FAILED_PRECONDITION", message);
}
