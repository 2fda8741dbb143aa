import { parseDuration } from "../shared/duration.ts";
import {
  InvalidInputError,
  messageOf,
  type Problem,
} from "../shared/errors.ts";
import { SOCKET_PATH_DEFAULT } from "../shared/manager_api/routes.ts";
import { parseArgs } from "../shared/std/parse_args.ts";
import type { TransportOptions } from "./mesos/agent_transport.ts";
import type { StateRules } from "./tasks/task_state.ts";

/** How the executor is set up: by the agent, and by its own flags. */
export interface ExecutorConfig {
  readonly frameworkId: string;
  readonly executorId: string;
  /** "" if the agent gave none. */
  readonly agentId: string;
  /** Where calls go, such as `http://127.0.0.1:5051/api/v1/executor`. */
  readonly agentUrl: string;
  /** How to get there. */
  readonly transport: TransportOptions;
  /** Sent as a Bearer token with every call; secret. "" = none. */
  readonly token: string;
  /** The folder that the agent made for this executor. */
  readonly sandbox: string;
  /** Whether to outlive the agent's restarts. */
  readonly checkpoint: boolean;
  /** How long to wait for the agent to come back. */
  readonly recoveryTimeoutMs: number;
  /** Longest wait before a new SUBSCRIBE. */
  readonly backoffMsMax: number;
  /** From SHUTDOWN until the agent kills the executor. */
  readonly shutdownGraceMs: number;
  readonly codec: "json" | "protobuf";
  /** How ends are called; `auto` = BCS's way for its own tasks only. */
  readonly rules: StateRules | "auto";
  /** Where the daemon's Manager API listens. */
  readonly socketPath: string;
}

/** Longest path of a unix socket (sockaddr_un, with its ending NUL). */
const SOCKET_PATH_BYTES_MAX = 107;

/** What the command line asks for beside running. */
export type CommandLine =
  | { readonly action: "help" }
  | { readonly action: "run"; readonly config: ExecutorConfig };

/** What `--help` prints. */
export const USAGE = `Usage: executor/main.ts [flags]

Started by a Mesos agent, which says all else in MESOS_* variables.

  --codec json|protobuf   wire format towards the agent   json
  --socket PATH           the process daemon's socket     ${SOCKET_PATH_DEFAULT}
                          (or BCS_PROCESS_SOCKET)
  --states auto|mesos|bcs how the ends of tasks are called   auto
                          (or BCS_PROCESS_STATES): as Mesos' own executors do,
                          as the BCS scheduler expects, or each in its place
  -h, --help              this text`;

/**
 * Reads the configuration.
 *
 * @param args The command line.
 * @param env Reads one environment variable.
 * @throws {InvalidInputError} With every problem of environment and flags.
 * @see Mesos docs/executor-http-api.md and src/slave/slave.cpp
 * `executorEnvironment`
 */
export function readConfig(
  args: readonly string[],
  env: (name: string) => string | undefined,
): CommandLine {
  const problems: Problem[] = [];
  const flags = parseArgs(args, {
    string: ["codec", "socket", "states"],
    boolean: ["help"],
    alias: { h: "help" },
    unknown: (argument) => {
      problems.push({ field: argument, rule: "is no flag: see --help" });
      return false;
    },
  });
  if (flags["help"] === true) return { action: "help" };
  const read = new EnvironmentReader(env, problems);
  const checkpoint = read.oneOf("MESOS_CHECKPOINT", ["0", "1"], "0") === "1";
  const config: ExecutorConfig = {
    frameworkId: read.required("MESOS_FRAMEWORK_ID"),
    executorId: read.required("MESOS_EXECUTOR_ID"),
    agentId: env("MESOS_SLAVE_ID") ?? "",
    agentUrl: readAgentUrl(read, problems),
    transport: readTransport(read, problems),
    token: env("MESOS_EXECUTOR_AUTHENTICATION_TOKEN") ?? "",
    sandbox: env("MESOS_SANDBOX") || read.required("MESOS_DIRECTORY"),
    checkpoint,
    recoveryTimeoutMs: read.duration("MESOS_RECOVERY_TIMEOUT", "15mins"),
    backoffMsMax: read.duration("MESOS_SUBSCRIPTION_BACKOFF_MAX", "2secs"),
    shutdownGraceMs: read.duration(
      "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD",
      "5secs",
    ),
    codec: chooseFlag(
      "--codec",
      flags["codec"],
      ["json", "protobuf"],
      problems,
    ),
    rules: chooseFlag(
      "--states",
      flags["states"] ?? (env("BCS_PROCESS_STATES") || undefined),
      ["auto", "mesos", "bcs"],
      problems,
    ),
    socketPath: String(
      flags["socket"] ?? (env("BCS_PROCESS_SOCKET") || SOCKET_PATH_DEFAULT),
    ),
  };
  if (!config.socketPath.startsWith("/")) {
    problems.push({
      field: "--socket",
      rule: "must be an absolute path: current value is " +
        JSON.stringify(config.socketPath),
    });
  }
  if (problems.length > 0) {
    throw new InvalidInputError("executor's environment", problems);
  }
  return { action: "run", config: Object.freeze(config) };
}

