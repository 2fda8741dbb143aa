import { assertEquals } from "@std/assert";
import protobuf from "protobufjs";
import { loadDefinitions } from "../../proto/load_definitions.ts";

// The tables beside this file list every field and enum value of the Mesos
// executor API. They were not made from the .proto files, so that a slip in
// one shows against the other.

const root = await loadDefinitions();

Deno.test("the .proto files have exactly the fields of Mesos", async () => {
  const actual = messagesOf(root).flatMap((type) =>
    type.fieldsArray.map(describeField)
  );
  const expected = (await readTable("expected_fields.tsv"))
    .filter((line) => line.split("\t")[1] !== "");
  assertEquals(actual.toSorted(), expected.toSorted());
  assertEquals(actual.length, 330);
});

Deno.test("the .proto files have exactly the messages of Mesos", async () => {
  const actual = messagesOf(root).map(shortName);
  const expected = (await readTable("expected_fields.tsv"))
    .map((line) => line.split("\t")[0] ?? "");
  // `Value` only holds other messages: the executor API never sends it.
  assertEquals(
    actual.toSorted(),
    [...new Set([...expected, "Value"])].toSorted(),
  );
});

Deno.test("the .proto files have exactly the enums of Mesos", async () => {
  const actual = enumsOf(root).flatMap((item) =>
    Object.entries(item.values).map(([name, number]) =>
      `${shortName(item)}\t${number}\t${name}`
    )
  );
  const expected = await readTable("expected_enums.tsv");
  assertEquals(actual.toSorted(), expected.toSorted());
});

Deno.test("the .proto files keep an enum's first value first", async () => {
  // It is the default of an optional field, so its place matters.
  const expected = new Map<string, string>();
  for (const line of await readTable("expected_enums.tsv")) {
    const [name = "", , value = ""] = line.split("\t");
    if (!expected.has(name)) expected.set(name, value);
  }
  for (const item of enumsOf(root)) {
    assertEquals(Object.keys(item.values)[0], expected.get(shortName(item)));
  }
});

async function readTable(name: string): Promise<string[]> {
  const text = await Deno.readTextFile(new URL(name, import.meta.url));
  return text.split("\n").slice(1).filter((line) => line !== "");
}

function messagesOf(scope: protobuf.NamespaceBase): protobuf.Type[] {
  return scope.nestedArray.flatMap((item) =>
    item instanceof protobuf.Type
      ? [item, ...messagesOf(item)]
      : item instanceof protobuf.Namespace
      ? messagesOf(item)
      : []
  );
}

function enumsOf(scope: protobuf.NamespaceBase): protobuf.Enum[] {
  return scope.nestedArray.flatMap((item) =>
    item instanceof protobuf.Enum
      ? [item]
      : item instanceof protobuf.Namespace
      ? enumsOf(item)
      : []
  );
}

function shortName(object: protobuf.ReflectionObject): string {
  return object.fullName.replace(".mesos.v1.", "");
}

function describeField(field: protobuf.Field): string {
  const resolved = field.resolvedType;
  const type = resolved === null ? field.type : shortName(resolved);
  const isMap = field instanceof protobuf.MapField;
  const label = isMap
    ? "map"
    : field.repeated
    ? "repeated"
    : field.required
    ? "required"
    : "optional";
  return [
    field.parent === null ? "" : shortName(field.parent),
    field.id,
    label,
    isMap ? `map<${field.keyType},${type}>` : type,
    field.name,
    field.options?.["default"] ?? "",
    field.partOf?.name ?? "",
  ].join("\t");
}
