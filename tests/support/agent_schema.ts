import protobuf from "protobufjs";
import { loadDefinitions } from "../../proto/load_definitions.ts";

/** A message in Mesos' JSON mapping. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The agent's view of the wire: the full schema, interpreted by the protobuf
 * library, and Mesos' own rules for JSON. It shares nothing with the
 * executor's codec, so that a mistake there cannot hide here.
 *
 * @see Mesos 3rdparty/stout/include/stout/protobuf.hpp
 */
export class AgentSchema {
  readonly #call: protobuf.Type;
  readonly #event: protobuf.Type;
  readonly #task: protobuf.Type;

  private constructor(root: protobuf.Root) {
    this.#call = root.lookupType("mesos.v1.executor.Call");
    this.#event = root.lookupType("mesos.v1.executor.Event");
    this.#task = root.lookupType("mesos.v1.TaskInfo");
  }

  /** Reads the .proto files; once, however often it is called. */
  static load(): Promise<AgentSchema> {
    return loading ??= loadDefinitions().then((root) => new AgentSchema(root));
  }

  /**
   * Parses a JSON call as the agent does: unknown fields are skipped, a null
   * is an absent field, enums are names.
   *
   * @throws {SyntaxError} In the agent's words.
   */
  callFromJson(value: unknown): JsonObject {
    return readAll(this.#call, value);
  }

  /**
   * Parses a protobuf call; enums become names and bytes become base64.
   *
   * @throws {SyntaxError} If it is malformed or lacks a required field.
   */
  callFromProtobuf(bytes: Uint8Array): JsonObject {
    const message = this.#call.toObject(this.#call.decode(bytes), TO_JSON);
    return readAll(this.#call, message);
  }

  /**
   * Checks a task that a test wants to launch.
   *
   * @throws {SyntaxError} If Mesos could not make a TaskInfo of it.
   */
  readTask(task: JsonObject): JsonObject {
    return readAll(this.#task, task);
  }

  /** Encodes an event; like Mesos, it writes defaults out. */
  eventToJson(event: JsonObject): Uint8Array {
    const known = readAll(this.#event, event, true);
    return new TextEncoder().encode(JSON.stringify(known));
  }

  /** Encodes an event. */
  eventToProtobuf(event: JsonObject): Uint8Array {
    const message = this.#event.fromObject(readAll(this.#event, event));
    return new Uint8Array(this.#event.encode(message).finish());
  }
}

let loading: Promise<AgentSchema> | undefined;

const TO_JSON: protobuf.IConversionOptions = {
  bytes: String,
  enums: String,
  longs: Number,
};

function readAll(
  type: protobuf.Type,
  value: unknown,
  withDefaults = false,
): JsonObject {
  if (!isObject(value)) throw new SyntaxError("Expecting a JSON object");
  const missing: string[] = [];
  const message = readMessage(type, value, "", missing, withDefaults);
  if (missing.length > 0) {
    throw new SyntaxError(`Missing required fields: ${missing.join(", ")}`);
  }
  return message;
}

function readMessage(
  type: protobuf.Type,
  value: JsonObject,
  path: string,
  missing: string[],
  withDefaults: boolean,
): JsonObject {
  const message: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    const given = value[field.name];
    const at = path === "" ? field.name : `${path}.${field.name}`;
    const read = (item: unknown) =>
      readValue(field, item, at, missing, withDefaults);
    if (given === undefined || given === null) {
      const { default: defaultValue, deprecated } = field.options ?? {};
      if (field.required) missing.push(at);
      else if (withDefaults && defaultValue !== undefined && !deprecated) {
        message[field.name] = defaultValue;
      }
    } else if (field.map) {
      if (!isObject(given)) throw notExpecting(given, field);
      message[field.name] = Object.fromEntries(
        Object.entries(given).map(([key, item]) => [key, read(item)]),
      );
    } else if (field.repeated) {
      if (!Array.isArray(given)) throw notExpecting(given, field);
      if (given.length > 0) message[field.name] = given.map(read);
    } else {
      message[field.name] = read(given);
    }
  }
  return message;
}

function readValue(
  field: protobuf.Field,
  value: unknown,
  path: string,
  missing: string[],
  withDefaults: boolean,
): unknown {
  const resolved = field.resolvedType;
  if (resolved instanceof protobuf.Type) {
    if (!isObject(value)) throw notExpecting(value, field);
    return readMessage(resolved, value, path, missing, withDefaults);
  }
  if (resolved instanceof protobuf.Enum) {
    if (typeof value === "string" && Object.hasOwn(resolved.values, value)) {
      return value;
    }
    throw new SyntaxError(`Failed to find enum for '${value}'`);
  }
  switch (field.type) {
    case "string":
      if (typeof value === "string") return value;
      break;
    case "bytes":
      if (typeof value === "string" && isBase64(value)) return value;
      break;
    case "bool":
      if (typeof value === "boolean") return value;
      break;
    default:
      if (typeof value === "number") return value;
      if (typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value)) {
        return Number(value);
      }
  }
  throw notExpecting(value, field);
}

function notExpecting(value: unknown, field: protobuf.Field): SyntaxError {
  const kind = Array.isArray(value) ? "array" : typeof value;
  return new SyntaxError(
    `Not expecting a JSON ${kind} for field '${field.name}'`,
  );
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isBase64(text: string): boolean {
  try {
    Uint8Array.fromBase64(text);
    return true;
  } catch {
    return false;
  }
}
