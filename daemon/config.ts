import { InvalidInputError, type Problem } from "../shared/errors.ts";
import { ObjectReader } from "../shared/json_reader.ts";
import { SOCKET_PATH_DEFAULT } from "../shared/manager_api/routes.ts";
import type { GroupPolicy } from "./ports.ts";
import { parseArgs } from "../shared/std/parse_args.ts";

/** How the daemon is set up. Every path is absolute. */
export interface DaemonConfig {
  /** Database, run folders and cached packages. */
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
  /** How limits are enforced; null = not at all. */
  readonly groups: GroupPolicy | null;
  readonly users: UserPolicy;
  readonly logs: LogPolicy;
  readonly packages: PackagePolicy;
  /** Time until a process is an orphan unless its owner is heard of. */
  readonly heartbeatTimeoutMs: number;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

/** Who processes may run as. */
export interface UserPolicy {
  /** Who a process without a user runs as; "" = who the daemon is. */
  readonly fallback: string;
  /** Names and uids that are allowed; empty = every one. */
  readonly allowed: readonly string[];
}

/** How much is kept of what a process writes, for each of its streams. */
export interface LogPolicy {
  readonly fileBytes: number;
  /** Files, the one that is written to included. */
  readonly files: number;
}

/** Bounds of packages. */
export interface PackagePolicy {
  /** Size of the cache; what is in use may exceed it. */
  readonly cacheBytes: number;
  /** How long a package is kept that nobody uses. */
  readonly cacheMs: number;
  /** Largest package, as it is downloaded. */
  readonly packageBytes: number;
  /** Largest package, unpacked. */
  readonly unpackedBytes: number;
  /** Who unpacks; matters to a daemon that is root only. */
  readonly unpacker: string;
}

const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
const LOG_FORMATS = ["json", "text"] as const;

/** The least important lines that are written. */
export type LogLevel = typeof LOG_LEVELS[number];
/** How lines are written. */
export type LogFormat = typeof LOG_FORMATS[number];

/** What the command line asks for beside running. */
export type CommandLine =
  | { readonly action: "help" }
  | { readonly action: "run"; readonly config: DaemonConfig };

/** Keys of the file (the original's first); as flags they have - instead of _. */
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
  /** "" = none, and no limits. */
  cgroup: "bcs-process",
  limits: "warn",
  default_user: "",
  /** Separated by commas. */
  allowed_users: "",
  log_file_mib: "64",
  log_files: "5",
  package_cache_mib: "10240",
  package_cache_days: "30",
  package_mib: "4096",
  package_unpacked_mib: "16384",
  package_user: "nobody",
  heartbeat_timeout: "600",
  log_level: "info",
  log_format: "json",
} as const;

type Key = keyof typeof DEFAULTS;
type ListKey = "file_dirs" | "allowed_users";
type PathKey =
  | "data_dir"
  | "workspace_dir"
  | "log_dir"
  | "pid_dir"
  | "unix_socket"
  | "launcher";
