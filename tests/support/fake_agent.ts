import type { TaskState, TaskStatus } from "../../proto/mesos_types.ts";
import { AgentCore } from "./agent_core.ts";
import type { AgentFaults, Chunking, Fault } from "./agent_faults.ts";
import {
  type AgentIdentity,
  completeTask,
  type ExecutorEnvironmentOptions,
  type FakeAgentOptions,
  makeExecutorEnvironment,
  makeExecutorInfo,
  makeIdentity,
  type TaskInput,
} from "./agent_infos.ts";
import {
  type CallRecord,
  type Violation,
  WAIT_TIMEOUT_MS,
} from "./agent_records.ts";
import { AgentSchema, type JsonObject } from "./agent_schema.ts";
import { type AgentAcks, frameRecord } from "./agent_stream.ts";
import type { UpdateRecord } from "./agent_tasks.ts";

export type {
  AgentIdentity,
  CallRecord,
  Chunking,
  ExecutorEnvironmentOptions,
  FakeAgentOptions,
  Fault,
  JsonObject,
  TaskInput,
  UpdateRecord,
  Violation,
};

/**
 * Stands in for a Mesos agent with one executor: the agent's side of the v1
 * executor HTTP API with its exact rules, a record of all it received, and
 * faults on demand. It starts no executor; a test does, with
 * {@linkcode FakeAgent.executorEnvironment}.
 *
 * @example Usage
 * ```ts ignore
 * await using agent = await FakeAgent.start();
 * const env = agent.executorEnvironment({ sandbox });
 * // start the executor with nothing but env, then:
 * await agent.subscribed();
 * agent.launchGroup(tasks);
 * await agent.updateOf("task-1", "TASK_RUNNING");
 * assertEquals(agent.violations, []);
 * ```
 */
export class FakeAgent implements AsyncDisposable {
  /** Who everybody is. */
  readonly identity: AgentIdentity;
  readonly #schema: AgentSchema;
  readonly #core: AgentCore;

  private constructor(schema: AgentSchema, options: FakeAgentOptions) {
    const { port = 0, tls, socketPath, seed = 1, ...identity } = options;
    this.identity = makeIdentity(identity);
    this.#schema = schema;
    const place = socketPath !== undefined
      ? { socketPath }
      : tls !== undefined
      ? { port, tls }
      : { port };
    this.#core = new AgentCore(this.identity, schema, { place, seed });
  }

  /** Starts an agent, on 127.0.0.1 unless it is given a unix socket. */
  static async start(options: FakeAgentOptions = {}): Promise<FakeAgent> {
    return new FakeAgent(await AgentSchema.load(), options);
  }

  /** What goes wrong with calls. */
  get faults(): AgentFaults {
    return this.#core.faults;
  }

  /** Holds back, loses, repeats and makes up acknowledgements. */
  get acks(): AgentAcks {
    return this.#core.acks;
  }

  /** `ip:port`, the same for as long as the agent lives. */
  get endpoint(): string {
    return `127.0.0.1:${this.#core.port}`;
  }

  /** Every request received, oldest first. */
  get calls(): readonly CallRecord[] {
    return this.#core.records.calls;
  }

  /** What MESSAGE calls brought, as text, oldest first. */
  get messages(): readonly string[] {
    return this.calls.flatMap(({ call }) =>
      call?.message === undefined
        ? []
        : [new TextDecoder().decode(Uint8Array.fromBase64(call.message.data))]
    );
  }

  /** What no correct executor does, oldest first. */
  get violations(): readonly Violation[] {
    return this.#core.records.violations;
  }

  /** Is an event stream open? */
  get connected(): boolean {
    return this.#core.sender.open;
  }

  /** How many SUBSCRIBE calls were accepted. */
  get subscriptions(): number {
    return this.#core.subscriptions;
  }

  /** How many events were lost because no stream was open. */
  get eventsLost(): number {
    return this.#core.sender.eventsLost;
  }

  /**
   * Tasks that were delivered but, at a later SUBSCRIBE, neither had an
   * update nor were known to the executor: lost, to a real agent.
   */
  get droppedTasks(): readonly string[] {
    return this.#core.tasks.dropped;
  }

  /** How the event stream is cut into HTTP chunks from now on. */
  set chunking(chunking: Chunking) {
    this.#core.sender.chunking = chunking;
  }

  /** The whole environment of an executor of this agent. */
  executorEnvironment(
    options: ExecutorEnvironmentOptions,
  ): Record<string, string> {
    return makeExecutorEnvironment(this.identity, this.endpoint, options);
  }

