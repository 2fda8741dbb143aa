import { readConfig } from "../../executor/config.ts";
import { type Departure, EXIT_CODES } from "../../executor/departure.ts";
import { Executor } from "../../executor/executor.ts";
import { AgentClient } from "../../executor/mesos/agent_client.ts";
import { createTransport } from "../../executor/mesos/agent_transport.ts";
import { loadCodec } from "../../executor/mesos/codec.ts";
import type { TaskState } from "../../executor/mesos/types.ts";
import { assert } from "../../shared/errors.ts";
import type { LogFields } from "../../shared/logger.ts";
import {
  type ExecutorEnvironmentOptions,
  FakeAgent,
  type FakeAgentOptions,
} from "./fake_agent.ts";
import { FakeClock } from "./fake_clock.ts";
import { settled } from "./in_process_daemon.ts";
import { SimulatedDaemon } from "./simulated_daemon.ts";

/** Virtual time that passes while something is waited for, ms. */
const STEP_MS = 10;
/** Longest wait for something, real ms. */
const WAIT_MS_MAX = 10_000;

/** Turns of the event loop that a call and its answer take at most. */
const IDLE_TURNS = 50;

/** Both wire formats. */
export const CODECS = ["json", "protobuf"] as const;

/** What is different about one world. */
export interface HttpWorldOptions {
  /** @default {"json"} */
  readonly codec?: (typeof CODECS)[number];
  readonly agent?: FakeAgentOptions;
  readonly environment?: Partial<ExecutorEnvironmentOptions>;
  /** Variables to add to what the agent gives. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Gets the world ready before the executor is there. */
  readonly prepare?: (world: Pick<HttpWorld, "agent" | "daemon">) => void;
}

/**
 * An executor that talks to the stand-in agent over real connections, while
 * its time and its daemon are the test's.
 */
export class HttpWorld implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly daemon = new SimulatedDaemon(this.clock);
  /** Bugs that the executor has noticed itself. */
  readonly failures: unknown[] = [];
  /** What it has logged. */
  readonly log: string[] = [];
  /** Where each back-off is between nothing and the longest, from 0 up to 1. */
  random = 0.5;
  /** Why the executor has left; undefined as long as it has not. */
  departure: Departure | null | undefined;
  readonly #transport: Deno.HttpClient | undefined;
  readonly #executor: Executor;

  private constructor(
    readonly agent: FakeAgent,
    options: HttpWorldOptions,
    codec: Awaited<ReturnType<typeof loadCodec>>,
  ) {
    const env: Record<string, string> = {
      ...agent.executorEnvironment({
        sandbox: "/sandbox",
        ...options.environment,
      }),
      ...options.variables,
    };
    const commandLine = readConfig([], (name) => env[name]);
    assert(commandLine.action === "run", "there is no --help");
    const { config } = commandLine;
    this.#transport = createTransport(config.transport);
    const log = (message: string, fields: LogFields = {}) => {
      this.log.push(`${message} ${JSON.stringify(fields)}`);
    };
    this.#executor = new Executor(config, {
      agent: new AgentClient(
        config.agentUrl,
        codec,
        config.token,
        this.#transport,
      ),
      manager: this.daemon,
      clock: this.clock,
      random: () => this.random,
      uuid: () => crypto.randomUUID(),
      logger: { info: log, warn: log, error: log },
      onFailure: (name, error) =>
        this.failures.push(new Error(name, { cause: error })),
    });
    options.prepare?.(this);
    this.#executor.run().then((departure) => this.departure = departure);
  }

  /** Starts an executor; whether it gets in is the test's business. */
  static async start(options: HttpWorldOptions = {}): Promise<HttpWorld> {
    const agent = await FakeAgent.start(options.agent);
    return new HttpWorld(
      agent,
      options,
      await loadCodec(options.codec ?? "json"),
    );
  }

  /** Starts an executor that has subscribed once this resolves. */
  static async subscribed(options: HttpWorldOptions = {}): Promise<HttpWorld> {
    const world = await HttpWorld.start(options);
    await world.until("subscribed", () => world.timesLogged("subscribed") > 0);
    return world;
  }

  /** The exit code that the program would end with; undefined before. */
  get exitCode(): number | undefined {
    const { departure } = this;
    return departure
      ? EXIT_CODES[departure.cause]
      : departure === null
      ? 0
      : undefined;
  }

  /** How often a message was logged. */
  timesLogged(message: string): number {
    return this.log.filter((line) => line.startsWith(`${message} {`)).length;
  }

  /** The states of a task, as its updates came. */
  statesOf(taskId: string): TaskState[] {
    return this.agent.updates(taskId).map(({ status }) => status.state);
  }

  /** Launches tasks as one group, and waits until they run. */
  async running(...taskIds: string[]): Promise<void> {
    this.agent.launchGroup(taskIds.map((value) => ({
      task_id: { value },
      command: { value: "exec sleep 1000" },
    })));
    for (const id of taskIds) await this.untilState(id, "TASK_RUNNING");
  }

  async untilState(taskId: string, state: TaskState): Promise<void> {
    await this.until(
      `${state} of ${taskId}`,
      () => this.statesOf(taskId).includes(state),
    );
  }

  /** Waits until the executor leaves. */
  async untilLeft(): Promise<void> {
    await this.until("it has left", () => this.departure !== undefined);
  }

  /** Lets time pass until something is so; each step lets the world act. */
  async until(
    what: string,
    condition: () => boolean,
    stepMs = STEP_MS,
  ): Promise<void> {
    const endMs = performance.now() + WAIT_MS_MAX;
    while (!condition()) {
      if (performance.now() > endMs) {
        throw new Error(
          `Waited for: ${what}\n${this.log.slice(-20).join("\n")}\n` +
            this.agent.describe(),
        );
      }
      this.clock.advance(stepMs);
      await settled();
    }
  }

  /** Lets virtual time pass, with all that happens within this process. */
  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settled();
  }

  /** Lets calls that are under way be answered; no virtual time passes. */
  async idle(): Promise<void> {
    for (let left = IDLE_TURNS; left > 0; left--) await settled();
  }

  /** Ends it as SIGTERM does. */
  shutdown(): void {
    this.#executor.shutdown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.shutdown();
    if (this.daemon.isAway) this.daemon.comeBack();
    await this.until("it has left", () => this.departure !== undefined, 1_000);
    await this.agent[Symbol.asyncDispose]();
    this.#transport?.close();
    if (this.failures.length > 0) {
      throw new AggregateError(this.failures, "The executor has a bug");
    }
  }
}
