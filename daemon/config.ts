import { InvalidInputError, type Problem } from "../shared/errors.ts";
import { ObjectReader } from "../shared/json_reader.ts";
import { SOCKET_PATH_DEFAULT } from "../shared/manager_api/routes.ts";
import { parseArgs } from "../shared/std/parse_args.ts";

/** How the daemon is set up. Every path is absolute. */
export interface DaemonConfig {
  /** Database and run folders. */
  readonly dataDir: string;
  /** Holds what `${work_base_dir}` and `${run_base_dir}` stand for. */
  readonly workspaceDir: string;
  /** stdout and stderr of the processes. */
  readonly logDir: string;
  /** Holds the daemon's own pid file. */
  readonly pidDir: string;
  /** Where the Manager API listens. */
  readonly unixSocket: string;
  /** launcher.sh */
  readonly launcher: string;
}

/** What the command line asks for beside running. */
export type CommandLine =
  | { readonly action: "help" }
  | { readonly action: "run"; readonly config: DaemonConfig };

/** Keys of the file (the original's); as flags they have - instead of _. */
const KEYS = {
  data_dir: ["dataDir", "/var/lib/bcs-process"],
  workspace_dir: ["workspaceDir", "/var/lib/bcs-process/workspace"],
  log_dir: ["logDir", "/var/log/bcs-process"],
  pid_dir: ["pidDir", "/var/run/bcs-process"],
  unix_socket: ["unixSocket", SOCKET_PATH_DEFAULT],
  launcher: ["launcher", ""],
} as const satisfies Record<string, readonly [keyof DaemonConfig, string]>;

/** What `--help` prints. */
export const USAGE = `Usage: daemon/main.ts [-f FILE] [flags]

  -f, --config FILE       JSON object with any of the keys below
  --data-dir DIR          data_dir       ${KEYS.data_dir[1]}
  --workspace-dir DIR     workspace_dir  ${KEYS.workspace_dir[1]}
  --log-dir DIR           log_dir        ${KEYS.log_dir[1]}
  --pid-dir DIR           pid_dir        ${KEYS.pid_dir[1]}
  --unix-socket PATH      unix_socket    ${KEYS.unix_socket[1]}
  --launcher PATH         launcher       launcher.sh beside the program
  -h, --help              this text

Flags override the file, the file overrides the defaults.`;

/** Longest path of a unix socket (sockaddr_un, with its ending NUL). */
const SOCKET_PATH_BYTES_MAX = 107;

/**
 * Reads the configuration.
 *
 * @param args The command line.
 * @param readFile Reads the configuration file.
 * @param launcher Default of `launcher`.
 * @throws {InvalidInputError} With every problem of file and flags.
 */
export function readConfig(
  args: readonly string[],
  readFile: (path: string) => string,
  launcher: string,
): CommandLine {
  const problems: Problem[] = [];
  const flagNames = Object.keys(KEYS).map((key) => key.replaceAll("_", "-"));
  const flags = parseArgs(args, {
    string: ["config", ...flagNames],
    boolean: ["help"],
    alias: { f: "config", h: "help" },
    unknown: (argument: string) => {
      problems.push({ field: argument, rule: "is no flag: see --help" });
      return false;
    },
  });
  if (flags["help"] === true) return { action: "help" };
  const file = typeof flags["config"] === "string"
    ? readConfigFile(flags["config"], readFile, problems)
    : new ObjectReader({});
  const values: Record<string, string> = {};
  for (const [key, [name, preset]] of Object.entries(KEYS)) {
    const flag = flags[key.replaceAll("_", "-")];
    const value = typeof flag === "string"
      ? flag
      : file.string(key, { default: preset || launcher });
    const field = typeof flag === "string"
      ? `--${key.replaceAll("_", "-")}`
      : key;
    checkPath(field, value, problems);
    values[name] = value.length > 1 ? value.replace(/\/+$/, "") : value;
  }
  problems.push(...file.problems);
  const config = Object.freeze(values) as unknown as DaemonConfig;
  const socketBytes = new TextEncoder().encode(config.unixSocket).length;
  if (socketBytes > SOCKET_PATH_BYTES_MAX) {
    problems.push({
      field: "unix_socket",
      rule: `must have at most ${SOCKET_PATH_BYTES_MAX} bytes: ` +
        `current value has ${socketBytes}`,
    });
  }
  if (problems.length > 0) {
    throw new InvalidInputError("configuration", problems);
  }
  return { action: "run", config };
}

function readConfigFile(
  path: string,
  readFile: (path: string) => string,
  problems: Problem[],
): ObjectReader {
  let document: unknown = {};
  try {
    document = JSON.parse(readFile(path));
  } catch (error) {
    problems.push({
      field: path,
      rule: `must be a readable JSON file: ${
        error instanceof Error ? error.message : error
      }`,
    });
  }
  if (typeof document === "object" && document !== null) {
    for (const key of Object.keys(document)) {
      if (!(key in KEYS)) {
        problems.push({
          field: `${path}: ${key}`,
          rule: `is no key: known are ${Object.keys(KEYS).join(", ")}`,
        });
      }
    }
  }
  return new ObjectReader(document);
}

function checkPath(field: string, path: string, problems: Problem[]): void {
  // deno-lint-ignore no-control-regex -- they are what is refused
  if (path.startsWith("/") && !/[\x00-\x1f\x7f]/.test(path)) return;
  problems.push({
    field,
    rule: "must be an absolute path without control characters: " +
      `current value is ${JSON.stringify(path)}`,
  });
}