  /** Launches tasks as one group; at the next SUBSCRIBE if none came yet. */
  launchGroup(tasks: readonly TaskInput[]): void {
    const infos = tasks.map((task) => this.#completeTask(task));
    this.#core.launch(tasks.map(({ task_id }) => task_id.value), {
      type: "LAUNCH_GROUP",
      launch_group: { task_group: { tasks: infos } },
    });
  }

  /** Launches one task; at the next SUBSCRIBE if none came yet. */
  launch(task: TaskInput): void {
    const executor = makeExecutorInfo(this.identity);
    this.#core.launch([task.task_id.value], {
      type: "LAUNCH",
      launch: { task: this.#completeTask({ executor, ...task }) },
    });
  }

  /** Kills a task. One that is still queued never reaches the executor. */
  kill(taskId: string, graceMs?: number): void {
    const kill_policy = graceMs === undefined
      ? undefined
      : { grace_period: { nanoseconds: graceMs * 1e6 } };
    const task_id = { value: taskId };
    this.#core.kill(taskId, { type: "KILL", kill: { task_id, kill_policy } });
  }

  /**
   * Shuts the executor down. From now on a SUBSCRIBE gets SHUTDOWN instead
   * of SUBSCRIBED.
   */
  shutdown(): void {
    this.#core.shutdown();
  }

  /** Sends a message of the framework. */
  sendMessage(data: Uint8Array | string): void {
    const bytes = typeof data === "string"
      ? new TextEncoder().encode(data)
      : data;
    this.sendEvent({ type: "MESSAGE", message: { data: bytes.toBase64() } });
  }

  /** Sends an ERROR. */
  sendError(message: string): void {
    this.sendEvent({ type: "ERROR", error: { message } });
  }

  /** Sends a HEARTBEAT. */
  heartbeat(): void {
    this.sendEvent({ type: "HEARTBEAT" });
  }

  /** Sends what a silent stream lacks: SUBSCRIBED, then what waits for it. */
  sendSubscribed(): void {
    this.#core.welcome();
  }

  /** Sends any event of the schema; it is lost if no stream is open. */
  sendEvent(event: JsonObject): void {
    this.#core.sender.sendEvent(event);
  }

  /** Sends a record of any content, properly framed. */
  sendRecord(record: Uint8Array | string): void {
    this.sendRaw(
      frameRecord(
        typeof record === "string" ? new TextEncoder().encode(record) : record,
      ),
    );
  }

  /** Sends any bytes within the stream. */
  sendRaw(bytes: Uint8Array | string): void {
    this.#core.sender.sendRaw(
      typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes,
    );
  }

  /** An event as it goes into the open stream: length line and record. */
  encode(event: JsonObject): Uint8Array<ArrayBuffer> {
    return this.#core.sender.encode(event);
  }

  /**
   * Ends the event stream.
   *
   * @param how Properly, or by breaking the connection.
   */
  async closeStream(how: "end" | "drop" = "end"): Promise<void> {
    if (how === "end") this.#core.sender.stream?.end();
    else await this.#core.sender.stream?.drop();
    this.#core.records.changed();
  }

  /** Waits for an open stream, of at least the given SUBSCRIBE. */
  async subscribed(count = 1, timeoutMs = WAIT_TIMEOUT_MS): Promise<void> {
    await this.until(
      () => this.#core.subscriptions >= count && this.connected,
      `SUBSCRIBE number ${count}`,
      timeoutMs,
    );
  }

  /**
   * Waits for an update of a task that came after the one returned last;
   * those that do not match are gone past.
   */
  nextUpdate(
    taskId: string,
    matches: (status: TaskStatus) => boolean = () => true,
    timeoutMs = WAIT_TIMEOUT_MS,
  ): Promise<UpdateRecord> {
    return this.#core.records.wait(
      taskId,
      `an update of ${taskId}`,
      timeoutMs,
      () => this.#core.tasks.takeUpdate(taskId, matches),
    );
  }

  /** Waits for the first update of a task with a state, past or future. */
  updateOf(
    taskId: string,
    state: TaskState,
    timeoutMs = WAIT_TIMEOUT_MS,
  ): Promise<UpdateRecord> {
    return this.#core.records.wait(
      taskId,
      `${state} of ${taskId}`,
      timeoutMs,
      () => this.updates(taskId).find(({ status }) => status.state === state),
    );
  }

  /** Waits until a condition holds; it is asked whenever something happens. */
  async until(
    condition: () => boolean,
    what: string,
    timeoutMs = WAIT_TIMEOUT_MS,
  ): Promise<void> {
    await this.#core.records.wait(
      "",
      what,
      timeoutMs,
      () => condition() || undefined,
    );
  }

  /** All updates of a task, oldest first, each uuid once. */
  updates(taskId: string): readonly UpdateRecord[] {
    return this.#core.tasks.updates(taskId);
  }

  /** What was received, for messages. */
  describe(): string {
    return this.#core.records.describe();
  }

  /** Dies: every connection breaks and none is accepted. */
  async stop(): Promise<void> {
    await this.#core.stop();
  }

  /**
   * Comes back on the same port, after dying if it has not. Records stay.
   *
   * @param options `wipe`: whether the framework is unknown afterwards, which
   * it is by default if it did not ask for checkpoints; `recovering`: whether
   * it refuses every call until {@linkcode FakeAgent.finishRecovery}.
   */
  async restart(
    options: { readonly wipe?: boolean; readonly recovering?: boolean } = {},
  ): Promise<void> {
    const { wipe = !this.identity.checkpoint, recovering = false } = options;
    await this.#core.restart(wipe, recovering);
  }

  /** Ends the recovery of a restart. */
  finishRecovery(): void {
    this.#core.finishRecovery();
  }

  /** Forgets the executor, as after it missed its time to come back. */
  forgetExecutor(): void {
    this.#core.forgetExecutor();
  }

  /** Stops, and ends all waiting. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#core.records.close();
  }

  #completeTask(task: TaskInput): JsonObject {
    return this.#schema.readTask(completeTask(this.identity, task));
  }
}
