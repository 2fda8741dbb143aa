import {
  InvalidInputError,
  messageOf,
  type Problem,
} from "../shared/errors.ts";
import { parseArgs } from "../shared/std/parse_args.ts";
import {
  CONFIG_KEYS,
  type ConfigKey,
  describeKeys,
  flagOf,
  type LogFormat,
  type LogLevel,
  type Settings,
} from "./config_keys.ts";
import type { GroupPolicy } from "./ports.ts";

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

/** What the command line asks for. */
export type CommandLine =
  | { readonly action: "help" }
  /** To print what would be in force, as a file that says the same. */
  | { readonly action: "check"; readonly settings: Settings }
  | { readonly action: "run"; readonly config: DaemonConfig };

/** What `--help` prints. */
export const USAGE = [
  "Usage: daemon/main.ts [-f FILE] [flags]",
  "",
  "  -f, --config FILE          JSON object with the same keys, with _ for -",
  "  --check-config             print what would be in force, and end",
  "  -h, --help                 this text",
  "",
  ...describeKeys(),
  "",
  "Flags override the file, the file overrides the defaults, in [].",
].join("\n");

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
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
  const flags = parseArgs(args, {
    string: ["config", ...Object.keys(CONFIG_KEYS).map(flagOf)],
    boolean: ["help", "check-config"],
    alias: { f: "config", h: "help" },
    unknown: (argument: string) => {
      problems.push({ field: argument, rule: "is no flag: see --help" });
      return false;
    },
  });
  if (flags["help"] === true) return { action: "help" };
  const path = flags["config"];
  const file = typeof path === "string"
    ? readConfigFile(path, readFile, problems)
    : {};
  const settings = readSettings(flags, file, problems);
  settings.launcher ||= launcher;
  if (settings.file_dirs.length === 0) {
    settings.file_dirs = [settings.workspace_dir];
  }
  checkTogether(settings, problems);
  if (problems.length > 0) {
    throw new InvalidInputError("configuration", problems);
  }
  return flags["check-config"] === true
    ? { action: "check", settings }
    : { action: "run", config: Object.freeze(toConfig(settings)) };
}

function readSettings(
  flags: Readonly<Record<string, unknown>>,
  file: Readonly<Record<string, unknown>>,
  problems: Problem[],
): Settings {
  const read = (name: string, key: ConfigKey<unknown>): unknown => {
    const flag = flags[flagOf(name)];
    if (typeof flag === "string") {
      return key.read(flag, `--${flagOf(name)}`, problems);
    }
    const value = file[name] ?? null;
    return value === null ? key.default : key.read(value, name, problems);
  };
  // The table's types prove that each key's reader gives its own type.
  return Object.fromEntries(
    Object.entries(CONFIG_KEYS).map(([name, key]) => [name, read(name, key)]),
  ) as Settings;
}

function checkTogether(settings: Settings, problems: Problem[]): void {
  const { unix_socket, limits, cgroup } = settings;
  const socketBytes = new TextEncoder().encode(unix_socket).length;
  if (socketBytes > SOCKET_PATH_BYTES_MAX) {
    problems.push({
      field: "unix_socket",
      rule: `must have at most ${SOCKET_PATH_BYTES_MAX} bytes: ` +
        `current value has ${socketBytes}`,
    });
  }
  if (limits === "require" && cgroup === "") {
    problems.push({
      field: "cgroup",
      rule: "must not be empty when limits are required",
    });
  }
}

function toConfig(settings: Settings): DaemonConfig {
  const { limits, cgroup } = settings;
  return {
    dataDir: settings.data_dir,
    workspaceDir: settings.workspace_dir,
    logDir: settings.log_dir,
    pidDir: settings.pid_dir,
    unixSocket: settings.unix_socket,
    launcher: settings.launcher,
    fileDirs: settings.file_dirs,
    groups: limits === "off" || cgroup === ""
      ? null
      : { parent: cgroup, isRequired: limits === "require" },
    users: {
      fallback: settings.default_user,
      allowed: settings.allowed_users,
    },
    logs: {
      fileBytes: settings.log_file_mib * MIB,
      files: settings.log_files,
    },
    packages: {
      cacheBytes: settings.package_cache_mib * MIB,
      cacheMs: settings.package_cache_days * DAY_MS,
      packageBytes: settings.package_mib * MIB,
      unpackedBytes: settings.package_unpacked_mib * MIB,
      unpacker: settings.package_user,
    },
    heartbeatTimeoutMs: settings.heartbeat_timeout * 1000,
    logLevel: settings.log_level,
    logFormat: settings.log_format,
  };
}

function readConfigFile(
  path: string,
  readFile: (path: string) => string,
  problems: Problem[],
): Readonly<Record<string, unknown>> {
  let document: unknown;
  try {
    document = JSON.parse(readFile(path));
  } catch (error) {
    problems.push({
      field: path,
      rule: `must be a readable JSON file: ${messageOf(error)}`,
    });
    return {};
  }
  if (
    typeof document !== "object" || document === null || Array.isArray(document)
  ) {
    problems.push({ field: path, rule: "must be an object" });
    return {};
  }
  for (const key of Object.keys(document)) {
    if (!Object.hasOwn(CONFIG_KEYS, key)) {
      problems.push({
        field: `${path}: ${key}`,
        rule: `is no key: known are ${Object.keys(CONFIG_KEYS).join(", ")}`,
      });
    }
  }
  return document as Readonly<Record<string, unknown>>;
}
