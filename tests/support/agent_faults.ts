import type { JsonObject } from "./agent_schema.ts";

/** What goes wrong with a call. Without any field, nothing does. */
export interface Fault {
  /**
   * How many calls it applies to.
   * @default {1}
   */
  readonly times?: number;
  /** Restricts it to some calls, given in Mesos' JSON mapping. */
  readonly when?: (call: JsonObject) => boolean;
  /** Milliseconds to wait before anything else happens. */
  readonly delayMs?: number;
  /** Status to answer with, instead of handling the call. */
  readonly status?: number;
  /**
   * Body of that answer.
   * @default {""}
   */
  readonly body?: string;
  /** Headers of that answer. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the connection breaks within that body. */
  readonly cut?: boolean;
  /**
   * Breaks the connection: before the agent takes notice of the call, after
   * it acted on it but before it answered, or after the answer (of a
   * SUBSCRIBE: after the events that follow at once).
   */
  readonly drop?: "unhandled" | "unanswered" | "answered";
  /**
   * Leaves the stream of a SUBSCRIBE empty after the head of the answer;
   * `sendSubscribed` makes up for it later.
   */
  readonly silent?: boolean;
}

/** Type of a call, or `*` for any, malformed ones included. */
export type FaultTarget =
  | "SUBSCRIBE"
  | "UPDATE"
  | "MESSAGE"
  | "HEARTBEAT"
  | "*";

/** What will go wrong, in the order it was asked for. */
export class AgentFaults {
  #rules: { target: FaultTarget; fault: Fault; left: number }[] = [];

  /** Makes the next calls of a type go wrong. */
  respond(target: FaultTarget, fault: Fault): void {
    this.#rules.push({ target, fault, left: fault.times ?? 1 });
  }

  /** Makes everything go well from now on. */
  clear(): void {
    this.#rules = [];
  }

  /** Takes the fault that applies to a call, if any. */
  take(type: string, call: JsonObject): Fault {
    const rule = this.#rules.find(({ target, fault }) =>
      (target === "*" || target === type) && (fault.when?.(call) ?? true)
    );
    if (rule === undefined) return {};
    rule.left--;
    if (rule.left <= 0) {
      this.#rules = this.#rules.filter((other) => other !== rule);
    }
    return rule.fault;
  }
}

/**
 * How the event stream is cut into HTTP chunks: a record each, a byte each,
 * that many bytes each, or pieces of random length.
 */
export type Chunking = "record" | "byte" | "random" | number;

const RANDOM_PIECE_BYTES_MAX = 64;

/**
 * Cuts bytes into the pieces to send.
 *
 * @param random Gives numbers from 0 to 1, 1 excluded.
 */
export function* cut(
  bytes: Uint8Array,
  chunking: Chunking,
  random: () => number,
): Generator<Uint8Array> {
  if (chunking === "record") {
    if (bytes.length > 0) yield bytes;
    return;
  }
  for (let from = 0; from < bytes.length;) {
    const length = chunking === "byte"
      ? 1
      : chunking === "random"
      ? 1 + Math.floor(random() * RANDOM_PIECE_BYTES_MAX)
      : chunking;
    yield bytes.subarray(from, from + length);
    from += length;
  }
}
