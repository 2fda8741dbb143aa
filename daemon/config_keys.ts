import type { Problem } from "../shared/errors.ts";
import { SOCKET_PATH_DEFAULT } from "../shared/manager_api/routes.ts";

/** One key of the configuration. */
export interface ConfigKey<T> {
  readonly default: T;
  /** What its value is called in help. */
  readonly value: string;
  /** What it means, in a line or more. */
  readonly help: string;
  /**
   * Reads its value: of the file, any JSON, or of a flag, a text.
   *
   * @param field Where the value stands.
   * @param problems Gets what is wrong with it.
   */
  readonly read: (value: unknown, field: string, problems: Problem[]) => T;
}

/** Largest number in a configuration: a year in seconds, 30 TiB in MiB. */
const NUMBER_MAX = 31_536_000;

/** How important a line of the daemon's log is. */
export type LogLevel = "info" | "warning" | "error";
/** How lines of the daemon's log are written. */
export type LogFormat = "json" | "logfmt";

/**
 * Every key: the original daemon's first. As flags they have - instead of _.
 * What is left empty is filled in by the reader of the whole.
 */
export const CONFIG_KEYS = {
  data_dir: path(
    "/var/lib/bcs-process",
    "database, run folders, cached packages",
  ),
  workspace_dir: path(
    "/var/lib/bcs-process/workspace",
    "holds ${work_base_dir}, ${run_base_dir} and\nunpacked packages",
  ),
  log_dir: path("/var/log/bcs-process", "stdout and stderr of processes"),
  pid_dir: path("/var/run/bcs-process", "the daemon's own pid file"),
  unix_socket: path(SOCKET_PATH_DEFAULT, "where the Manager API listens"),
  launcher: path("", "launcher.sh; default: beside the program"),
  file_dirs: list(
    checkPath,
    "DIR,…",
    "where files and folders of processes may be\n" +
      "made; default: the workspace",
  ),
  default_user: user(
    "",
    "runs processes without a user; default: the\ndaemon's own",
  ),
  allowed_users: list(
    checkUser,
    "USER,…",
    "who processes may run as; default: all",
  ),
  cgroup: {
    default: "bcs-process",
    value: "NAME",
    help: 'group of all processes with limits; "" = none',
    read: textThat(checkGroup),
  },
  limits: choice(
    ["warn", "require", "off"],
    "where limits cannot be\n" +
      "enforced, start a process all the same and say\n" +
      "so, refuse it, or never enforce any",
  ),
  log_file_mib: number(64, "size of a log file of a process"),
  log_files: number(5, "log files kept for each of stdout and stderr"),
  package_mib: number(4_096, "largest package"),
  package_unpacked_mib: number(16_384, "the same unpacked"),
  package_cache_mib: number(
    10_240,
    "packages kept that nobody uses",
  ),
  package_cache_days: number(30, "days that they are kept"),
  package_user: user("nobody", "unpacks packages, if the daemon is root"),
  heartbeat_timeout: number(
    600,
    "seconds until the processes of a silent executor\nare stopped",
  ),
  log_level: choice(
    ["info", "warning", "error"],
    "lines of the daemon's own log",
  ),
  log_format: choice(["json", "logfmt"], "how they are written"),
} as const satisfies Record<string, ConfigKey<unknown>>;

/** A value for each key. */
export type Settings = {
  -readonly [K in keyof typeof CONFIG_KEYS]: typeof CONFIG_KEYS[K] extends
    ConfigKey<infer T> ? T
    : never;
};

/** The flag of a key. */
export function flagOf(key: string): string {
  return key.replaceAll("_", "-");
}

/** The keys as `--help` shows them, line by line. */
export function describeKeys(): string[] {
  return Object.entries(CONFIG_KEYS).flatMap(([key, each]) => {
    const fallback = String(each.default);
    const help = fallback === "" ? each.help : `${each.help} [${fallback}]`;
    const [first = "", ...rest] = help.split("\n");
    const name = `  --${flagOf(key)} ${each.value}`;
    return [
      `${name.padEnd(HELP_COLUMN)} ${first}`,
      ...rest.map((line) => `${" ".repeat(HELP_COLUMN)} ${line}`),
    ];
  });
}

/** Where the help of a key begins. */
const HELP_COLUMN = 28;

/** The rule that a text breaks; null = none. */
type Check = (text: string) => string | null;

function path(fallback: string, help: string): ConfigKey<string> {
  return {
    default: fallback,
    value: "PATH",
    help,
    read: (value, field, problems) =>
      withoutEnd(textThat(checkPath)(value, field, problems)),
  };
}

function user(fallback: string, help: string): ConfigKey<string> {
  return { default: fallback, value: "USER", help, read: textThat(checkUser) };
}

function list(
  check: Check,
  value: string,
  help: string,
): ConfigKey<readonly string[]> {
  const readItem = textThat(check);
  return {
    default: [],
    value,
    help,
    read: (given, field, problems) => {
      const items = Array.isArray(given)
        ? given.map((item, index) =>
          readItem(item, `${field}[${index}]`, problems)
        )
        : textThat(() => null)(given, field, problems).split(",")
          .filter((item) => item !== "")
          .map((item) => readItem(item, field, problems));
      return items.map(withoutEnd);
    },
  };
}

function choice<const T extends string>(
  allowed: readonly [T, ...T[]],
  help: string,
): ConfigKey<T> {
  return {
    default: allowed[0],
    value: "WORD",
    help: `${allowed.join(", ")}: ${help}`,
    read: (value, field, problems) => {
      const found = allowed.find((word) => word === value);
      if (found !== undefined) return found;
      const rule = `must be one of ${allowed.join(", ")}: ${show(value)}`;
      problems.push({ field, rule });
      return allowed[0];
    },
  };
}

function number(fallback: number, help: string): ConfigKey<number> {
  return {
    default: fallback,
    value: "N",
    help,
    read: (value, field, problems) => {
      const found = typeof value === "string" && /^\d{1,9}$/.test(value)
        ? Number(value)
        : value;
      if (
        typeof found === "number" && Number.isInteger(found) &&
        found >= 1 && found <= NUMBER_MAX
      ) return found;
      problems.push({
        field,
        rule: `must be a whole number from 1 to ${NUMBER_MAX}: ${show(value)}`,
      });
      return fallback;
    },
  };
}

function textThat(check: Check): ConfigKey<string>["read"] {
  return (value, field, problems) => {
    const rule = typeof value === "string" ? check(value) : "must be a text";
    if (rule === null) return String(value);
    problems.push({ field, rule: `${rule}: ${show(value)}` });
    return "";
  };
}

function checkPath(text: string): string | null {
  // deno-lint-ignore no-control-regex -- they are what is refused
  return text.startsWith("/") && !/[\x00-\x1f\x7f,]/.test(text)
    ? null
    // Deno's permissions are lists: a comma would end a path there.
    : "must be an absolute path without control characters and commas";
}

function checkUser(text: string): string | null {
  // deno-lint-ignore no-control-regex -- they are what is refused
  return !text.startsWith("-") && !/[\x00-\x20\x7f]/.test(text)
    ? null
    : "must be a user name or uid";
}

function checkGroup(text: string): string | null {
  return /^([\w-][\w.-]*(\/[\w-][\w.-]*)*)?$/.test(text)
    ? null
    : "must be names of letters, digits, _, . and -, with / between them";
}

function withoutEnd(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, "") : path;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return `current value is ${text.slice(0, 60)}`;
}
