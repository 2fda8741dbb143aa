import protobuf from "protobufjs/minimal";
import type {
  Field,
  FieldType,
  MessageSchema,
  ScalarKind,
} from "../../proto/message_schema.ts";
import {
  CallSchema,
  EventSchema,
  TaskInfoSchema,
} from "../../proto/mesos_schema.ts";
import { assert, InvariantError, messageOf } from "../../shared/errors.ts";
import { readEvent } from "./event_reader.ts";
import { CodecError } from "./message_reader.ts";
import type { Call, Event } from "./types.ts";

/** Wire types of protobuf; groups (3 and 4) are skipped. */
const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;

type PlainMessage = Record<string, unknown>;

/** Codec for `application/x-protobuf`. */
export const protobufCodec = {
  contentType: "application/x-protobuf",

  /** Encodes a call; see {@linkcode Codec.encodeCall}. */
  encodeCall(call: Call): Uint8Array<ArrayBuffer> {
    const writer = protobuf.Writer.create();
    encodeMessage(writer, CallSchema, toWire(call));
    // A copy: the writer's memory may be part of a larger pool.
    return new Uint8Array(writer.finish());
  },

  /** Decodes a record; see {@linkcode Codec.decodeEvent}. */
  decodeEvent(record: Uint8Array): Event {
    return readEvent(decode(EventSchema, record, ""), (raw, path) => {
      assert(raw instanceof Uint8Array, "A task is kept as bytes");
      return decode(TaskInfoSchema, raw, path);
    });
  },
} as const;

function toWire(call: Call): PlainMessage {
  if (call.type !== "SUBSCRIBE") return { ...call };
  return {
    ...call,
    subscribe: {
      ...call.subscribe,
      unacknowledged_tasks: call.subscribe.unacknowledged_tasks.map(
        ({ raw }) => raw,
      ),
    },
  };
}

/** Decodes bytes into Mesos' JSON mapping, enums still as numbers. */
function decode(
  schema: MessageSchema,
  bytes: Uint8Array,
  path: string,
): PlainMessage {
  const message: PlainMessage = {};
  decodeInto(
    message,
    schema,
    protobuf.Reader.create(bytes),
    bytes.length,
    path,
  );
  return message;
}

/**
 * Reads fields up to `end`. Into an existing message, since a field that
 * holds a message may come in several pieces, which are merged.
 */
