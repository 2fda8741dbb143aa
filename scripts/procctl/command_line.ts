import { SOCKET_PATH_DEFAULT } from "../../shared/manager_api/routes.ts";
import { parseArgs } from "../../shared/std/parse_args.ts";
import { type Command, type Flag, UsageError, type Words } from "./command.ts";
import { COMMANDS } from "./commands.ts";

/** What the command line asks for. */
export type CommandLine =
  | { readonly action: "help"; readonly text: string }
  | {
    readonly action: "run";
    readonly command: Command;
    readonly words: Words;
    readonly socket: string;
  };

const SOCKET: Flag = {
  name: "socket",
  value: "PATH",
  help: `the daemon's socket [${SOCKET_PATH_DEFAULT}]`,
};
const HELP: Flag = { name: "help", letter: "h", help: "this text" };
const GLOBAL = [SOCKET, HELP];

const EXIT_CODES = [
  "Exit codes: 0 done, 1 refused or failed, 2 usage, 3 the daemon cannot be",
  "reached; after exec the command's own.",
];

/**
 * Reads a command line.
 *
 * @throws {UsageError}
 */
export function readCommandLine(args: readonly string[]): CommandLine {
  // What stands after -- is for nobody here; what stands before the command is
  // procctl's, the rest is the command's.
  const dashes = args.indexOf("--");
  const own = dashes === -1 ? args : args.slice(0, dashes);
  const outer = parse(own, GLOBAL, true);
  const [first, ...rest] = outer.words;
  const isHelp = first === "help";
  const name = isHelp ? rest[0] : first;
  if (name === undefined) {
    if (isHelp || outer.has("help")) return { action: "help", text: USAGE };
    throw new UsageError("a command is missing");
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    throw new UsageError(`there is no command "${name}"`);
  }
  const words = parse(
    isHelp ? [] : [...rest, ...args.slice(own.length)],
    [...GLOBAL, ...command.flags ?? []],
  );
  if (isHelp || outer.has("help") || words.has("help")) {
    return { action: "help", text: describe(name, command) };
  }
  const [min, max] = command.words;
  if (words.words.length < min || words.words.length > max) {
    throw new UsageError(`${name} takes: ${command.usage || "nothing"}`);
  }
  const socket = words.get("socket") ?? outer.get("socket") ??
    SOCKET_PATH_DEFAULT;
  return { action: "run", command, words, socket };
}

function parse(
  args: readonly string[],
  flags: readonly Flag[],
  stopEarly = false,
): Words {
  const withValue = flags.filter(({ value }) => value !== undefined);
  const flagNames = withValue.map(({ name }) => name);
  const found = parseArgs(args, {
    string: [...flagNames, "_"],
    boolean: flags.filter(({ value }) => value === undefined)
      .map(({ name }) => name),
    collect: flagNames,
    alias: Object.fromEntries(
      flags.flatMap(({ name, letter }) => letter ? [[letter, name]] : []),
    ),
    stopEarly,
    unknown(argument, key) {
      if (key === undefined) return true;
      throw new UsageError(`there is no flag ${argument}`);
    },
  });
  const all = (name: string) =>
    ((found[name] ?? []) as readonly unknown[]).map(String);
  return {
    words: found._.map(String),
    has: (name) => found[name] === true,
    get: (name) => all(name).at(-1),
    all,
  };
}

const USAGE = [
  "Usage: procctl [--socket PATH] COMMAND",
  "",
  ...Object.entries(COMMANDS).map(([name, { usage, summary }]) =>
    `  ${`${name} ${usage}`.padEnd(26)} ${summary}`
  ),
  "",
  ...describeFlags(GLOBAL),
  "",
  "procctl help COMMAND tells more of one.",
  ...EXIT_CODES,
].join("\n");

function describe(name: string, command: Command): string {
  const { usage, summary, details, flags = [] } = command;
  return [
    `Usage: procctl ${name} ${flags.length > 0 ? "[flags] " : ""}${usage}`
      .trimEnd(),
    "",
    `${summary[0]?.toUpperCase()}${summary.slice(1)}.`,
    ...(details === undefined ? [] : [details]),
    "",
    ...describeFlags([...flags, ...GLOBAL]),
    "",
    ...EXIT_CODES,
  ].join("\n");
}

function describeFlags(flags: readonly Flag[]): string[] {
  return flags.map(({ name, letter, value, help }) => {
    const short = letter === undefined ? "    " : `-${letter}, `;
    const long = `--${name}${value === undefined ? "" : ` ${value}`}`;
    return `  ${`${short}${long}`.padEnd(26)} ${help}`;
  });
}
