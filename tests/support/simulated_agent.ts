import type { AgentClient } from "../../executor/mesos/agent_client.ts";
import {
  AgentError,
  type AgentFailure,
} from "../../executor/mesos/agent_error.ts";
import { jsonCodec } from "../../executor/mesos/json_codec.ts";
import type {
  Call,
  CallUpdate,
  Event,
  ReceivedTask,
  SubscribeCall,
} from "../../executor/mesos/types.ts";
import type { Clock } from "../../shared/clock.ts";
import { makeIdentity, makeSubscribed } from "./agent_infos.ts";
import { AgentRecords } from "./agent_records.ts";
import { AgentTasks } from "./agent_tasks.ts";

const AGENT_ID = "agent-1";

/** What becomes of one UPDATE. */
export type UpdateFate =
  | "accepted"
  /** It has its effect, and the 202 is lost. */
  | "unanswered"
  /** 503 or a connection that breaks before. */
  | "refused";

interface Stream {
  readonly events: Event[];
  end: "closed" | "broken" | null;
  wake: () => void;
}

/**
 * An agent without HTTP, on a clock that the test moves: takes the executor's
 * calls as objects and keeps book of them as the stand-in agent does.
 */
export class SimulatedAgent implements Pick<AgentClient, "subscribe" | "send"> {
  readonly records = new AgentRecords();
  readonly tasks = new AgentTasks(AGENT_ID, this.records);
  /** Every call, oldest first. */
  readonly calls: Call[] = [];
  /** When the launch of each task was read by the executor, ms. */
  readonly delivered = new Map<string, number>();
  /** When the executor gave a stream up itself, at last, ms. */
  leftAtMs = -1;
  /** Tasks whose KILL was read by the executor. */
  readonly killed = new Set<string>();
  /** Why calls fail; null = they do not. */
  failure: AgentFailure | null = null;
  /** What becomes of the next UPDATE. */
  fate: () => UpdateFate = () => "accepted";
  /** How long the next call takes, ms. */
  latencyMs: () => number = () => 0;
  /** What SUBSCRIBE is answered with. */
  capabilities: readonly string[] = [];
  #stream: Stream | null = null;
  #isTerminating = false;
  /** Acknowledgements that were not sent, oldest first. */
  #acks: { readonly taskId: string; readonly uuid: string }[] = [];

  constructor(private readonly clock: Clock) {}

  /** Whether there is a stream to send to. */
  get isConnected(): boolean {
    return this.#stream !== null && this.#stream.end === null;
  }

  get isTerminating(): boolean {
    return this.#isTerminating;
  }

  /** How many acknowledgements wait to be sent. */
  get acksWaiting(): number {
    return this.#acks.length;
  }