function decodeInto(
  message: PlainMessage,
  schema: MessageSchema,
  reader: protobuf.Reader,
  end: number,
  path: string,
): void {
  const messagePath = path === "" ? "record" : path;
  let fieldPath = messagePath;
  try {
    while (reader.pos < end) {
      fieldPath = messagePath;
      const tag = reader.tag();
      const number = tag >>> 3;
      const wireType = tag & 7;
      const field = schema.fields.find((field) => field.number === number);
      if (field === undefined) {
        reader.skipType(wireType, 0, number);
        continue;
      }
      fieldPath = path === "" ? field.name : `${path}.${field.name}`;
      decodeField(message, field, reader, wireType, fieldPath);
    }
    fieldPath = messagePath;
    if (reader.pos > end) throw new RangeError("a field is cut short");
  } catch (error) {
    if (error instanceof CodecError) throw error;
    throw new CodecError(
      fieldPath,
      `must be well-formed protobuf: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function decodeField(
  message: PlainMessage,
  field: Field,
  reader: protobuf.Reader,
  wireType: number,
  path: string,
): void {
  const known = message[field.name];
  const expected = wireTypeOf(field);
  if (field.rule === "repeated") {
    const items: unknown[] = Array.isArray(known) ? known : [];
    message[field.name] = items;
    if (wireType === expected) {
      items.push(
        decodeValue(field, reader, undefined, `${path}[${items.length}]`),
      );
      return;
    }
    // Parsers accept packed numbers whatever the .proto file says.
    if (wireType === DELIMITED) {
      const end = reader.uint32() + reader.pos;
      while (reader.pos < end) {
        items.push(decodeValue(field, reader, undefined, path));
      }
      if (reader.pos > end) throw new RangeError("a number is cut short");
      return;
    }
  } else if (wireType === expected) {
    message[field.name] = decodeValue(field, reader, known, path);
    return;
  }
  // Another wire type than the field's own: an unknown field, as in Mesos.
  reader.skipType(wireType, 0, field.number);
}

function decodeValue(
  field: Field,
  reader: protobuf.Reader,
  known: unknown,
  path: string,
): unknown {
  switch (field.kind) {
    case "opaque":
      // A copy, so that a kept task does not keep its whole record.
      return new Uint8Array(reader.bytes());
    case "message": {
      const message = isPlain(known) ? known : {};
      const length = reader.uint32();
      decodeInto(message, field.of, reader, reader.pos + length, path);
      return message;
    }
    case "map": {
      const length = reader.uint32();
      const entry: PlainMessage = {};
      const schema = entrySchema(field.of);
      decodeInto(entry, schema, reader, reader.pos + length, path);
      const entries = isPlain(known) ? Object.entries(known) : [];
      const key = typeof entry["key"] === "string" ? entry["key"] : "";
      entries.push([key, entry["value"] ?? {}]);
      return Object.fromEntries(entries);
    }
    case "enum":
      return reader.int32();
    default:
      return decodeScalar(field.kind, reader);
  }
}

function decodeScalar(kind: ScalarKind, reader: protobuf.Reader): unknown {
  switch (kind) {
    case "bytes":
      return reader.bytes().toBase64();
    case "int64":
    case "uint64":
      // A number or, beyond 32 bits, an object of the library.
      return Number(reader[kind]().toString());
    default:
      return reader[kind]();
  }
}

function encodeMessage(
  writer: protobuf.Writer,
  schema: MessageSchema,
  message: PlainMessage,
): void {
  for (const field of schema.fields) {
    const value = message[field.name];
    if (value === undefined) continue;
    const values: unknown = field.rule === "repeated" ? value : [value];
    assert(Array.isArray(values), `${schema.name}.${field.name} is no array`);
    for (const item of values) {
      writer.uint32((field.number << 3 | wireTypeOf(field)) >>> 0);
      encodeValue(writer, field, item);
    }
  }
}

function encodeValue(
  writer: protobuf.Writer,
  field: Field,
  value: unknown,
): void {
  switch (field.kind) {
    case "opaque":
      assert(
        value instanceof Uint8Array,
        "A task decoded from JSON cannot be encoded as protobuf",
      );
      writer.bytes(value);
      return;
    case "message":
      assert(isPlain(value), `${field.name} is no message`);
      writer.fork();
      encodeMessage(writer, field.of, value);
      writer.ldelim();
      return;
    case "enum": {
      const number = field.of.values[String(value)];
      assert(number !== undefined, `${value} is no ${field.of.name}`);
      writer.int32(number);
      return;
    }
    case "map":
      // No call holds a map: they are in TaskInfo, which is kept as bytes.
      throw new InvariantError(`Cannot encode the map ${field.name}`);
    default:
      encodeScalar(writer, field.kind, value);
  }
}

function encodeScalar(
  writer: protobuf.Writer,
  kind: ScalarKind,
  value: unknown,
): void {
  if (kind === "bytes") {
    assert(typeof value === "string", "Bytes are kept in base64");
    writer.bytes(Uint8Array.fromBase64(value));
  } else if (kind === "string") {
    assert(typeof value === "string", "A string field holds a string");
    writer.string(value);
  } else if (kind === "bool") {
    assert(typeof value === "boolean", "A bool field holds a boolean");
    writer.bool(value);
  } else {
    assert(typeof value === "number", `Fields of ${kind} hold a number`);
    writer[kind](value);
  }
}

function wireTypeOf(type: FieldType): number {
  switch (type.kind) {
    case "double":
      return FIXED64;
    case "string":
    case "bytes":
    case "message":
    case "map":
    case "opaque":
      return DELIMITED;
    default:
      return VARINT;
  }
}

/** A map entry on the wire: a message of a key and a value. */
function entrySchema(value: MessageSchema): MessageSchema {
  return {
    name: "MapEntry",
    fields: [
      { number: 1, name: "key", rule: "optional", kind: "string" },
      {
        number: 2,
        name: "value",
        rule: "optional",
        kind: "message",
        of: value,
      },
    ],
  };
}

function isPlain(value: unknown): value is PlainMessage {
  return typeof value === "object" && value !== null &&
    !Array.isArray(value) && !(value instanceof Uint8Array);
}
