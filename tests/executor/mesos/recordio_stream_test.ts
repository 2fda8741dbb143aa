import { assertEquals, assertRejects } from "@std/assert";
import {
  decodeRecords,
  encodeRecord,
  RecordIoError,
} from "../../../executor/mesos/recordio_stream.ts";

// Every case runs whole, split in two at every place, and byte by byte.

interface Case {
  readonly name: string;
  readonly stream: string;
  readonly records: readonly string[];
  /** Why the stream fails after the records; absent if it does not. */
  readonly error?: string;
}

const CASES: readonly Case[] = [
  { name: "an empty stream", stream: "", records: [] },
  { name: "one record", stream: "5\nhello", records: ["hello"] },
  { name: "two records", stream: "1\na2\nbc", records: ["a", "bc"] },
  { name: "an empty record", stream: "0\n1\na", records: ["", "a"] },
  { name: "an empty record last", stream: "1\na0\n", records: ["a", ""] },
  { name: "newlines in a record", stream: "3\n\n1\n", records: ["\n1\n"] },
  { name: "leading zeros", stream: "002\nab", records: ["ab"] },
  {
    name: "20 digits",
    stream: "00000000000000000001\na",
    records: ["a"],
  },
  { name: "bytes above 127", stream: "2\né", records: ["é"] },
  {
    name: "a record of the limit",
    stream: "16\n0123456789abcdef",
    records: ["0123456789abcdef"],
  },
  {
    name: "an empty length line",
    stream: "1\na\n",
    records: ["a"],
    error: "a length line must not be empty at byte 3",
  },
  {
    name: "a negative length",
    stream: "-1\na",
    records: [],
    error: 'a length must be decimal digits: current character is "-" ' +
      "at byte 0",
  },
  {
    name: "a length in hexadecimal",
    stream: "1\na0x1\na",
    records: ["a"],
    error: 'a length must be decimal digits: current character is "x" ' +
      "at byte 4",
  },
  {
    name: "a length line that ends in CRLF",
    stream: "1\r\na",
    records: [],
    error: 'a length must be decimal digits: current character is "\\r" ' +
      "at byte 1",
  },
  {
    name: "a record above the limit",
    stream: "17\n0123456789abcdefg",
    records: [],
    error: "a record must have at most 16 bytes: its length starts with 17 " +
      "at byte 1",
  },
  {
    name: "a mistake behind several records",
    stream: "1\na1\nb1\ncx",
    records: ["a", "b", "c"],
    error: 'a length must be decimal digits: current character is "x" ' +
      "at byte 9",
  },
  {
    name: "a length of 21 digits",
    stream: "000000000000000000001\na",
    records: [],
    error: "a record must have at most 16 bytes: its length starts with 1 " +
      "at byte 20",
  },
  {
    name: "an end inside a length line",
    stream: "1\na1",
    records: ["a"],
    error: "the stream ended inside a length line at byte 4",
  },
  {
    name: "an end right after a length line",
    stream: "3\n",
    records: [],
    error: "the stream ended after 0 of 3 bytes of a record at byte 2",
  },
  {
    name: "an end inside a record",
    stream: "3\nab",
    records: [],
    error: "the stream ended after 2 of 3 bytes of a record at byte 4",
  },
];

for (const { name, stream, records, error } of CASES) {
  const verb = error === undefined ? "decodes" : "refuses";
  Deno.test(`decodeRecords() ${verb} ${name}`, async () => {
    const bytes = new TextEncoder().encode(stream);
    for (const chunks of chunkings(bytes)) {
      const decoded = await decode(chunks, 16);
      assertEquals(decoded.records, records);
      assertEquals(
        decoded.error?.message,
        error && `Cannot decode RecordIO: ${error}`,
      );
      if (decoded.error !== undefined) {
        assertEquals(
          decoded.error.message.endsWith(` ${decoded.error.position}`),
          true,
        );
      }
    }
  });
}

Deno.test("decodeRecords() accepts 64 MiB and no more by default", async () => {
  const stream = ReadableStream.from([new TextEncoder().encode("67108865\n")]);
  await assertRejects(
    () => Array.fromAsync(decodeRecords(stream)),
    RecordIoError,
    "at most 67108864 bytes",
  );
});

Deno.test("decodeRecords() joins a large record of many chunks", async () => {
  // Quadratic joining would take minutes here.
  const record = new Uint8Array(10 * 1024 * 1024).fill(7);
  const framed = encodeRecord(record);
  for (const size of [64 * 1024, 64]) {
    const stream = decodeRecords(ReadableStream.from(cut(framed, size)));
    let count = 0;
    for await (const decoded of stream) {
      count++;
      assertEquals(decoded.length, record.length);
      assertEquals(decoded.every((byte) => byte === 7), true);
    }
    assertEquals(count, 1);
  }
});

Deno.test("encodeRecord() writes the length in bytes", () => {
  const record = new TextEncoder().encode("é!");
  assertEquals(new TextDecoder().decode(encodeRecord(record)), "3\né!");
});

function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) {
    yield bytes.subarray(start, start + size);
  }
}

function* chunkings(bytes: Uint8Array): Generator<Uint8Array[]> {
  yield [bytes];
  yield [...bytes].map((byte) => new Uint8Array([byte]));
  for (let at = 0; at <= bytes.length; at++) {
    yield [bytes.subarray(0, at), bytes.subarray(at)];
  }
}

async function decode(
  chunks: readonly Uint8Array[],
  recordBytesMax: number,
): Promise<{ records: string[]; error?: RecordIoError }> {
  const records: string[] = [];
  const stream = decodeRecords(ReadableStream.from(chunks), recordBytesMax);
  try {
    for await (const record of stream) {
      records.push(new TextDecoder().decode(record));
    }
    return { records };
  } catch (error) {
    if (!(error instanceof RecordIoError)) throw error;
    return { records, error };
  }
}
