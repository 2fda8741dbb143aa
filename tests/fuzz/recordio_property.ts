import { assertEquals } from "@std/assert";
import {
  decodeRecords,
  RECORD_BYTES_MAX,
  RecordIoError,
} from "../../executor/mesos/recordio_stream.ts";
import { cut } from "../support/agent_faults.ts";
import type { Random } from "../support/random.ts";

/** What a stream holds, and whether it is broken after that. */
interface Content {
  readonly records: readonly Uint8Array[];
  readonly isBroken: boolean;
}

/**
 * Checks that a stream gives all records before the first mistake, and fails
 * at it, whatever its chunks are.
 *
 * @returns Whether the stream is without mistake.
 */
export async function checkRecordIo(
  input: Uint8Array,
  random: Random,
): Promise<boolean> {
  const expected = readAtOnce(input);
  const chunks = cut(
    input,
    random.pick(["record", "random", 1, 7]),
    random.next,
  );
  const records: Uint8Array[] = [];
  let isBroken = false;
  try {
    for await (const record of decodeRecords(ReadableStream.from(chunks))) {
      records.push(record);
    }
  } catch (error) {
    if (!(error instanceof RecordIoError)) throw error;
    isBroken = true;
  }
  assertEquals({ records, isBroken }, expected);
  return !isBroken;
}

/** RecordIO once more, for a stream that is all there. */
function readAtOnce(input: Uint8Array): Content {
  const records: Uint8Array[] = [];
  let rest = input;
  while (rest.length > 0) {
    const newline = rest.indexOf(0x0a);
    const line = new TextDecoder().decode(rest.subarray(0, newline));
    const end = newline + 1 + Number(line);
    const isGood = newline >= 0 && /^\d{1,20}$/.test(line) &&
      Number(line) <= RECORD_BYTES_MAX && end <= rest.length;
    if (!isGood) return { records, isBroken: true };
    records.push(rest.subarray(newline + 1, end));
    rest = rest.subarray(end);
  }
  return { records, isBroken: false };
}
