import { type Chunking, cut } from "./agent_faults.ts";
import { concat, type HttpConnection } from "./agent_http.ts";
import type { ContentType } from "./agent_rules.ts";
import type { AgentSchema, JsonObject } from "./agent_schema.ts";
import { Random } from "./random.ts";

/** The event stream of one SUBSCRIBE. */
export class AgentStream {
  /** Format of the events. */
  readonly contentType: ContentType;
  readonly #connection: HttpConnection;
  #ended = false;

  /** Sends the head of the answer. */
  constructor(connection: HttpConnection, contentType: ContentType) {
    this.contentType = contentType;
    this.#connection = connection;
    connection.startChunked("200 OK", { "Content-Type": contentType });
  }

  /** False once either side has ended it. */
  get open(): boolean {
    return !this.#ended && !this.#connection.closed;
  }

  /** Sends each piece as an HTTP chunk and in a write of its own. */
  send(pieces: Iterable<Uint8Array>): void {
    if (!this.open) return;
    for (const piece of pieces) this.#connection.writeChunk(piece);
  }

  /** Ends the answer properly. */
  end(): void {
    if (!this.open) return;
    this.#ended = true;
    this.#connection.writeChunk(new Uint8Array());
  }

  /** Breaks the connection, after what was already given to be sent. */
  drop(): Promise<void> {
    this.#ended = true;
    return this.#connection.finish();
  }
}

/** Frames a record: its length in decimal, a newline, its bytes. */
export function frameRecord(record: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat([new TextEncoder().encode(`${record.length}\n`), record]);
}

/** Writes events to whichever stream is open. */
export class AgentSender {
  /** How the stream is cut into chunks from now on. */
  chunking: Chunking = "record";
  /** The latest stream, open or not. */
  stream: AgentStream | undefined;
  /** How many events were lost because no stream was open. */
  eventsLost = 0;
  readonly #schema: AgentSchema;
  readonly #random: () => number;

  constructor(schema: AgentSchema, seed: number) {
    this.#schema = schema;
    this.#random = new Random(seed).next;
  }

  /** Is there a stream to write to? */
  get open(): boolean {
    return this.stream?.open ?? false;
  }

  /** Encodes and frames an event for the latest stream. */
  encode(event: JsonObject): Uint8Array<ArrayBuffer> {
    return frameRecord(
      this.stream?.contentType === "application/x-protobuf"
        ? this.#schema.eventToProtobuf(event)
        : this.#schema.eventToJson(event),
    );
  }

  /** Sends an event; like the agent, loses it if no stream is open. */
  sendEvent(event: JsonObject): void {
    if (this.open) this.sendRaw(this.encode(event));
    else this.eventsLost++;
  }

  /** Sends bytes as a part of the stream. */
  sendRaw(bytes: Uint8Array): void {
    this.stream?.send(cut(bytes, this.chunking, this.#random));
  }
}

/** An acknowledgement. */
interface Ack {
  readonly taskId: string;
  /** In base64. */
  readonly uuid: string;
}

/** Acknowledges updates, or not, as the test wants. */
export class AgentAcks {
  readonly #sender: AgentSender;
  #held = false;
  #lose = 0;
  #duplicate = 0;
  /** Held back, by uuid. */
  readonly #waiting = new Map<string, Ack>();

  constructor(sender: AgentSender) {
    this.#sender = sender;
  }

  /** How many are held back. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Holds acknowledgements back until they are released. */
  hold(): void {
    this.#held = true;
  }

  /** Sends those held back, oldest first, and holds no more. */
  release(): void {
    this.#held = false;
    this.flush();
  }

  /** Never sends the next ones. */
  lose(times: number): void {
    this.#lose = times;
  }

  /** Sends the next ones twice. */
  duplicate(times: number): void {
    this.#duplicate = times;
  }

  /** Forgets those held back, as an agent does that dies. */
  forget(): void {
    this.#waiting.clear();
  }

  /** Acknowledges an update, when it is time. */
  add(taskId: string, uuid: string): void {
    if (this.#lose > 0) this.#lose--;
    else this.#waiting.set(uuid, { taskId, uuid });
  }

  /** Sends what may be sent. */
  flush(): void {
    if (this.#held) return;
    const acks = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { taskId, uuid } of acks) {
      this.send(taskId, uuid);
      if (this.#duplicate > 0) {
        this.#duplicate--;
        this.send(taskId, uuid);
      }
    }
  }

  /** Sends an acknowledgement, of whatever. */
  send(taskId: string, uuid: string): void {
    this.#sender.sendEvent({
      type: "ACKNOWLEDGED",
      acknowledged: { task_id: { value: taskId }, uuid },
    });
  }
}
