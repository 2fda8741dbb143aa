import protobuf from "protobufjs";

// The complete schema, interpreted by the protobuf library: an independent
// opinion on what the project's own codec reads and writes. Nothing is
// required here, so that malformed messages can be made.
const root = new protobuf.Root();
for (const file of ["mesos.proto", "executor/executor.proto"]) {
  const url = new URL(`../../../proto/mesos/v1/${file}`, import.meta.url);
  const text = await Deno.readTextFile(url);
  protobuf.parse(text.replaceAll(" required ", " optional "), root, {
    keepCase: true,
  });
}
root.resolveAll();

/** Encodes a message, given in Mesos' JSON mapping. */
export function encodeFull(
  name: string,
  message: Readonly<Record<string, unknown>>,
): Uint8Array {
  const type = root.lookupType(`mesos.v1.${name}`);
  return new Uint8Array(type.encode(type.fromObject(message)).finish());
}

/** Decodes a message into Mesos' JSON mapping. */
export function decodeFull(
  name: string,
  bytes: Uint8Array,
): Record<string, unknown> {
  const type = root.lookupType(`mesos.v1.${name}`);
  return type.toObject(type.decode(bytes), {
    bytes: String,
    enums: String,
    longs: Number,
  });
}

/**
 * A message in Mesos' JSON mapping with every field of the complete schema
 * set: repeated ones twice, one of each oneof, one level of a message that
 * holds itself.
 */
export function fillMessage(name: string): Record<string, unknown> {
  return fillType(root.lookupType(`mesos.v1.${name}`));
}

function fillType(
  type: protobuf.Type,
): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  const oneofs = new Set<protobuf.OneOf>();
  for (const field of type.fieldsArray) {
    if (field.partOf !== null) {
      if (oneofs.has(field.partOf)) continue;
      oneofs.add(field.partOf);
    }
    if (field.resolvedType === type) continue;
    const value = fillField(field);
    message[field.name] = field.map
      ? { "a key": value }
      : field.repeated
      ? [value, fillField(field)]
      : value;
  }
  return message;
}

function fillField(field: protobuf.Field): unknown {
  const resolved = field.resolvedType;
  if (resolved instanceof protobuf.Enum) {
    return Object.keys(resolved.values).at(-1);
  }
  if (resolved instanceof protobuf.Type) return fillType(resolved);
  switch (field.type) {
    case "string":
      return `ü ${field.name}`;
    case "bytes":
      return "AP+A";
    case "bool":
      return true;
    case "double":
      return 0.1;
    case "int64":
    case "uint64":
      return 2 ** 53 - 1;
    default:
      return 2 ** 31 - 1;
  }
}
