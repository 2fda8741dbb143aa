import type {
  EnumSchema,
  Field,
  MessageSchema,
  ScalarKind,
} from "../../proto/message_schema.ts";
import { AppError } from "../../shared/errors.ts";

/** A record of the event stream that cannot be understood. */
export class CodecError extends AppError {
  /** Name of the class. */
  override readonly name = "CodecError";

  /**
   * Makes the error.
   *
   * @param field Path of the field, such as `launch.task.task_id.value`, or
   * `record` for the record as a whole.
   * @param rule The rule that was broken.
   * @param options `cause`: the error underneath.
   */
  constructor(
    readonly field: string,
    readonly rule: string,
    options?: ErrorOptions,
  ) {
    super(
      "INVALID_ARGUMENT",
      `Cannot decode the event: ${field}: ${rule}`,
      options,
    );
  }
}

/** JSON's exact numbers, which TypeScript does not declare yet. */
interface ExactJson {
  isRawJSON(value: unknown): boolean;
}
const exactJson = JSON as typeof JSON & ExactJson;

/** Messages whose values may be secret: never quoted in an error. */
const SECRET_HOLDERS = new Set(["EnvironmentVariable", "SecretValue"]);
const QUOTED_LENGTH_MAX = 40;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const DECIMAL = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$|^-?Infinity$|^NaN$/;

/**
 * Smallest and largest value of each integer. A 64-bit limit is rounded to
 * the nearest number, as a value at the limit itself is.
 */
const RANGES = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [-(2 ** 63), 2 ** 63],
  uint64: [0, 2 ** 64],
} as const;

/**
 * Checks a message in Mesos' JSON mapping and copies the fields that the
 * schema has. Both codecs end here, so both accept the same and give the
 * same: numbers may come as strings, enums as numbers, `null` means absent,
 * and an unknown enum value in a field that is not required counts as absent,
 * as in every proto2 parser.
 *
 * @param schema The message to expect.
 * @param value What was received.
 * @param path Path of the message in the event; empty at the top.
 * @throws {CodecError} If a required field is absent or a value is not of
 * its field's type.
 */
export function readMessage<T>(
  schema: MessageSchema<T>,
  value: unknown,
  path: string,
): T {
  if (!isObject(value)) {
    throw new CodecError(path || "record", mustBe("an object", value));
  }
  const message: Record<string, unknown> = {};
  for (const field of schema.fields) {
    const received = value[field.name];
    const fieldPath = path === "" ? field.name : `${path}.${field.name}`;
    const read = received === undefined || received === null
      ? undefined
      : readField(schema, field, received, fieldPath);
    if (read !== undefined) {
      message[field.name] = read;
    } else if (field.rule === "required") {
      throw new CodecError(
        fieldPath,
        field.kind === "enum" && received !== undefined && received !== null
          ? mustBe(`a known ${field.of.name}`, received)
          : "must be present",
      );
    }
  }
  const read: unknown = message;
  return read as T;
}

/** Returns undefined for an unknown enum value. */
function readField(
  schema: MessageSchema,
  field: Field,
  value: unknown,
  path: string,
): unknown {
  const secret = SECRET_HOLDERS.has(schema.name);
  if (field.rule !== "repeated") return readValue(field, value, path, secret);
  if (!Array.isArray(value)) {
    throw new CodecError(path, mustBe("an array", value, secret));
  }
  // An empty list is absence: protobuf cannot tell the two apart.
  if (value.length === 0) return undefined;
  return value.map((item: unknown, index) =>
    readValue(field, item, `${path}[${index}]`, secret)
  ).filter((item) => item !== undefined);
}

function readValue(
  field: Field,
  value: unknown,
  path: string,
  secret: boolean,
): unknown {
  switch (field.kind) {
    case "opaque":
      return value;
    case "message":
      return readMessage(field.of, value, path);
    case "map": {
      if (!isObject(value)) {
        throw new CodecError(path, mustBe("an object", value, secret));
      }
      const entries = Object.entries(value);
      if (entries.length === 0) return undefined;
      // Not by assignment: a key may be `__proto__`.
      return Object.fromEntries(
        entries.map(([key, item]) => [
          key,
          readMessage(field.of, item, `${path}["${key}"]`),
        ]),
      );
    }
    case "enum":
      return readEnum(field.of, value, path);
    default:
      return readScalar(field.kind, value, path, secret);
  }
}

function readEnum(
  schema: EnumSchema,
  value: unknown,
  path: string,
): string | undefined {
  if (typeof value === "string") {
    return Object.hasOwn(schema.values, value) ? value : undefined;
  }
  if (typeof value === "number") {
    return Object.keys(schema.values)
      .find((name) => schema.values[name] === value);
  }
  throw new CodecError(path, mustBe("the name of a value", value));
}

function readScalar(
  kind: ScalarKind,
  value: unknown,
  path: string,
  secret: boolean,
): unknown {
  switch (kind) {
    case "string":
      if (typeof value === "string") return value;
      throw new CodecError(path, mustBe("a string", value, secret));
    case "bool":
      if (typeof value === "boolean") return value;
      throw new CodecError(path, mustBe("true or false", value, secret));
    case "bytes":
      if (typeof value !== "string") {
        throw new CodecError(path, mustBe("a string", value, secret));
      }
      if (value.length % 4 === 0 && BASE64.test(value)) return value;
      throw new CodecError(path, "must be base64 with padding");
    case "double": {
      const number = toNumber(value);
      if (number !== undefined) return number;
      throw new CodecError(path, mustBe("a number", value, secret));
    }
    default: {
      const [min, max] = RANGES[kind];
      const number = toNumber(value);
      if (
        number !== undefined && Number.isInteger(number) &&
        number >= min && number <= max
      ) {
        return number;
      }
      throw new CodecError(
        path,
        mustBe(`an integer from ${min} to ${max}`, value, secret),
      );
    }
  }
}

function toNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "string") {
    return DECIMAL.test(value) ? Number(value) : undefined;
  }
  // An integer above 2^53, which the JSON codec keeps as it was written.
  if (exactJson.isRawJSON(value)) return Number(JSON.stringify(value));
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null &&
    !Array.isArray(value) && !exactJson.isRawJSON(value);
}

function mustBe(expected: string, value: unknown, secret = false): string {
  if (secret) return `must be ${expected}: current value is hidden`;
  const current = Array.isArray(value)
    ? "an array"
    : isObject(value)
    ? "an object"
    : JSON.stringify(value).slice(0, QUOTED_LENGTH_MAX);
  return `must be ${expected}: current value is ${current}`;
}
