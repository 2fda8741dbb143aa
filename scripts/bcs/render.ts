import { InvalidInputError, type Problem } from "../../shared/errors.ts";
import {
  type CommandKey,
  type GroupDefinition,
  type HealthCheckDefinition,
  type ProcessDefinition,
  readDefinition,
} from "./definition.ts";
import {
  type ConfigmapValue,
  renderMessages,
  type ValueSources,
} from "./messages.ts";
import type {
  RenderedExecutor,
  RenderedGroup,
  RenderedHealthCheck,
  RenderedResource,
  RenderedTask,
} from "./rendered.ts";
import { PortPool, type PortRange, TextRenderer } from "./variables.ts";

/** What the scheduler knows beside the definition. */
export interface RenderOptions {
  /** Unix time in nanoseconds, part of the ids. */
  readonly createdNs: bigint;
  /** Which instance of the application. @default {0} */
  readonly instance?: number;
  /** The BCS cluster, part of the ids. */
  readonly cluster: string;
  readonly frameworkId: string;
  readonly agentId: string;
  /** The agent's address, `${hostip}`. */
  readonly hostIp: string;
  /** Where ports for `hostPort: 0` come from, in order. */
  readonly offeredPorts: PortRange;
  /** Values of configmaps, by name and key. @default {{}} */
  readonly configmaps?: ValueSources<ConfigmapValue>;
  /** Values of secrets in base64, by name and key. @default {{}} */
  readonly secrets?: ValueSources<string>;
  /** Template variables beside BCS's own. @default {{}} */
  readonly variables?: Readonly<Record<string, string>>;
}

/** CPUs that one task gives up, since its executor needs some as well. */
const EXECUTOR_CPU_SHARE = 0.02;
/** A task with less CPU than this gives up nothing. */
const CPUS_MIN_TO_SHARE = 0.1;

/**
 * Renders a BCS definition of kind "process" into what the BCS scheduler
 * sends to Mesos. Pure: time, ports and the values of secrets come in.
 *
 * One thing differs: the scheduler forgets a process's `user`; here it
 * becomes `command.user`, since the executor honours that.
 *
 * @param definition The definition, as parsed JSON.
 * @param options What only a scheduler knows.
 * @throws {InvalidInputError} With every problem at once; no secret value is
 * in it.
 */
export function renderTaskGroup(
  definition: unknown,
  options: RenderOptions,
): RenderedGroup {
  const problems: Problem[] = [];
  const group = readDefinition(definition, problems);
  const ports = new PortPool(options.offeredPorts);
  const payer = group.processes
    .findIndex(({ cpus }) => cpus >= CPUS_MIN_TO_SHARE);
  const groupId = [
    options.instance ?? 0,
    group.name,
    group.namespace,
    options.cluster,
  ].join(".");
  const tasks = group.processes.map((process, index) => {
    const id = `${options.createdNs}.${index}.${groupId}`;
    const share = index === payer ? EXECUTOR_CPU_SHARE : 0;
    return renderTask(group, process, { id, share, ports, options, problems });
  });
  if (problems.length > 0) {
    throw new InvalidInputError("process definition", problems);
  }
  return {
    taskGroup: { tasks },
    executorInfo: renderExecutor(`${groupId}.${options.createdNs}`, options),
  };
}

interface TaskContext {
  readonly id: string;
  /** CPUs to give up for the executor. */
  readonly share: number;
  readonly ports: PortPool;
  readonly options: RenderOptions;
  readonly problems: Problem[];
}

function renderTask(
  group: GroupDefinition,
  process: ProcessDefinition,
  { id, share, ports, options, problems }: TaskContext,
): RenderedTask {
  const { assigned, taken } = ports.assign(process, problems);
  const text = new TextRenderer(process.path, assigned, problems, {
    ...options.variables,
    processname: group.name,
    namespace: group.namespace,
    instanceid: String(options.instance ?? 0),
    hostip: options.hostIp,
  });
  text.define("workPath", text.render(process.workPath, "workPath"));
  text.define("pidFile", text.render(process.pidFile, "pidFile"));
  const [check] = process.healthChecks;
  return {
    name: `${options.createdNs}-${id}`,
    task_id: { value: id },
    agent_id: { value: options.agentId },
    resources: renderResources(process, share, taken),
    command: {
      environment: { variables: renderVariables(process, text, assigned) },
      ...(process.user && { user: process.user }),
    },
    ...(check &&
      { health_check: renderHealthCheck(check, assigned, problems) }),
    ...(group.killGracePeriod > 0 && {
      kill_policy: {
        grace_period: { nanoseconds: group.killGracePeriod * 1e9 },
      },
    }),
    data: encodeTwice(renderDataClass(process, text, options, problems)),
    ...(group.labels.length > 0 && { labels: { labels: group.labels } }),
  };
}

