/** Reads a stream's bytes into one buffer, again and again. */
export class ChunkReader {
  readonly #reader: ReadableStreamBYOBReader;
  #buffer: Uint8Array<ArrayBuffer>;

  /**
   * @param stream Of bytes, as a child's output is.
   * @param bytesMax Most bytes of one read. By itself such a stream takes 64 KiB
   * for each, which adds up to most of the memory of a daemon.
   */
  constructor(stream: ReadableStream<Uint8Array>, bytesMax: number) {
    this.#reader = stream.getReader({ mode: "byob" });
    this.#buffer = new Uint8Array(bytesMax);
  }

  /**
   * Takes the next bytes; null at the end. They are overwritten by the next
   * call.
   */
  async read(): Promise<Uint8Array | null> {
    const { done, value } = await this.#reader.read(this.#buffer);
    if (value !== undefined) this.#buffer = new Uint8Array(value.buffer);
    return done ? null : value;
  }

  /** Wants no more. */
  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}

/**
 * Takes bytes apart into lines, also into a last one without a newline. By
 * hand: the transform streams that do it cost more than the rest of a launch.
 *
 * @param read Takes the next bytes; null at their end.
 */
export async function* linesOf(
  read: () => Promise<Uint8Array | null>,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  while (true) {
    const bytes = await read();
    if (bytes === null) break;
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