/** One of a few words; the first if there is none. */
function chooseFlag<T extends string>(
  field: string,
  value: unknown,
  allowed: readonly [T, ...T[]],
  problems: Problem[],
): T {
  if (value === undefined) return allowed[0];
  const found = allowed.find((choice) => choice === value);
  if (found === undefined) {
    problems.push({
      field,
      rule: `must be ${allowed.join(" or ")}: current value is ` +
        JSON.stringify(value),
    });
  }
  return found ?? allowed[0];
}

/** libprocess' names; those without its prefix are older. */
function readTransport(
  read: EnvironmentReader,
  problems: Problem[],
): TransportOptions {
  const ssl = (name: string) =>
    read.optional(`LIBPROCESS_SSL_${name}`) || read.optional(`SSL_${name}`);
  const [certFile, keyFile] = [ssl("CERT_FILE"), ssl("KEY_FILE")];
  const socketPath = read.optional("MESOS_DOMAIN_SOCKET");
  const socketBytes = new TextEncoder().encode(socketPath).length;
  if (socketBytes > SOCKET_PATH_BYTES_MAX) {
    problems.push({
      field: "MESOS_DOMAIN_SOCKET",
      rule: `must have at most ${SOCKET_PATH_BYTES_MAX} bytes: ` +
        `current value has ${socketBytes}`,
    });
  }
  return {
    socketPath,
    tls: hasTls(read)
      ? {
        caFile: ssl("CA_FILE"),
        // One without the other is of no use: SSL_CERT_FILE alone is what
        // OpenSSL calls its list of authorities.
        ...(certFile && keyFile
          ? { certFile, keyFile }
          : { certFile: "", keyFile: "" }),
      }
      : null,
  };
}

function hasTls(read: EnvironmentReader): boolean {
  const value = read.optional("LIBPROCESS_SSL_ENABLED") ||
    read.optional("SSL_ENABLED");
  return value === "1" || value === "true";
}

/** The agent says where it is in one of two ways, or in both. */
function readAgentUrl(read: EnvironmentReader, problems: Problem[]): string {
  const endpoint = read.optional("MESOS_AGENT_ENDPOINT");
  const upid = read.optional("MESOS_SLAVE_PID");
  const [actor, address] = upid.includes("@") ? upid.split("@") : ["", ""];
  const authority = endpoint || address || "";
  if (authority === "" && upid === "") {
    problems.push({
      field: "MESOS_AGENT_ENDPOINT",
      rule: "must be set to the agent's host:port (or MESOS_SLAVE_PID to its " +
        "libprocess id): is this program started by a Mesos agent?",
    });
  } else if (
    !/^[^\s/@?#]+:\d{1,5}$/.test(authority) ||
    Number(authority.slice(authority.lastIndexOf(":") + 1)) > 65_535
  ) {
    problems.push({
      field: endpoint ? "MESOS_AGENT_ENDPOINT" : "MESOS_SLAVE_PID",
      rule: `must name host:port: current value is ${
        JSON.stringify(endpoint || upid)
      }`,
    });
  }
  // libprocess routes by actor name; the endpoint's own path needs none.
  const path = endpoint ? "" : `/${actor}`;
  const scheme = hasTls(read) ? "https" : "http";
  return `${scheme}://${authority}${path}/api/v1/executor`;
}

class EnvironmentReader {
  constructor(
    private readonly env: (name: string) => string | undefined,
    private readonly problems: Problem[],
  ) {}

  optional(name: string): string {
    return this.env(name) ?? "";
  }

  required(name: string): string {
    const value = this.env(name) ?? "";
    if (value === "") this.problems.push({ field: name, rule: "must be set" });
    return value;
  }

  oneOf<T extends string>(name: string, allowed: readonly T[], absent: T): T {
    const value = this.env(name) || absent;
    const found = allowed.find((choice) => choice === value);
    if (found === undefined) {
      this.problems.push({
        field: name,
        rule: `must be ${allowed.join(" or ")}: current value is ` +
          JSON.stringify(value),
      });
    }
    return found ?? absent;
  }

  duration(name: string, absent: string): number {
    try {
      return parseDuration(this.env(name) || absent);
    } catch (error) {
      this.problems.push({ field: name, rule: messageOf(error) });
      return 0;
    }
  }
}
