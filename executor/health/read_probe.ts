import type { Problem } from "../../shared/errors.ts";
import { collectEnvironment } from "../bcs/environment.ts";
import type { CommandInfo, HealthCheck } from "../mesos/types.ts";
import type { Loopback, Probe } from "./probe.ts";

/** What to probe: the part that a health check has. */
export type ProbeDefinition = Pick<
  HealthCheck,
  "type" | "command" | "http" | "tcp"
>;

/** What a definition does not say itself. */
export interface ProbeContext {
  /** Path of the definition. */
  readonly field: string;
  /** Path of the message that holds its `command`. */
  readonly commandParent: string;
  /** What one probe may take. */
  readonly timeoutMs: number;
}

/**
 * Reads what is to be probed. Without a type the one body that is there tells
 * it, as it did in old versions of Mesos.
 *
 * @param problems List to add to; nothing secret gets into it.
 * @returns null if there is neither a type nor a body; with a problem, nothing
 * to be used.
 */
export function readProbe(
  definition: ProbeDefinition,
  context: ProbeContext,
  problems: Problem[],
): Probe | null {
  const { command, http, tcp } = definition;
  const type = findType(definition, context.field, problems);
  const probe = type && {
    COMMAND: () => command && readCommand(command, context, problems),
    HTTP: () => http && readHttp(http, `${context.field}.http`, problems),
    TCP: () => tcp && readTcp(tcp, `${context.field}.tcp`, problems),
  }[type]();
  return probe || null;
}

function findType(
  { type, ...bodies }: ProbeDefinition,
  field: string,
  problems: Problem[],
): Probe["type"] | null {
  const given: Probe["type"][] = [];
  if (bodies.command) given.push("COMMAND");
  if (bodies.http) given.push("HTTP");
  if (bodies.tcp) given.push("TCP");
  if (type !== undefined && type !== "UNKNOWN") {
    if (given.includes(type)) return type;
    const body = type.toLowerCase();
    problems.push({
      field: `${field}.${body}`,
      rule: `must be there for a check of type ${type}`,
    });
    return null;
  }
  if (given.length > 1) {
    problems.push({
      field: `${field}.type`,
      rule: `must say which of ${given.join(" and ")} is meant`,
    });
    return null;
  }
  return given[0] ?? null;
}

function readCommand(
  command: CommandInfo,
  { commandParent, timeoutMs }: ProbeContext,
  problems: Problem[],
): Probe {
  const { value = "", arguments: args = [], shell = true } = command;
  const field = `${commandParent}.command`;
  const Cmd = shell ? ["/bin/sh", "-c", value] : [value, ...args.slice(1)];
  if (value === "") {
    problems.push({
      field: `${field}.value`,
      rule: `must be ${shell ? "shell text" : "an executable"}, not empty`,
    });
  }
  if (Cmd.some((word) => word.includes("\0"))) {
    problems.push({ field, rule: "must not hold a NUL" });
  }
  const ofEnvironment: Problem[] = [];
  const { variables } = collectEnvironment(
    [],
    command.environment,
    ofEnvironment,
  );
  problems.push(
    ...ofEnvironment.map(({ field, rule }) => ({
      field: `${commandParent}.${field}`,
      rule,
    })),
  );
  return {
    type: "COMMAND",
    request: {
      Cmd,
      Envs: Array.from(variables, ([name, value]) => `${name}=${value}`),
      User: command.user ?? "",
      WorkDir: "",
      Timeout: timeoutMs / 1000,
    },
  };
}

function readHttp(
  http: NonNullable<HealthCheck["http"]>,
  field: string,
  problems: Problem[],
): Probe {
  const { scheme = "http", port, path = "", statuses = [], protocol } = http;
  checkPort(port, field, problems);
  if (scheme !== "http" && scheme !== "https") {
    problems.push({
      field: `${field}.scheme`,
      rule: "must be http or https: current value is " + JSON.stringify(scheme),
    });
  }
  if (path !== "" && !path.startsWith("/")) {
    problems.push({
      field: `${field}.path`,
      rule: `must begin with a slash: current value is ${JSON.stringify(path)}`,
    });
  }
  const url = `${scheme}://${toLoopback(protocol)}:${port}${path}`;
  return { type: "HTTP", url, statuses };
}

function readTcp(
  { port, protocol }: NonNullable<HealthCheck["tcp"]>,
  field: string,
  problems: Problem[],
): Probe {
  checkPort(port, field, problems);
  return { type: "TCP", hostname: toLoopback(protocol), port };
}

function checkPort(port: number, field: string, problems: Problem[]): void {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return;
  problems.push({
    field: `${field}.port`,
    rule: `must be from 1 to 65535: current value is ${port}`,
  });
}

function toLoopback(protocol: "IPv4" | "IPv6" | undefined): Loopback {
  return protocol === "IPv6" ? "[::1]" : "127.0.0.1";
}
