/** Largest record accepted unless told otherwise: 64 MiB. */
export const RECORD_BYTES_MAX = 64 * 1024 * 1024;

/** Digits of the largest 64-bit number, and so of the longest length line. */
const LENGTH_DIGITS_MAX = 20;
const NEWLINE = 0x0a;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/** A byte stream that is not RecordIO; nothing after it can be trusted. */
export class RecordIoError extends Error {
  /** Name of the class. */
  override readonly name = "RecordIoError";

  /**
   * Makes the error.
   *
   * @param rule The rule that was broken.
   * @param position Offset in the stream, in bytes, where it was noticed.
   */
  constructor(rule: string, readonly position: number) {
    super(`Cannot decode RecordIO: ${rule} at byte ${position}`);
  }
}

/**
 * Splits a byte stream into records: `<decimal length>\n<bytes>`, one after
 * another, however the stream is cut into chunks
 * (Mesos 3rdparty/stout/include/stout/recordio.hpp).
 *
 * A record may share memory with the chunk it came in. Every record before a
 * mistake is given before it is thrown: a generator, since a TransformStream
 * that fails drops what it has not been asked for yet.
 *
 * @param chunks The body of one response.
 * @param recordBytesMax Bytes of the largest record accepted.
 * @throws {RecordIoError} If a length is not a decimal number or too large,
 * or if the stream ends inside a record.
 */
export async function* decodeRecords(
  chunks: AsyncIterable<Uint8Array>,
  recordBytesMax = RECORD_BYTES_MAX,
): AsyncGenerator<Uint8Array> {
  const decoder = new RecordIoDecoder(recordBytesMax);
  for await (const chunk of chunks) yield* decoder.push(chunk);
  decoder.end();
}

/**
 * Frames one record.
 *
 * @returns The length line and the record.
 */
export function encodeRecord(record: Uint8Array): Uint8Array<ArrayBuffer> {
  const line = new TextEncoder().encode(`${record.length}\n`);
  const framed = new Uint8Array(line.length + record.length);
  framed.set(line);
  framed.set(record, line.length);
  return framed;
}

class RecordIoDecoder {
  /** Bytes of the stream before the current chunk. */
  #position = 0;
  #digits = 0;
  #length = 0;
  /** The record being filled; undefined while reading a length line. */
  #record: Uint8Array | undefined;
  #filled = 0;

  constructor(private readonly recordBytesMax: number) {}

  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#record !== undefined) {
        const record = this.#record;
        offset += this.#fill(record, chunk.subarray(offset));
        if (this.#filled < record.length) continue;
        this.#record = undefined;
        yield record;
        continue;
      }
      const byte = chunk[offset] ?? 0;
      if (byte !== NEWLINE) {
        this.#addDigit(byte, this.#position + offset);
        offset++;
        continue;
      }
      if (this.#digits === 0) {
        throw new RecordIoError(
          "a length line must not be empty",
          this.#position + offset,
        );
      }
      offset++;
      const length = this.#length;
      this.#digits = 0;
      this.#length = 0;
      const end = offset + length;
      if (end <= chunk.length) {
        // The usual case: no copy.
        yield chunk.subarray(offset, end);
        offset = end;
      } else {
        this.#record = new Uint8Array(length);
        this.#filled = 0;
      }
    }
    this.#position += chunk.length;
  }

  end(): void {
    if (this.#record !== undefined) {
      throw new RecordIoError(
        `the stream ended after ${this.#filled} of ${this.#record.length} ` +
          "bytes of a record",
        this.#position,
      );
    }
    if (this.#digits > 0) {
      throw new RecordIoError(
        "the stream ended inside a length line",
        this.#position,
      );
    }
  }

  /** @returns How many bytes of the chunk were used. */
  #fill(record: Uint8Array, chunk: Uint8Array): number {
    const part = chunk.subarray(0, record.length - this.#filled);
    record.set(part, this.#filled);
    this.#filled += part.length;
    return part.length;
  }

  #addDigit(byte: number, position: number): void {
    if (byte < DIGIT_0 || byte > DIGIT_9) {
      const shown = JSON.stringify(String.fromCharCode(byte));
      throw new RecordIoError(
        `a length must be decimal digits: current character is ${shown}`,
        position,
      );
    }
    this.#digits++;
    this.#length = this.#length * 10 + byte - DIGIT_0;
    if (
      this.#digits > LENGTH_DIGITS_MAX || this.#length > this.recordBytesMax
    ) {
      throw new RecordIoError(
        `a record must have at most ${this.recordBytesMax} bytes: ` +
          `its length starts with ${this.#length}`,
        position,
      );
    }
  }
}
