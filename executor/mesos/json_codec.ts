import { assert, messageOf } from "../../shared/errors.ts";
import { readEvent } from "./event_reader.ts";
import { CodecError } from "./message_reader.ts";
import type { Call, Event } from "./types.ts";

/** JSON's exact numbers, which TypeScript does not declare yet. */
interface ExactJson {
  parse(
    text: string,
    reviver: (
      key: string,
      value: unknown,
      context: { readonly source?: string },
    ) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
}
const exactJson: ExactJson = JSON as typeof JSON & ExactJson;

/** A number long enough to be inexact; strings may match too, harmlessly. */
const LONG_NUMBER = /[:,[]\s*-?\d{16}/;
const INTEGER = /^-?\d+$/;

/** Codec for `application/json`. */
export const jsonCodec = {
  contentType: "application/json",

  /** Encodes a call; see {@linkcode Codec.encodeCall}. */
  encodeCall(call: Call): Uint8Array<ArrayBuffer> {
    return new TextEncoder().encode(
      JSON.stringify(toWire(call), keepInfinity),
    );
  },

  /** Decodes a record; see {@linkcode Codec.decodeEvent}. */
  decodeEvent(record: Uint8Array): Event {
    const text = new TextDecoder().decode(record);
    let parsed: unknown;
    try {
      parsed = LONG_NUMBER.test(text)
        ? exactJson.parse(text, keepLongInteger)
        : JSON.parse(text);
    } catch (error) {
      // V8 quotes the text around the error, which may hold a secret.
      const rule = messageOf(error).replace(/(, )?"?\.{0,3}".*$/s, "");
      throw new CodecError("record", `must be JSON: ${rule}`);
    }
    return readEvent(parsed, (raw) => raw);
  },
} as const;

function toWire(call: Call): unknown {
  const { executor_id, framework_id, type } = call;
  if (type !== "SUBSCRIBE") return call;
  return {
    executor_id,
    framework_id,
    type,
    subscribe: {
      unacknowledged_tasks: call.subscribe.unacknowledged_tasks.map(
        ({ raw }) => {
          assert(
            !(raw instanceof Uint8Array),
            "A task decoded from protobuf cannot be encoded as JSON",
          );
          return raw;
        },
      ),
      unacknowledged_updates: call.subscribe.unacknowledged_updates,
    },
  };
}

/** Keeps the digits of an integer that a number cannot hold. */
function keepLongInteger(
  _key: string,
  value: unknown,
  context: { readonly source?: string },
): unknown {
  const { source } = context;
  return typeof value === "number" && !Number.isSafeInteger(value) &&
      source !== undefined && INTEGER.test(source)
    ? exactJson.rawJSON(source)
    : value;
}

/** Writes Infinity by name, as protobuf's JSON mapping does. */
function keepInfinity(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value)
    ? String(value)
    : value;
}
