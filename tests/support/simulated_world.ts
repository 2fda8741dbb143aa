import type { ExecutorConfig } from "../../executor/config.ts";
import type { Departure } from "../../executor/departure.ts";
import { Executor } from "../../executor/executor.ts";
import type { LogFields, Logger } from "../../shared/logger.ts";
import { FakeClock } from "./fake_clock.ts";
import { SimulatedAgent } from "./simulated_agent.ts";
import { SimulatedDaemon } from "./simulated_daemon.ts";

const CONFIG: ExecutorConfig = {
  frameworkId: "fw-1",
  executorId: "exec-1",
  agentId: "agent-1",
  agentUrl: "http://127.0.0.1:5051/api/v1/executor",
  transport: { socketPath: "", tls: null },
  token: "",
  sandbox: "/sandbox",
  checkpoint: true,
  recoveryTimeoutMs: 15 * 60_000,
  backoffMsMax: 2_000,
  shutdownGraceMs: 5_000,
  codec: "json",
  rules: "auto",
  socketPath: "/run/process.sock",
};

/** What is different about one world. */
export interface WorldOptions {
  readonly config?: Partial<ExecutorConfig>;
  /** From 0 up to 1. @default {the middle} */
  readonly random?: () => number;
}

/** An executor between an agent and a daemon, all of it within one process. */
export class SimulatedWorld {
  readonly clock = new FakeClock();
  readonly agent = new SimulatedAgent(this.clock);
  readonly daemon = new SimulatedDaemon(this.clock);
  /** Bugs that the executor has noticed itself. */
  readonly failures: unknown[] = [];
  /** What it has logged. */
  readonly log: string[] = [];
  readonly executor: Executor;
  /** Why the executor has left; undefined as long as it has not. */
  departure: Departure | null | undefined;

  constructor({ config = {}, random = () => 0.5 }: WorldOptions = {}) {
    this.executor = new Executor({ ...CONFIG, ...config }, {
      agent: this.agent,
      manager: this.daemon,
      clock: this.clock,
      random,
      uuid: () => crypto.randomUUID(),
      logger: this.#logger(),
      onFailure: (name, error) =>
        this.failures.push(new Error(name, { cause: error })),
    });
  }

  /** Starts the executor; it has subscribed, if it may, once this resolves. */
  async start(): Promise<void> {
    this.executor.run().then((departure) => this.departure = departure);
    await quiet();
  }

  get hasLeft(): boolean {
    return this.departure !== undefined;
  }

  /** Lets time pass in steps, with all that happens meanwhile. */
  async advance(ms: number, stepMs = ms): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= stepMs) {
      this.clock.advance(Math.min(stepMs, leftMs));
      await quiet();
    }
  }

  /** The states of a task, as its updates came. */
  statesOf(taskId: string): string[] {
    return this.agent.tasks.updates(taskId).map(({ status }) => status.state);
  }

  /** Acknowledges all that waits for it, oldest first. */
  async acknowledge(): Promise<void> {
    while (this.agent.acksWaiting > 0 && this.agent.isConnected) {
      this.agent.sendAck(0);
      await quiet();
    }
  }

  #logger(): Logger {
    const keep = (message: string, fields: LogFields = {}) => {
      this.log.push(`${message} ${JSON.stringify(fields)}`);
    };
    return { info: keep, warn: keep, error: keep };
  }
}

/** Lets everything run that does not wait for time. */
export async function quiet(): Promise<void> {
  // Longer than any chain of promises here; a turn of the event loop would
  // take a hundred times as long.
  for (let left = 200; left > 0; left--) await Promise.resolve();
}
