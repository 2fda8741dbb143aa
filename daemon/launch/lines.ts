/**
 * Takes bytes apart into lines, also into a last one without a newline. By
 * hand: the transform streams that do it cost more than the rest of a launch.
 *
 * @param read Takes the next bytes; no value is their end.
 */
export async function* linesOf(
  read: () => Promise<{ readonly value?: Uint8Array | undefined }>,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  while (true) {
    const { value } = await read();
    if (value === undefined) break;
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
