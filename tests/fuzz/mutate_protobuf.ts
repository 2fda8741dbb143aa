import protobuf from "protobufjs/minimal";
import { concat } from "../support/agent_http.ts";
import type { Random } from "../support/random.ts";

/** One field on the wire. */
interface WireField {
  readonly number: number;
  readonly wireType: number;
  /** What follows the tag; of a delimited field without its length. */
  readonly content: Uint8Array;
  /** The content once more if it looks like a message. */
  readonly fields: readonly WireField[] | null;
}

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;
const WIRE_TYPES = [0, 1, 2, 3, 4, 5, 6, 7];
/** Field numbers: none, of other fields, the largest. */
const NUMBERS = [0, 1, 2, 3, 4, 5, 8, 9, 100, 2 ** 29 - 1];
const LENGTHS = [0, 1, 127, 2 ** 16, 2 ** 31 - 1, 2 ** 32 - 1];
const VALUES = [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 63, 2 ** 64];
/** Around what the stack of a recursive reader holds. */
const DEPTHS = [2, 3, 5, 10, 20, 100, 5_000];
const GROUP_START = 3;
const GROUP_END = 4;
/** A field that no message of Mesos has. */
const UNKNOWN_NUMBER = 100;

/**
 * Makes one field of a message wrong, at any depth: its number, its wire
 * type, its length or value, how often it comes, how deep it is nested.
 */
export function mutateProtobuf(
  message: Uint8Array,
  random: Random,
): Uint8Array {
  const fields = readFields(message);
  return fields === null || fields.length === 0
    ? message
    : mutateOne(fields, random);
}

function mutateOne(fields: readonly WireField[], random: Random): Uint8Array {
  const chosen = random.below(fields.length);
  return concat(fields.map((field, index) => {
    if (index !== chosen) return encode(field);
    return field.fields !== null && random.chance(0.7)
      ? encode({ ...field, content: mutateOne(field.fields, random) })
      : random.pick(MUTATIONS)(field, random);
  }));
}

type Mutation = (field: WireField, random: Random) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  function omit() {
    return new Uint8Array();
  },
  function repeat(field) {
    return concat([encode(field), encode(field)]);
  },
  function renumber(field, random) {
    return encode({ ...field, number: random.pick(NUMBERS) });
  },
  function retype(field, random) {
    return encode({ ...field, wireType: random.pick(WIRE_TYPES) });
  },
  function setLength({ number, content }, random) {
    return concat([
      tag(number, DELIMITED),
      varint(random.pick(LENGTHS)),
      content,
    ]);
  },
  function setValue({ number }, random) {
    return concat([tag(number, VARINT), varint(random.pick(VALUES))]);
  },
  function nest(field, random) {
    let bytes = field.content.length;
    const heads = Array.from({ length: random.pick(DEPTHS) }, () => {
      const head = concat([tag(field.number, DELIMITED), varint(bytes)]);
      bytes += head.length;
      return head;
    });
    return concat([...heads.reverse(), field.content]);
  },
  function nestGroups(field, random) {
    const depth = random.pick(DEPTHS);
    const starts = Array.from(
      { length: depth },
      () => tag(UNKNOWN_NUMBER, GROUP_START),
    );
    const ends = Array.from(
      { length: random.chance(0.5) ? depth : 0 },
      () => tag(UNKNOWN_NUMBER, GROUP_END),
    );
    return concat([...starts, encode(field), ...ends]);
  },
];

function encode({ number, wireType, content }: WireField): Uint8Array {
  const length = wireType === DELIMITED ? varint(content.length) : [];
  return concat([tag(number, wireType), Uint8Array.from(length), content]);
}

function tag(number: number, wireType: number): Uint8Array {
  return varint(number * 8 + wireType);
}

/** @param value An integer from 0 to 2^64 that a number holds. */
function varint(value: number): Uint8Array {
  const bytes = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) {
    bytes.push(value % 0x80 | 0x80);
  }
  return Uint8Array.from([...bytes, value]);
}

/** @returns null if the bytes are no message. */
function readFields(bytes: Uint8Array): WireField[] | null {
  const fields: WireField[] = [];
  const reader = protobuf.Reader.create(bytes);
  try {
    while (reader.pos < bytes.length) {
      const head = reader.uint32();
      const wireType = head & 7;
      if (![VARINT, FIXED64, DELIMITED, FIXED32].includes(wireType)) {
        return null;
      }
      if (head >>> 3 === 0) return null;
      let content;
      if (wireType === DELIMITED) {
        content = reader.bytes();
      } else {
        const from = reader.pos;
        reader.skipType(wireType);
        content = bytes.subarray(from, reader.pos);
      }
      fields.push({
        number: head >>> 3,
        wireType,
        content,
        fields: wireType === DELIMITED && content.length > 1
          ? readFields(content)
          : null,
      });
    }
    return fields;
  } catch {
    return null;
  }
}
