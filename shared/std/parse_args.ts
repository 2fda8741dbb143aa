import { parseArgs as untyped } from "@std/cli/parse-args";

/** Which flags a program has. */
export interface ParseOptions {
  /** Flags that take a text. */
  readonly string?: readonly string[];
  readonly boolean?: readonly string[];
  /** Flags that may be given several times: their values are lists. */
  readonly collect?: readonly string[];
  /** Whether all after the first word that is no flag is left as it is. */
  readonly stopEarly?: boolean;
  /** Short names and what they stand for. */
  readonly alias?: Readonly<Record<string, string>>;
  /** Told of an argument that is none of these; false leaves it out. */
  readonly unknown?: (argument: string, key?: string) => boolean;
}

/** Flags by name, and in `_` what is no flag. */
export type ParsedArgs = Readonly<Record<string, unknown>> & {
  readonly _: readonly (string | number)[];
};

/** Parses a command line: the standard library's, with types. */
export const parseArgs: (
  args: readonly string[],
  options: ParseOptions,
) => ParsedArgs = untyped;
