import type { Random } from "../support/random.ts";

/** Values of the wrong type, or at the end of what is allowed, as JSON. */
const VALUES = [
  "null",
  "true",
  "0",
  "-0",
  "-1",
  "0.5",
  "1e400",
  "-1e-400",
  "9007199254740993",
  "18446744073709551616",
  "-9223372036854775809",
  "1".repeat(400),
  '""',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u0000"',
  '"TASK_RUNNING"',
  '"-1"',
  '"AP+A"',
  '"AP+"',
  "[]",
  "[null]",
  "{}",
  '{"__proto__":{"value":"x"}}',
  '{"toString":1}',
  '{"value":"x","value":"y"}',
];
/** Names that objects have by themselves, or that differ by case alone. */
const KEYS = ["__proto__", "constructor", "toString", "", "VALUE", "\ud800"];
/** Around what the stack of a recursive reader holds. */
const DEPTHS = [2, 3, 5, 10, 20, 100, 5_000];

type Mutation = (text: string, random: Random) => string;

/** What may become of the value at one place. */
const MUTATIONS: readonly Mutation[] = [
  (_, random) => random.pick(VALUES),
  (text) => `[${text}]`,
  (text) => `[${text},${text}]`,
  (text, random) => {
    const depth = random.pick(DEPTHS);
    return "[".repeat(depth) + text + "]".repeat(depth);
  },
  (text, random) => {
    const depth = random.pick(DEPTHS);
    return '{"value":'.repeat(depth) + text + "}".repeat(depth);
  },
  (text) => JSON.stringify(text),
];

/**
 * Writes a value as JSON, with one or two places made wrong: other types,
 * other keys, keys twice or not at all, numbers beyond every limit, depth.
 */
export function mutateJson(value: unknown, random: Random): string {
  const places = countPlaces(value);
  const wrong = new Set([random.below(places)]);
  if (random.chance(0.3)) wrong.add(random.below(places));
  return new Writer(wrong, random).write(value);
}

function countPlaces(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce(
    (sum: number, member) => sum + countPlaces(member),
    1,
  );
}

class Writer {
  #place = 0;

  constructor(
    private readonly wrong: ReadonlySet<number>,
    private readonly random: Random,
  ) {}

  write(value: unknown): string {
    const isWrong = this.wrong.has(this.#place++);
    const text = Array.isArray(value)
      ? `[${value.map((item) => this.write(item)).join()}]`
      : typeof value === "object" && value !== null
      ? `{${this.#writeMembers(value, isWrong)}}`
      : JSON.stringify(value);
    const isObject = text.startsWith("{");
    return isWrong && !(isObject && this.random.chance(0.5))
      ? this.random.pick(MUTATIONS)(text, this.random)
      : text;
  }

  #writeMembers(value: object, isWrong: boolean): string {
    const members = Object.entries(value).map(([key, member]) =>
      [key, this.write(member)] as const
    );
    const chosen = members[this.random.below(members.length)];
    if (isWrong && chosen !== undefined) {
      const [key, text] = chosen;
      const at = members.indexOf(chosen);
      switch (this.random.below(4)) {
        case 0:
          members.splice(at, 1);
          break;
        case 1:
          members[at] = [this.random.pick(KEYS), text];
          break;
        case 2:
          members.push([key, this.random.pick(VALUES)]);
          break;
        case 3:
          members[at] = [key.toUpperCase(), text];
      }
    }
    return members.map(([key, text]) => `${JSON.stringify(key)}:${text}`)
      .join();
  }
}
