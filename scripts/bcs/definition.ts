import type { Problem } from "../../shared/errors.ts";
import { mustBe, ObjectReader } from "../../shared/json_reader.ts";
import type {
  PullPolicy,
  RestartPolicy,
} from "../../shared/manager_api/types.ts";

/** A port of a process. */
export interface PortDefinition {
  readonly name: string;
  /** 0 = any port that the agent offers. */
  readonly hostPort: number;
}

/** One entry of a secret or configmap that a process uses. */
export interface ItemDefinition {
  /** Path of the item in the definition, for problems. */
  readonly path: string;
  /** Name of the secret or configmap. */
  readonly source: string;
  /** Which of its values. */
  readonly dataKey: string;
  /** Whether it becomes a variable or a file. */
  readonly type: "env" | "file";
  /** The variable's name or the file's path. */
  readonly keyOrPath: string;
  readonly readOnly: boolean;
  readonly user: string;
}

/** What a local health check looks at. */
export type HealthCheckTarget =
  | { readonly type: "COMMAND"; readonly command: string }
  | {
    readonly type: "HTTP";
    readonly port: number | string;
    readonly scheme: string;
    readonly path: string;
  }
  | { readonly type: "TCP"; readonly port: number | string };

/** A health check that runs beside the process; defaults are Mesos's. */
export interface HealthCheckDefinition {
  /** Path of the check in the definition, for problems. */
  readonly path: string;
  readonly delaySeconds: number;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly consecutiveFailures: number;
  readonly gracePeriodSeconds: number;
  /** A port is a number or the name of one of the process's ports. */
  readonly target: HealthCheckTarget;
}

/** Keys of a process that are commands or paths and may hold variables. */
export type CommandKey =
  | "startCmd"
  | "checkCmd"
  | "stopCmd"
  | "restartCmd"
  | "reloadCmd"
  | "killCmd"
  | "logPath"
  | "cfgPath";

/** One process of the group. */
export interface ProcessDefinition {
  /** Path of the process in the definition, for problems. */
  readonly path: string;
  readonly procName: string;
  readonly user: string;
  readonly workPath: string;
  readonly pidFile: string;
  readonly commands: Readonly<Record<CommandKey, string>>;
  /** Seconds. */
  readonly startGracePeriod: number;
  readonly ports: readonly PortDefinition[];
  readonly uris: readonly {
    readonly value: string;
    readonly user: string;
    readonly pwd: string;
    readonly outputDir: string;
    readonly pullPolicy: PullPolicy;
  }[];
  readonly healthChecks: readonly HealthCheckDefinition[];
  readonly cpus: number;
  /** MiB. */
  readonly mem: number;
  /** MiB. */
  readonly disk: number;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly secrets: readonly ItemDefinition[];
  readonly configmaps: readonly ItemDefinition[];
}

/** A BCS definition of kind "process". */
export interface GroupDefinition {
  readonly name: string;
  readonly namespace: string;
  readonly labels: readonly { readonly key: string; readonly value: string }[];
  /** Seconds; 0 = none given. */
  readonly killGracePeriod: number;
  /** The scheduler's own business; null = none given. */
  readonly restartPolicy: RestartPolicy | null;
  readonly processes: readonly ProcessDefinition[];
}

const PORT_MAX = 65_535;

/**
 * Reads a BCS definition of kind "process".
 *
 * @param definition The parsed JSON.
 * @param problems List to add to.
 */
export function readDefinition(
  definition: unknown,
  problems: Problem[],
): GroupDefinition {
  const read = (value: unknown) => new ObjectReader(value, "", problems);
  const root = read(definition);
  // Absent parts are read as empty ones: each then misses its own members.
  const within = (parent: ObjectReader, key: string) =>
    parent.object(key) ?? new ObjectReader({}, parent.pathOf(key), problems);
  if (root.string("kind") !== "process") {
    root.addProblem("kind", mustBe('"process"', root.raw("kind") ?? null));
  }
  const metadata = within(root, "metadata");
  const spec = within(within(within(root, "spec"), "template"), "spec");
  const processes = spec.objects("processes") ?? [];
  if (processes.length === 0) {
    spec.addProblem("processes", "must hold at least one process");
  }
  return {
    name: readIdPart(metadata, "name"),
    namespace: readIdPart(metadata, "namespace"),
    labels: readLabels(metadata),
    killGracePeriod: root.object("killPolicy")
      ?.integer("gracePeriod", { min: 0 }) ?? 0,
    restartPolicy: readRestartPolicy(root.object("restartPolicy")),
    processes: processes.map(readProcess),
  };
}

function readRestartPolicy(
  reader: ObjectReader | undefined,
): RestartPolicy | null {
  if (reader === undefined) return null;
  const read = (key: string) => reader.integer(key, { min: 0 });
  return {
    Policy: reader.oneOf("policy", ["Never", "Always", "OnFailure"], "Never"),
    Interval: read("interval"),
    Backoff: read("backoff"),
    MaxTimes: read("maxtimes"),
  };
}

/** Names become parts of task ids, which dots separate. */
function readIdPart(metadata: ObjectReader, key: string): string {
  const value = metadata.string(key);
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(value)) {
    metadata.addProblem(
      key,
      mustBe("letters, digits, - and _, a letter or digit first", value),
    );
  }
  return value;
}

