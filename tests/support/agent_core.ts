import type { Call } from "../../proto/mesos_types.ts";
import { AgentFaults, type Fault } from "./agent_faults.ts";
import { type HttpPlace, type HttpRequest, HttpServer } from "./agent_http.ts";
import { type AgentIdentity, makeSubscribed } from "./agent_infos.ts";
import { AgentRecords, type CallRecord } from "./agent_records.ts";
import {
  checkRequest,
  type ContentType,
  negotiate,
  readCall,
  type Refusal,
  statusLine,
  validateCall,
} from "./agent_rules.ts";
import type { AgentSchema, JsonObject } from "./agent_schema.ts";
import { AgentAcks, AgentSender, AgentStream } from "./agent_stream.ts";
import { AgentTasks } from "./agent_tasks.ts";

/**
 * What an agent does with the calls of its one executor.
 *
 * @see Mesos src/slave/http.cpp `Http::executor` and
 * src/slave/slave.cpp `Slave::subscribe`
 */
export class AgentCore {
  /** What goes wrong with calls. */
  readonly faults = new AgentFaults();
  /** What was received. */
  readonly records = new AgentRecords();
  /** Writes events. */
  readonly sender: AgentSender;
  /** Acknowledges updates. */
  readonly acks: AgentAcks;
  /** The tasks and their updates. */
  readonly tasks: AgentTasks;
  /** How many SUBSCRIBE calls were accepted. */
  subscriptions = 0;
  readonly #identity: AgentIdentity;
  readonly #schema: AgentSchema;
  readonly #containerId = crypto.randomUUID();
  #server: HttpServer | undefined;
  #place: HttpPlace;
  #stopping = new AbortController();
  /** What the agent's state still holds. */
  #known: "everything" | "framework" | "nothing" = "everything";
  /** Between a start and its end, in which nobody is served. */
  #recovering = false;
  /** REGISTERING until a SUBSCRIBE, after a restart too. */
  #executor: "REGISTERING" | "RUNNING" | "TERMINATING" = "REGISTERING";
  /** Launches that wait for SUBSCRIBED. */
  #queued: { readonly taskIds: string[]; readonly event: JsonObject }[] = [];
  /** Was SUBSCRIBED sent on the current stream? */
  #welcomed = false;

  constructor(
    identity: AgentIdentity,
    schema: AgentSchema,
    options: { readonly place: HttpPlace; readonly seed: number },
  ) {
    this.#identity = identity;
    this.#schema = schema;
    this.sender = new AgentSender(schema, options.seed);
    this.acks = new AgentAcks(this.sender);
    this.tasks = new AgentTasks(identity.agentId, this.records);
    this.#place = options.place;
    this.#listen();
  }

  /** The same for as long as the agent lives; 0 on a unix socket. */
  get port(): number {
    return "port" in this.#place ? this.#place.port : 0;
  }

  /** Sends a launch, or keeps it until SUBSCRIBED is sent. */
  launch(taskIds: string[], event: JsonObject): void {
    for (const taskId of taskIds) this.tasks.queue(taskId);
    if (!this.#welcomed) {
      this.#queued.push({ taskIds, event });
      return;
    }
    for (const taskId of taskIds) this.tasks.deliver(taskId);
    this.sender.sendEvent(event);
  }

