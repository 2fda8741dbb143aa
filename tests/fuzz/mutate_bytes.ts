import { concat } from "../support/agent_http.ts";
import type { Random } from "../support/random.ts";

/** Bytes at which decoders change their minds. */
const EDGES = [0, 1, 0x0a, 0x22, 0x2d, 0x39, 0x5c, 0x7f, 0x80, 0xc0, 0xff];
/** Varints of the largest value, of ten bytes too many, and of 2^63. */
const VARINTS = [
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
];
/** What may stand where a digit stood. */
const NUMBERS = ["", "0", "-1", "1e9", "0".repeat(21), "18446744073709551616"];
/** Longest piece that one mutation moves, bytes. */
const PIECE_BYTES_MAX = 64;

type Mutation = (
  bytes: Uint8Array,
  random: Random,
  other: Uint8Array,
) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const at = random.below(bytes.length);
    return bytes.with(at, (bytes[at] ?? 0) ^ (1 << random.below(8)));
  },
  function setByte(bytes, random) {
    return bytes.with(random.below(bytes.length), random.pick(EDGES));
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, random.below(bytes.length));
  },
  function remove(bytes, random) {
    const [from, to] = piece(bytes, random);
    return concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  function repeat(bytes, random) {
    const [from, to] = piece(bytes, random);
    return concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  function insert(bytes, random) {
    const at = random.below(bytes.length + 1);
    const added = random.chance(0.5)
      ? Uint8Array.from(random.pick(VARINTS))
      : Uint8Array.from(
        { length: 1 + random.below(8) },
        () => random.below(256),
      );
    return concat([bytes.subarray(0, at), added, bytes.subarray(at)]);
  },
  function splice(bytes, random, other) {
    const [from, to] = piece(other, random);
    const at = random.below(bytes.length + 1);
    return concat([
      bytes.subarray(0, at),
      other.subarray(from, to),
      bytes.subarray(at + random.below(to - from + 1)),
    ]);
  },
  function changeNumber(bytes, random) {
    const at = bytes.findIndex((byte, index) =>
      isDigit(byte) && (index >= bytes.length / 2 || random.chance(0.3))
    );
    if (at < 0) return bytes;
    const digits = random.pick(NUMBERS);
    return concat([
      bytes.subarray(0, at),
      new TextEncoder().encode(digits),
      bytes.subarray(at + 1),
    ]);
  },
];

/**
 * Damages bytes in one to four ways. The bytes given stay as they are.
 *
 * @param other Where spliced pieces come from; not empty.
 */
export function mutateBytes(
  bytes: Uint8Array,
  random: Random,
  other: Uint8Array,
): Uint8Array {
  let mutated = bytes;
  for (let left = 1 + random.below(4); left > 0; left--) {
    if (mutated.length === 0) break;
    mutated = random.pick(MUTATIONS)(mutated, random, other);
  }
  return mutated;
}

function piece(bytes: Uint8Array, random: Random): [number, number] {
  const from = random.below(bytes.length);
  return [
    from,
    Math.min(bytes.length, from + 1 + random.below(PIECE_BYTES_MAX)),
  ];
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