type NumberKey =
  | "log_file_mib"
  | "log_files"
  | "package_cache_mib"
  | "package_cache_days"
  | "package_mib"
  | "package_unpacked_mib"
  | "heartbeat_timeout";

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
/** Largest number of the file: a year in seconds, 30 TiB. */
const NUMBER_MAX = 31_536_000;

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
  --cgroup NAME           cgroup         control group for all processes with
                                         limits: ${DEFAULTS.cgroup}; "" = none
  --limits WHEN           limits         ${DEFAULTS.limits}: start a process all the same
                                         where they cannot be enforced, and say
                                         so; require: refuse it; off: enforce none
  --log-file-mib N        log_file_mib   size of a file of a process's output, MiB:
                                         ${DEFAULTS.log_file_mib}
  --log-files N           log_files      files for each of its two streams: ${DEFAULTS.log_files}
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
  const flagOf = (key: Key): Text | null => {
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
  const readList = (key: ListKey): Text[] => {
    const flag = flagOf(key);
    const values = flag === null && Array.isArray(file.raw(key))
      ? file.strings(key) ?? []
      : (flag?.value ?? file.string(key)).split(",");
    return values.filter((value) => value !== "")
      .map((value) => ({ field: flag?.field ?? key, value }));
  };
  const readNumber = (key: NumberKey): number => {
    const text = flagOf(key) ?? {
      field: key,
      value: String(file.raw(key) ?? DEFAULTS[key]),
    };
    const number = Number(text.value);
    if (!/^\d{1,9}$/.test(text.value) || number < 1 || number > NUMBER_MAX) {
      problems.push({
        field: text.field,
        rule: `must be a whole number from 1 to ${NUMBER_MAX}: ` +
          `current value is ${JSON.stringify(text.value.slice(0, 60))}`,
      });
    }
    return number;
  };
  const readOneOf = <T extends string>(key: Key, allowed: readonly T[]): T => {
    const text = readText(key);
    const found = allowed.find((each) => each === text.value);
    if (found !== undefined) return found;
    problems.push({
      field: text.field,
      rule: `must be one of ${allowed.join(", ")}: current value is ` +
        JSON.stringify(text.value),
    });
    return DEFAULTS[key] as T;
  };
  const readUser = (key: "default_user" | "package_user"): string =>
    checkUser(readText(key), problems);
  const readText = (key: Key) =>
    flagOf(key) ??
      { field: key, value: file.string(key, { default: DEFAULTS[key] }) };
  const workspaceDir = read("workspace_dir");
  const fileDirs = readList("file_dirs")
    .map(({ field, value }) => readPath(field, value, problems));
  const config: DaemonConfig = Object.freeze({
    dataDir: read("data_dir"),
    workspaceDir,
    logDir: read("log_dir"),
    pidDir: read("pid_dir"),
    unixSocket: read("unix_socket"),
    launcher: read("launcher"),
    groups: toGroupPolicy(readText("cgroup"), readText("limits"), problems),
    fileDirs: fileDirs.length === 0 ? [workspaceDir] : fileDirs,
    users: {
      fallback: readUser("default_user"),
      allowed: readList("allowed_users")
        .map((text) => checkUser(text, problems)),
    },
    logs: {
      fileBytes: readNumber("log_file_mib") * MIB,
      files: readNumber("log_files"),
    },
    packages: {
      cacheBytes: readNumber("package_cache_mib") * MIB,
      cacheMs: readNumber("package_cache_days") * DAY_MS,
      packageBytes: readNumber("package_mib") * MIB,
      unpackedBytes: readNumber("package_unpacked_mib") * MIB,
      unpacker: readUser("package_user"),
    },
    heartbeatTimeoutMs: readNumber("heartbeat_timeout") * 1000,
    logLevel: readOneOf("log_level", LOG_LEVELS),
    logFormat: readOneOf("log_format", LOG_FORMATS),
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

/** A value, and where it stands. */
interface Text {
  readonly field: string;
  readonly value: string;
}

function toGroupPolicy(
  parent: Text,
  when: Text,
  problems: Problem[],
): GroupPolicy | null {
  if (!/^([\w-][\w.-]*(\/[\w-][\w.-]*)*)?$/.test(parent.value)) {
    problems.push({
      field: parent.field,
      rule: "must be names of letters, digits, _, . and -, with / between " +
        `them: current value is ${JSON.stringify(parent.value)}`,
    });
  }
  if (!["require", "warn", "off"].includes(when.value)) {
    problems.push({
      field: when.field,
      rule: "must be one of require, warn, off: current value is " +
        JSON.stringify(when.value),
    });
  }
  if (when.value === "require" && parent.value === "") {
    problems.push({
      field: parent.field,
      rule: "must not be empty when limits are required",
    });
  }
  return when.value === "off" || parent.value === ""
    ? null
    : { parent: parent.value, isRequired: when.value === "require" };
}

function checkUser({ field, value }: Text, problems: Problem[]): string {
  // deno-lint-ignore no-control-regex -- they are what is refused
  if (value.startsWith("-") || /[\x00-\x20\x7f]/.test(value)) {
    problems.push({
      field,
      rule: "must be a user name or uid: current value is " +
        JSON.stringify(value.slice(0, 60)),
    });
  }
  return value;
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