  /** Sends a KILL, unless the task is still queued. */
  kill(taskId: string, event: JsonObject): void {
    if (!this.tasks.killQueued(taskId)) {
      this.sender.sendEvent(event);
      return;
    }
    this.#queued = this.#queued.filter((launch) =>
      !launch.taskIds.includes(taskId)
    );
  }

  /** Sends SHUTDOWN, now and to every later SUBSCRIBE. */
  shutdown(): void {
    this.#executor = "TERMINATING";
    this.sender.sendEvent({ type: "SHUTDOWN" });
  }

  /** Sends SUBSCRIBED and what waits for it. */
  welcome(): void {
    this.sender.sendEvent(
      makeSubscribed(this.#identity, this.port, this.#containerId),
    );
    this.#welcomed = true;
    this.acks.flush();
    for (const { taskIds, event } of this.#queued.splice(0)) {
      for (const taskId of taskIds) this.tasks.deliver(taskId);
      this.sender.sendEvent(event);
    }
  }

  /** Dies: every connection breaks and none is accepted. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#stopping.abort();
    this.acks.forget();
    this.#welcomed = false;
    await server?.close();
    this.records.changed();
  }

  /** Comes back in the same place, after dying if it has not. */
  async restart(wipe: boolean, recovering: boolean): Promise<void> {
    await this.stop();
    this.#known = wipe ? "nothing" : "everything";
    this.#recovering = recovering;
    if (this.#executor === "RUNNING") this.#executor = "REGISTERING";
    this.#listen();
  }

  /** Serves calls again after a restart that left it recovering. */
  finishRecovery(): void {
    this.#recovering = false;
  }

  /** Knows the framework alone from now on. */
  forgetExecutor(): void {
    this.#known = "framework";
  }

  #listen(): void {
    this.#stopping = new AbortController();
    const { signal } = this.#stopping;
    this.#server = new HttpServer(
      this.#place,
      (request) => this.#handle(request, signal),
    );
    if ("port" in this.#place) {
      this.#place = { ...this.#place, port: this.#server.port };
    }
  }

  async #handle(request: HttpRequest, signal: AbortSignal): Promise<void> {
    const read = readCall(request, this.#schema);
    const call = isRefusal(read) ? undefined : read;
    const type = call?.type ?? "";
    const record: CallRecord = {
      at: request.at,
      type,
      call,
      headers: request.headers,
      connectionId: request.connection.id,
      status: 0,
    };
    this.records.calls.push(record);
    this.records.changed();
    const fault = this.faults.take(type, { ...call });
    if (fault.delayMs !== undefined) await delay(fault.delayMs, signal);
    if (signal.aborted || fault.drop === "unhandled") {
      request.connection.destroy();
    } else if (fault.status !== undefined) {
      const { status, body = "", headers, cut = false } = fault;
      answer(request, record, {
        status,
        body,
        violation: false,
        ...(headers && { headers }),
      }, cut);
      if (cut) await request.connection.finish();
    } else {
      const refusal = this.#refuse(request, read);
      if (refusal === undefined) this.#accept(request, record, call, fault);
      else {
        if (refusal.violation) {
          const what = type || `${request.method} ${request.path}`;
          const { status, body } = refusal;
          this.records.violate(request.at, `${what}: ${status} ${body}`);
        }
        answer(request, record, refusal);
      }
    }
    if (fault.drop === "answered") await request.connection.finish();
    this.records.changed(call?.update?.status.task_id.value);
  }

  /** The agent's checks, in its order. */
  #refuse(request: HttpRequest, read: Call | Refusal): Refusal | undefined {
    if (this.#recovering) {
      const body = "Agent has not finished recovery";
      return { status: 503, body, violation: false };
    }
    const early = checkRequest(request, this.#identity.token);
    if (early !== undefined) return early;
    if (isRefusal(read)) return read;
    const invalid = validateCall(read);
    if (invalid !== undefined) return invalid;
    if (read.type === "SUBSCRIBE") {
      const accepted = negotiate(request.headers.get("accept"));
      if (typeof accepted !== "string") return accepted;
    }
    if (read.type === "HEARTBEAT") return undefined;
    const refuse = (status: number, body: string) => ({
      status,
      body,
      violation: false,
    });
    const { frameworkId, executorId } = this.#identity;
    if (this.#known === "nothing" || read.framework_id.value !== frameworkId) {
      return refuse(400, "Framework cannot be found");
    }
    if (
      this.#known === "framework" || read.executor_id.value !== executorId
    ) {
      return refuse(400, "Executor cannot be found");
    }
    if (this.#executor === "REGISTERING" && read.type !== "SUBSCRIBE") {
      return refuse(403, "Executor is not subscribed");
    }
    return read.type === "UNKNOWN" ? refuse(501, "") : undefined;
  }

  #accept(
    request: HttpRequest,
    record: CallRecord,
    call: Call | undefined,
    fault: Fault,
  ): void {
    const unanswered = fault.drop === "unanswered";
    const { connection, at } = request;
    if (call?.type === "SUBSCRIBE") {
      const accepted = negotiate(request.headers.get("accept"));
      if (typeof accepted !== "string") return;
      if (unanswered) connection.destroy();
      else record.status = 200;
      this.#subscribe(request, call, accepted, fault.silent ?? false);
      return;
    }
    if (unanswered) connection.destroy();
    else answer(request, record, { status: 202, body: "", violation: false });
    if (call?.update === undefined) return;
    const { status } = call.update;
    if (this.tasks.apply(at, "UPDATE", status)) {
      this.acks.add(status.task_id.value, status.uuid ?? "");
      if (this.#welcomed || !this.sender.open) this.acks.flush();
    }
  }

  #subscribe(
    { connection, at }: HttpRequest,
    call: Call,
    contentType: ContentType,
    silent: boolean,
  ): void {
    this.sender.stream?.end();
    const stream = new AgentStream(connection, contentType);
    this.sender.stream = stream;
    this.subscriptions++;
    this.#welcomed = false;
    connection.onClose(() => this.records.changed());
    const { unacknowledged_updates = [], unacknowledged_tasks = [] } =
      call.subscribe ?? {};
    for (const { status } of unacknowledged_updates) {
      if (this.tasks.apply(at, "SUBSCRIBE", status)) {
        this.acks.add(status.task_id.value, status.uuid ?? "");
      }
      this.records.changed(status.task_id.value);
    }
    this.tasks.reconcile(new Set(unacknowledged_tasks.map(taskIdOf)));
    if (this.#executor === "TERMINATING") {
      this.sender.sendEvent({ type: "SHUTDOWN" });
      this.#welcomed = true;
      this.acks.flush();
      return;
    }
    this.#executor = "RUNNING";
    if (!silent) this.welcome();
  }
}

function answer(
  { connection }: HttpRequest,
  record: CallRecord,
  { status, body, headers }: Refusal,
  cut = false,
): void {
  record.status = status;
  connection.respond(statusLine(status), headers ?? {}, body, cut);
}

function isRefusal(read: Call | Refusal): read is Refusal {
  return "status" in read;
}

function taskIdOf(task: unknown): string {
  return (task as { readonly task_id: { readonly value: string } })
    .task_id.value;
}

/** Waits; less if it is told to stop. */
function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
