import { InvalidInputError, type Problem } from "./errors.ts";

/** What a text member may look like. */
export interface StringRule {
  /** Value when the key is absent or null. @default {""} */
  readonly default?: string;
  /** Whether an absent or empty value is a problem. @default {false} */
  readonly required?: boolean;
  /** Whether problems must not show the value. @default {false} */
  readonly secret?: boolean;
}

/** What a numeric member may look like. */
export interface NumberRule {
  /** Value when the key is absent or null. @default {0} */
  readonly default?: number;
  /** Least value allowed. */
  readonly min?: number;
  /** Greatest value allowed. */
  readonly max?: number;
}

/** Longest piece of an input value that a problem shows, in characters. */
const SHOWN_LENGTH_MAX = 60;

/**
 * Reads typed members out of an untrusted JSON object. A broken rule is
 * remembered and a harmless value returned, so that one pass finds every
 * problem; call {@linkcode ObjectReader.throwProblems} at the end.
 *
 * Keys match as in Go's encoding/json: without regard to letter case, unknown
 * ones are ignored, `null` is the same as absent, and of several spellings of
 * one key the last wins.
 */
export class ObjectReader {
  readonly #members: ReadonlyMap<string, unknown>;
  readonly #problems: Problem[];

  /**
   * @param value What should be an object; anything else is a problem.
   * @param path Path of `value`, put in front of member names; "" at the top.
   * @param problems List to add to: shared by the readers of one document.
   */
  constructor(
    value: unknown,
    readonly path: string = "",
    problems: Problem[] = [],
  ) {
    this.#problems = problems;
    const members = new Map<string, unknown>();
    if (isObject(value)) {
      for (const [key, member] of Object.entries(value)) {
        if (member !== null) members.set(key.toLowerCase(), member);
      }
    } else {
      problems.push({
        field: path === "" ? "(document)" : path,
        rule: mustBeKind("an object", value),
      });
    }
    this.#members = members;
  }

  /** Every problem found so far in this document, in reading order. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** Whether the member is there and not null. */
  has(key: string): boolean {
    return this.#members.has(key.toLowerCase());
  }

  /** The member as it is; undefined when absent or null. */
  raw(key: string): unknown {
    return this.#members.get(key.toLowerCase());
  }

  /** The member's full path, such as `Uris[0].Value`. */
  pathOf(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  /** Remembers a problem of the member; `rule` must not show a secret. */
  addProblem(key: string, rule: string): void {
    this.#problems.push({ field: this.pathOf(key), rule });
  }

  /** A text member. */
  string(key: string, rule: StringRule = {}): string {
    const value = this.raw(key);
    if (value !== undefined && typeof value !== "string") {
      this.addProblem(key, mustBe("a string", value, rule.secret));
      return rule.default ?? "";
    }
    if (rule.required && !value) this.addProblem(key, "must not be empty");
    return value ?? rule.default ?? "";
  }

  /** A text member that must be one of `allowed`; `fallback` when absent. */
  oneOf<T extends string>(key: string, allowed: readonly T[], fallback: T): T {
    const value = this.raw(key) ?? fallback;
    const found = allowed.find((choice) => choice === value);
    if (found === undefined) {
      this.addProblem(key, mustBe(`one of ${allowed.join(", ")}`, value));
    }
    return found ?? fallback;
  }

  /** A number without a fraction that a JavaScript number holds exactly. */
  integer(key: string, rule: NumberRule = {}): number {
    return this.#number(key, rule, "an integer", Number.isSafeInteger);
  }

  /** A finite number. */
  number(key: string, rule: NumberRule = {}): number {
    return this.#number(key, rule, "a number", Number.isFinite);
  }

  /** A truth value. */
  boolean(key: string, fallback = false): boolean {
    const value = this.raw(key) ?? fallback;
    if (typeof value === "boolean") return value;
    this.addProblem(key, mustBe("true or false", value));
    return fallback;
  }

  /** A reader of the member; undefined when absent or no object. */
  object(key: string): ObjectReader | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    const reader = new ObjectReader(value, this.pathOf(key), this.#problems);
    return isObject(value) ? reader : undefined;
  }

  /** One reader per item; undefined when absent or no array. */
  objects(key: string): ObjectReader[] | undefined {
    return this.#array(key)?.map((item, index) =>
      new ObjectReader(item, `${this.pathOf(key)}[${index}]`, this.#problems)
    );
  }

  /** A list of texts; undefined when absent or no array. */
  strings(
    key: string,
    rule: Pick<StringRule, "secret"> = {},
  ): string[] | undefined {
    return this.#array(key)?.map((item, index) => {
      if (typeof item === "string") return item;
      this.addProblem(
        `${key}[${index}]`,
        mustBe("a string", item, rule.secret),
      );
      return "";
    });
  }

  /**
   * Ends the reading.
   *
   * @param subject What was read, such as `process definition`.
   * @throws {InvalidInputError} With every problem, if there is one.
   */
  throwProblems(subject: string): void {
    if (this.#problems.length > 0) {
      throw new InvalidInputError(subject, [...this.#problems]);
    }
  }

  #array(key: string): unknown[] | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    if (Array.isArray(value)) return value;
    this.addProblem(key, mustBeKind("an array", value));
    return undefined;
  }

  #number(
    key: string,
    { min = -Infinity, max = Infinity, default: fallback = 0 }: NumberRule,
    kind: string,
    isOfKind: (value: unknown) => boolean,
  ): number {
    const value = this.raw(key);
    if (value === undefined) return fallback;
    if (typeof value !== "number" || !isOfKind(value)) {
      this.addProblem(key, mustBe(kind, value));
      return fallback;
    }
    if (value < min) this.addProblem(key, mustBe(`at least ${min}`, value));
    if (value > max) this.addProblem(key, mustBe(`at most ${max}`, value));
    return value;
  }
}

/**
 * Words the rule that a value breaks, together with the value.
 *
 * @param expected What it should be, such as `an integer`.
 * @param value The offending value: long texts are cut, containers only named.
 * @param secret Whether to leave the value out.
 */
export function mustBe(
  expected: string,
  value: unknown,
  secret = false,
): string {
  const rule = `must be ${expected}`;
  return secret ? rule : `${rule}: current value is ${show(value)}`;
}

/** For containers: a misplaced value may be one of the secrets in them. */
function mustBeKind(expected: string, value: unknown): string {
  return `must be ${expected}: current value is ${nameKind(value)}`;
}

function show(value: unknown): string {
  if (typeof value === "object" && value !== null) return nameKind(value);
  const text = JSON.stringify(value) ?? "undefined";
  return text.length > SHOWN_LENGTH_MAX
    ? `${text.slice(0, SHOWN_LENGTH_MAX)}…`
    : text;
}

function nameKind(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  return `a ${typeof value}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
