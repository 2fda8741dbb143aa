import { InvalidInputError } from "../errors.ts";
import type { ObjectReader } from "../json_reader.ts";

/** Longest name of an owner, UTF-8 bytes: it stands in messages. */
const OWNER_BYTES_MAX = 1_024;
// deno-lint-ignore no-control-regex -- they are what is refused
const CONTROL = /[\x00-\x1f\x7f]/;

/** Reads the name of an executor that owns a process; "" = nobody. */
export function readOwner(reader: ObjectReader, key: string): string {
  const owner = reader.string(key);
  const rule = ruleThatBreaks(owner);
  if (rule !== null) reader.addProblem(key, rule);
  return owner;
}

/**
 * Reads the name of an owner out of a path.
 *
 * @throws {InvalidInputError}
 */
export function parseOwner(text: string): string {
  const rule = text === "" ? "must not be empty" : ruleThatBreaks(text);
  if (rule === null) return text;
  throw new InvalidInputError("request", [{ field: "owner", rule }]);
}

function ruleThatBreaks(owner: string): string | null {
  const { length } = new TextEncoder().encode(owner);
  if (length > OWNER_BYTES_MAX) {
    return `must have at most ${OWNER_BYTES_MAX} bytes: ` +
      `current value has ${length}`;
  }
  return CONTROL.test(owner) ? "must not hold a control character" : null;
}
