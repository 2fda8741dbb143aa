import protobuf from "protobufjs";

const FILES = ["mesos/v1/mesos.proto", "mesos/v1/executor/executor.proto"];

/**
 * Parses the .proto files of this folder. For the generator and for tests;
 * the executor itself never needs them.
 *
 * @returns All messages and enums, with field names as written.
 */
export async function loadDefinitions(): Promise<protobuf.Root> {
  const root = new protobuf.Root();
  for (const file of FILES) {
    const text = await Deno.readTextFile(new URL(file, import.meta.url));
    protobuf.parse(text, root, { keepCase: true });
  }
  root.resolveAll();
  return root;
}