function readLabels(metadata: ObjectReader): GroupDefinition["labels"] {
  const labels = metadata.object("labels") && metadata.raw("labels");
  return Object.entries(labels ?? {}).map(([key, value]) => {
    if (typeof value !== "string") {
      metadata.addProblem(`labels.${key}`, mustBe("a string", value));
    }
    return { key, value: String(value) };
  });
}

function readProcess(process: ObjectReader): ProcessDefinition {
  const limits = process.object("resources")?.object("limits");
  return {
    path: process.path,
    procName: process.string("procName", { required: true }),
    user: process.string("user"),
    workPath: process.string("workPath"),
    pidFile: process.string("pidFile"),
    commands: {
      startCmd: process.string("startCmd", { required: true }),
      checkCmd: process.string("checkCmd"),
      stopCmd: process.string("stopCmd"),
      restartCmd: process.string("restartCmd"),
      reloadCmd: process.string("reloadCmd"),
      killCmd: process.string("killCmd"),
      logPath: process.string("logPath"),
      cfgPath: process.string("cfgPath"),
    },
    startGracePeriod: process.integer("startGracePeriod", { min: 0 }),
    ports: (process.objects("ports") ?? []).map((port) => ({
      name: port.string("name", { required: true }),
      hostPort: port.integer("hostPort", { min: 0, max: PORT_MAX }),
    })),
    uris: (process.objects("uris") ?? []).map((uri) => ({
      value: uri.string("value", { required: true }),
      user: uri.string("user"),
      pwd: uri.string("pwd", { secret: true }),
      outputDir: uri.string("outputDir"),
      pullPolicy: uri.oneOf(
        "pullPolicy",
        ["IfNotPresent", "Always"],
        "IfNotPresent",
      ),
    })),
    healthChecks: readHealthChecks(process),
    cpus: readQuantity(limits, "cpu"),
    mem: readQuantity(limits, "memory"),
    disk: readQuantity(limits, "storage"),
    env: (process.objects("env") ?? []).map((variable) => ({
      name: variable.string("name", { required: true }),
      value: variable.string("value", { secret: true }),
    })),
    secrets: readItems(process, "secrets", "secretName"),
    configmaps: readItems(process, "configmaps", "name"),
  };
}

/** Quantities are written as texts: "0.5". */
function readQuantity(limits: ObjectReader | undefined, key: string): number {
  const value = limits?.raw(key) ?? "0";
  const quantity = typeof value === "string" && value.trim() === ""
    ? NaN
    : Number(value);
  if (Number.isFinite(quantity) && quantity >= 0) return quantity;
  limits?.addProblem(key, mustBe("a number of at least 0", value));
  return 0;
}

/** REMOTE_ checks are made by the scheduler and are no part of a task. */
function readHealthChecks(process: ObjectReader): HealthCheckDefinition[] {
  const types = ["COMMAND", "HTTP", "TCP", "REMOTE_HTTP", "REMOTE_TCP"];
  const checks: HealthCheckDefinition[] = [];
  for (const check of process.objects("healthChecks") ?? []) {
    const type = check.oneOf("type", types, "");
    if (type === "" || type.startsWith("REMOTE_")) continue;
    checks.push({
      path: check.path,
      delaySeconds: check.number("delaySeconds", { min: 0, default: 15 }),
      intervalSeconds: check.number("intervalSeconds", { min: 0, default: 10 }),
      timeoutSeconds: check.number("timeoutSeconds", { min: 0, default: 20 }),
      consecutiveFailures: check.integer("consecutiveFailures", {
        min: 0,
        default: 3,
      }),
      gracePeriodSeconds: check.number("gracePeriodSeconds", {
        min: 0,
        default: 10,
      }),
      target: readTarget(check, type),
    });
  }
  if (checks.length > 1) {
    process.addProblem(
      "healthChecks",
      "must hold at most one check of type COMMAND, HTTP or TCP",
    );
  }
  return checks;
}

function readTarget(check: ObjectReader, type: string): HealthCheckTarget {
  const key = type.toLowerCase();
  if (!check.has(key)) check.addProblem(key, `must be there for a ${type}`);
  const body = check.object(key);
  if (type === "COMMAND") {
    const command = body?.string("value", { required: true });
    return { type: "COMMAND", command: command ?? "" };
  }
  const port = body?.string("portName") ||
    (body?.integer("port", { min: 1, max: PORT_MAX, default: 0 }) ?? 0);
  if (body && port === 0) body.addProblem("port", "must be given, or portName");
  if (type === "TCP") return { type: "TCP", port };
  return {
    type: "HTTP",
    port,
    scheme: body?.string("scheme") || "http",
    path: body?.string("path") ?? "",
  };
}

function readItems(
  process: ObjectReader,
  key: string,
  nameKey: string,
): ItemDefinition[] {
  return (process.objects(key) ?? []).flatMap((source) => {
    const name = source.string(nameKey, { required: true });
    return (source.objects("items") ?? []).map((item) => ({
      path: item.path,
      source: name,
      dataKey: item.string("dataKey", { required: true }),
      type: item.oneOf("type", ["env", "file"], "env"),
      keyOrPath: item.string("keyOrPath", { required: true }),
      readOnly: item.boolean("readOnly"),
      user: item.string("user"),
    }));
  });
}
