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
  /** Folders below which files of processes may be written; at least one. */
  readonly fileDirs: readonly string[];
}

/** What the command line asks for beside running. */
export type CommandLine =
  | { readonly action: "help" }
  | { readonly action: "run"; readonly config: DaemonConfig };

/** Keys of the file (the original's); as flags they have - instead of _. */
const DEFAULTS = {
  data_dir: "/var/lib/bcs-process",
  workspace_dir: "/var/lib/bcs-process/workspace",
  log_dir: "/var/log/bcs-process",
  pid_dir: "/var/run/bcs-process",
  unix_socket: SOCKET_PATH_DEFAULT,
  /** Stands beside the program, wherever that is. */
  launcher: "",
  /** Separated by commas; the workspace folder alone. */
  file_dirs: "",
} as const;

type Key = keyof typeof DEFAULTS;
type PathKey = Exclude<Key, "file_dirs">;

/** What `--help` prints. */
export const USAGE = `Usage: daemon/main.ts [-f FILE] [flags]

  -f, --config FILE       JSON object with any of the keys below
  --data-dir DIR          data_dir       ${DEFAULTS.data_dir}
  --workspace-dir DIR     workspace_dir  ${DEFAULTS.workspace_dir}
  --log-dir DIR           log_dir        ${DEFAULTS.log_dir}
  --pid-dir DIR           pid_dir        ${DEFAULTS.pid_dir}
  --unix-socket PATH      unix_socket    ${DEFAULTS.unix_socket}
  --launcher PATH         launcher       launcher.sh beside the program
  --file-dirs DIR,…       file_dirs      where processes' files may be written:
                                         the workspace folder
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
  const flagNames = Object.keys(DEFAULTS).map((key) =>
    key.replaceAll("_", "-")
  );
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
  const flagOf = (key: Key): { field: string; value: string } | null => {
    const name = key.replaceAll("_", "-");
    const value = flags[name];
    return typeof value === "string" ? { field: `--${name}`, value } : null;
  };
  const read = (key: PathKey): string => {
    const { field, value } = flagOf(key) ?? {
      field: key,
      value: file.string(key, { default: DEFAULTS[key] || launcher }),
    };
    return readPath(field, value, problems);
  };
  const readList = (key: "file_dirs"): string[] => {
    const flag = flagOf(key);
    const values = flag === null && Array.isArray(file.raw(key))
      ? file.strings(key) ?? []
      : (flag?.value ?? file.string(key)).split(",");
    return values.filter((dir) => dir !== "")
      .map((dir) => readPath(flag?.field ?? key, dir, problems));
  };
  const workspaceDir = read("workspace_dir");
  const fileDirs = readList("file_dirs");
  const config: DaemonConfig = Object.freeze({
    dataDir: read("data_dir"),
    workspaceDir,
    logDir: read("log_dir"),
    pidDir: read("pid_dir"),
    unixSocket: read("unix_socket"),
    launcher: read("launcher"),
    fileDirs: fileDirs.length === 0 ? [workspaceDir] : fileDirs,
  });
  problems.push(...file.problems);
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
      if (!(key in DEFAULTS)) {
        problems.push({
          field: `${path}: ${key}`,
          rule: `is no key: known are ${Object.keys(DEFAULTS).join(", ")}`,
        });
      }
    }
  }
  return new ObjectReader(document);
}

function readPath(field: string, path: string, problems: Problem[]): string {
  // deno-lint-ignore no-control-regex -- they are what is refused
  if (!path.startsWith("/") || /[\x00-\x1f\x7f]/.test(path)) {
    problems.push({
      field,
      rule: "must be an absolute path without control characters: " +
        `current value is ${JSON.stringify(path)}`,
    });
  }
  return path.length > 1 ? path.replace(/\/+$/, "") : path;
}