function renderResources(
  { cpus, mem, disk }: ProcessDefinition,
  share: number,
  taken: readonly number[],
): RenderedResource[] {
  // Mesos counts CPUs in thousandths; more digits are rounding errors.
  const ownCpus = Math.round((cpus - share) * 1000) / 1000;
  const resources: RenderedResource[] = [
    renderScalar("cpus", ownCpus),
    renderScalar("mem", mem),
    renderScalar("disk", disk),
  ];
  if (taken.length > 0) {
    const range = taken.map((port) => ({ begin: port, end: port }));
    resources.push({ name: "ports", type: "RANGES", ranges: { range } });
  }
  return resources;
}

function renderScalar(name: string, value: number): RenderedResource {
  return { name, type: "SCALAR", scalar: { value } };
}

function renderVariables(
  process: ProcessDefinition,
  text: TextRenderer,
  assigned: ReadonlyMap<string, number>,
): { name: string; value: string }[] {
  return [
    ...process.env.map(({ name, value }, index) => ({
      name,
      value: text.render(value, `env[${index}].value`),
    })),
    ...Array.from(assigned, ([name, port]) => ({
      name: `PORT_${name}`,
      value: String(port),
    })),
  ];
}

function renderHealthCheck(
  check: HealthCheckDefinition,
  assigned: ReadonlyMap<string, number>,
  problems: Problem[],
): RenderedHealthCheck {
  const { target } = check;
  const resolve = (port: number | string, key: string) => {
    if (typeof port === "number") return port;
    const found = assigned.get(port);
    if (found === undefined) {
      problems.push({
        field: `${check.path}.${key}.portName`,
        rule: `must name a port of the process: current value is "${port}"`,
      });
    }
    return found ?? 0;
  };
  const common = {
    delay_seconds: check.delaySeconds,
    interval_seconds: check.intervalSeconds,
    timeout_seconds: check.timeoutSeconds,
    consecutive_failures: check.consecutiveFailures,
    grace_period_seconds: check.gracePeriodSeconds,
    type: target.type,
  };
  switch (target.type) {
    case "COMMAND":
      return { ...common, command: { value: target.command } };
    case "TCP":
      return { ...common, tcp: { port: resolve(target.port, "tcp") } };
    case "HTTP": {
      const port = resolve(target.port, "http");
      const { scheme, path } = target;
      return { ...common, http: { scheme, port, path } };
    }
  }
}

/** The order of the keys is the scheduler's. */
function renderDataClass(
  process: ProcessDefinition,
  text: TextRenderer,
  options: RenderOptions,
  problems: Problem[],
): object {
  const command = (key: CommandKey) =>
    ({ [key]: text.render(process.commands[key], key) }) as const;
  const messages = renderMessages(process, text, options, problems);
  return {
    Resources: { Cpus: process.cpus, Mem: process.mem, Disk: process.disk },
    LimitResources: null,
    ExtendedResources: null,
    Msgs: messages.length > 0 ? messages : null,
    NetLimit: null,
    ProcInfo: {
      procName: text.render(process.procName, "procName"),
      workPath: text.render("${workPath}", "workPath"),
      pidFile: text.render("${pidFile}", "pidFile"),
      ...command("startCmd"),
      ...command("checkCmd"),
      ...command("stopCmd"),
      ...command("restartCmd"),
      ...command("reloadCmd"),
      ...command("killCmd"),
      ...command("logPath"),
      ...command("cfgPath"),
      uris: process.uris.map(({ value, user, pwd, outputDir }, index) => ({
        Value: text.render(value, `uris[${index}].value`),
        User: user,
        Pwd: pwd,
        OutputDir: text.render(outputDir, `uris[${index}].outputDir`),
      })),
      startGracePeriod: process.startGracePeriod,
    },
  };
}

/** Encodes as Go's encoding/json does, then in base64, then for Mesos. */
function encodeTwice(value: object): string {
  const json = JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return encodeBase64(encodeBase64(json));
}

function encodeBase64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}

function renderExecutor(id: string, options: RenderOptions): RenderedExecutor {
  const folder = "/data/bcs/mesos/libexec/mesos";
  return {
    type: "CUSTOM",
    executor_id: { value: id },
    framework_id: { value: options.frameworkId },
    command: {
      uris: [{
        value: `file://${folder}/bcs-process-executor`,
        executable: true,
      }],
      value: "./bcs-process-executor",
    },
    resources: [
      renderScalar("cpus", 0.01),
      renderScalar("mem", 64),
      renderScalar("disk", 64),
    ],
    name: "BcsExec",
    source: "bcs",
  };
}