  /**
   * Launches tasks, by one event; nothing if there is no stream, or if the
   * executor has been told to leave.
   */
  launch(tasks: readonly ReceivedTask[], how: "single" | "group"): void {
    if (this.#isTerminating) return;
    for (const { info } of tasks) this.tasks.queue(info.task_id.value);
    const [task] = tasks;
    if (how === "single" && task !== undefined) {
      this.sendEvent({ type: "LAUNCH", launch: { task } });
    } else {
      this.sendEvent({
        type: "LAUNCH_GROUP",
        launch_group: { task_group: { tasks } },
      });
    }
  }

  kill(taskId: string, graceMs?: number): void {
    this.sendEvent({
      type: "KILL",
      kill: {
        task_id: { value: taskId },
        ...(graceMs === undefined
          ? {}
          : { kill_policy: { grace_period: { nanoseconds: graceMs * 1e6 } } }),
      },
    });
  }

  /** Sends SHUTDOWN, now and to every later SUBSCRIBE. */
  shutdown(): void {
    this.#isTerminating = true;
    this.sendEvent({ type: "SHUTDOWN" });
  }

  /** Sends one acknowledgement that waits, by its place. */
  sendAck(index: number, keep = false): void {
    const ack = this.#acks[index];
    if (ack === undefined) return;
    if (!keep) this.#acks.splice(index, 1);
    this.sendEvent({
      type: "ACKNOWLEDGED",
      acknowledged: { task_id: { value: ack.taskId }, uuid: ack.uuid },
    });
  }

  /** Never sends one that waits; the next SUBSCRIBE brings it again. */
  loseAck(index: number): void {
    this.#acks.splice(index, 1);
  }

  /** Breaks or ends the stream. */
  closeStream(how: "closed" | "broken"): void {
    const stream = this.#stream;
    if (stream === null) return;
    stream.end ??= how;
    stream.wake();
    // What was acknowledged to nobody is acknowledged anew.
    this.#acks = [];
  }

  /** Sends an event; it is lost if there is no stream. */
  sendEvent(event: Event): void {
    if (this.#stream === null || this.#stream.end !== null) return;
    this.#stream.events.push(event);
    this.#stream.wake();
  }

  async subscribe(
    call: SubscribeCall,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Event>> {
    await this.#arrive(call, signal);
    this.closeStream("closed");
    const stream: Stream = { events: [], end: null, wake: () => {} };
    this.#stream = stream;
    const { unacknowledged_tasks, unacknowledged_updates } = call.subscribe;
    for (const update of unacknowledged_updates) {
      this.#apply(update, "SUBSCRIBE");
    }
    this.tasks.reconcile(
      new Set(unacknowledged_tasks.map(({ info }) => info.task_id.value)),
    );
    this.sendEvent(
      this.#isTerminating ? { type: "SHUTDOWN" } : this.#subscribed(),
    );
    return this.#read(stream, signal);
  }

  async send(call: Call, signal: AbortSignal): Promise<void> {
    const fate = call.type === "UPDATE" ? this.fate() : "accepted";
    await this.#arrive(call, signal);
    if (!this.isConnected) {
      throw new AgentError("not-subscribed", "Executor is not subscribed");
    }
    if (fate === "refused") throw unavailable();
    if (call.type === "UPDATE") this.#apply(call.update, "UPDATE");
    if (fate === "unanswered") throw unavailable();
  }

  async #arrive(call: Call, signal: AbortSignal): Promise<void> {
    const latencyMs = this.latencyMs();
    if (latencyMs > 0) await this.clock.sleep(latencyMs, signal);
    else await Promise.resolve();
    if (signal.aborted) throw unavailable();
    this.calls.push(call);
    if (this.failure !== null) {
      throw new AgentError(this.failure, `scripted: ${this.failure}`);
    }
  }

  #apply({ status }: CallUpdate, via: "UPDATE" | "SUBSCRIBE"): void {
    const isKept = this.tasks.apply(this.clock.monotonicMs(), via, status);
    const ack = { taskId: status.task_id.value, uuid: status.uuid ?? "" };
    const isWaiting = this.#acks.some(({ uuid }) => uuid === ack.uuid);
    if (isKept && !isWaiting) this.#acks.push(ack);
  }

  #subscribed(): Event {
    const identity = makeIdentity({ capabilities: this.capabilities });
    const event = makeSubscribed(identity, 5051, "container-1");
    return jsonCodec.decodeEvent(
      new TextEncoder().encode(JSON.stringify(event)),
    );
  }

  async *#read(stream: Stream, signal: AbortSignal): AsyncGenerator<Event> {
    const close = () => {
      if (signal.aborted) this.leftAtMs = this.clock.monotonicMs();
      stream.end ??= "closed";
      stream.wake();
    };
    signal.addEventListener("abort", close);
    try {
      while (stream.end === null) {
        const event = stream.events.shift();
        if (event === undefined) {
          await new Promise<void>((resolve) => stream.wake = resolve);
          continue;
        }
        this.#deliver(event);
        yield event;
      }
      if (stream.end === "broken") throw new TypeError("connection reset");
    } finally {
      signal.removeEventListener("abort", close);
      close();
    }
  }

  #deliver(event: Event): void {
    if (event.type === "KILL") this.killed.add(event.kill.task_id.value);
    const tasks = event.type === "LAUNCH"
      ? [event.launch.task]
      : event.type === "LAUNCH_GROUP"
      ? event.launch_group.task_group.tasks
      : [];
    for (const { info } of tasks) {
      this.delivered.set(info.task_id.value, this.clock.monotonicMs());
      this.tasks.deliver(info.task_id.value);
    }
  }
}

function unavailable(): AgentError {
  return new AgentError("unavailable", "scripted: away");
}
