import { boundText } from "../../shared/bound_text.ts";
import { assert } from "../../shared/errors.ts";
import type {
  ProcessInfo,
  ProcessState,
  ProcessStatusInfo,
  Resource,
} from "../../shared/manager_api/types.ts";
import { formatRfc3339 } from "./rfc3339.ts";
import { toShellExitCode } from "./shell_exit_code.ts";

/** Longest encoded information, bytes of JSON: agent and master keep it. */
const INFO_BYTES_MAX = 16_384;
/** Longest message in it, UTF-8 bytes. */
const MESSAGE_BYTES_MAX = 2_048;
/** Longest name in it, UTF-8 bytes. */
const NAME_BYTES_MAX = 255;
/** Greatest number of a port. */
const PORT_MAX = 65_535;
/** Most ports in it. */
const PORTS_MAX = 64;
/** What stands for an end that nobody saw: unknown is not success. */
const EXIT_CODE_UNKNOWN = -1;
/** How Go writes a time that was never set. */
const NO_TIME = "0001-01-01T00:00:00Z";
/** A variable that BCS puts a fixed or random port into. */
const PORT_VARIABLE = /^PORT_(\w+)=(\d{1,5})$/;

/** A port of a process; as it has no container, it is the host's. */
export interface BcsPort {
  readonly name: string;
  readonly containerPort: string;
  readonly hostPort: string;
  /** Absent = not known. */
  readonly protocol?: string;
  readonly hostIP?: string;
}

/**
 * What the BCS scheduler reads from `TaskStatus.data` (bk-bcs
 * bcs-container-executor/container/interface.go). As in Go's encoding a zero,
 * false or empty member is left out, but a time never is.
 */
export interface BcsContainerInfo {
  /** The process's id. */
  readonly ID: string;
  readonly Name?: string;
  readonly Pid?: number;
  readonly StartAt: string;
  readonly FinishAt: string;
  readonly Status: ContainerState;
  readonly Healthy?: boolean;
  /** Whether health is checked at all. */
  readonly IsChecked?: boolean;
  readonly ConsecutiveFailureTimes?: number;
  /** 128 + its number after a signal, -1 if the end was not seen. */
  readonly ExitCode?: number;
  readonly Hostname?: string;
  readonly NetworkMode: "host";
  readonly IPAddress?: string;
  readonly NodeAddress?: string;
  readonly Ports?: readonly BcsPort[];
  readonly Message?: string;
  readonly Resource?: Resource;
  readonly OOMKilled?: boolean;
}

/** Docker's word for a state. */
type ContainerState = "created" | "running" | "exited";

const CONTAINER_STATES: Readonly<Record<ProcessState, ContainerState>> = {
  staging: "created",
  starting: "created",
  running: "running",
  stopping: "running",
  stopped: "exited",
};

/** What the information is made of. */
export interface ContainerInfoInput {
  /** The part of the TaskInfo that tells its ports. */
  readonly task: {
    readonly name: string;
    readonly discovery?: {
      readonly ports?: {
        readonly ports?: readonly {
          readonly number: number;
          readonly name?: string;
          readonly protocol?: string;
        }[];
      };
    };
  };
  /** The task's process, as the daemon was asked for it. */
  readonly process: Pick<ProcessInfo, "ProcessName" | "Resource" | "Envs">;
  readonly status: ProcessStatusInfo;
  readonly agent: { readonly hostname: string; readonly ip: string };
  readonly health: {
    readonly healthy: boolean;
    /** Whether there is a check, and it has told. */
    readonly isChecked: boolean;
    readonly consecutiveFailures: number;
  };
  /** Whether the process was killed as its memory was over. */
  readonly oomKilled: boolean;
}

/** Tells a process in the words that BCS has for a container. Pure. */
export function toContainerInfo(input: ContainerInfoInput): BcsContainerInfo {
  const { task, process, status, agent, health, oomKilled } = input;
  const name = boundText(process.ProcessName || task.name, NAME_BYTES_MAX);
  const hostname = boundText(agent.hostname, NAME_BYTES_MAX);
  const exitCode = toExitCode(status);
  const isHealthy = health.healthy && status.Status === "running";
  const ports = findPorts(input);
  const message = boundText(status.Message, MESSAGE_BYTES_MAX);
  const { consecutiveFailures } = health;
  return {
    ID: status.Id,
    ...(name && { Name: name }),
    ...(status.Pid !== 0 && { Pid: status.Pid }),
    StartAt: toTime(status.LastStartTime),
    FinishAt: toTime(status.FinishTime),
    Status: CONTAINER_STATES[status.Status],
    ...(isHealthy && { Healthy: true }),
    ...(health.isChecked && { IsChecked: true }),
    ...(consecutiveFailures !== 0 && {
      ConsecutiveFailureTimes: consecutiveFailures,
    }),
    ...(exitCode !== 0 && { ExitCode: exitCode }),
    ...(hostname && { Hostname: hostname }),
    NetworkMode: "host",
    ...(agent.ip && { IPAddress: agent.ip, NodeAddress: agent.ip }),
    ...(ports.length > 0 && { Ports: ports }),
    ...(message && { Message: message }),
    ...(process.Resource && { Resource: process.Resource }),
    ...(oomKilled && { OOMKilled: true }),
  };
}

/**
 * Encodes it for `TaskStatus.data`: base64 of at most 16 KiB of JSON. What
 * does not fit is left out: the message first, then the ports.
 */
export function encodeContainerInfo(info: BcsContainerInfo): string {
  const { Message: _message, ...silent } = info;
  const { Ports: _ports, ...least } = silent;
  const encoder = new TextEncoder();
  const bytes = [info, silent, least]
    .map((candidate) => encoder.encode(JSON.stringify(candidate)))
    .find(({ length }) => length <= INFO_BYTES_MAX);
  assert(bytes, "A process without message and ports is told in 16 KiB");
  return bytes.toBase64();
}

function toExitCode(
  { Status, ExitKnown, ExitCode, Signal }: ProcessStatusInfo,
): number {
  if (Status !== "stopped") return 0;
  if (!ExitKnown) return EXIT_CODE_UNKNOWN;
  return toShellExitCode(ExitCode, Signal);
}

/** @param unixS The original daemon leaves out what it does not know. */
function toTime(unixS: number | undefined): string {
  return unixS ? formatRfc3339(unixS) : NO_TIME;
}

/** Those that the task is found by, then those that BCS gave it. */
function findPorts({ task, process, agent }: ContainerInfoInput): BcsPort[] {
  const ports = new Map<string, BcsPort>();
  const add = (name: string, number: string, protocol?: string) =>
    ports.set(name || number, {
      name,
      containerPort: number,
      hostPort: number,
      ...(protocol && { protocol }),
      ...(agent.ip && { hostIP: agent.ip }),
    });
  for (const { name, number, protocol } of task.discovery?.ports?.ports ?? []) {
    add(name ?? "", String(number), protocol);
  }
  for (const variable of process.Envs ?? []) {
    const [, name, number] = PORT_VARIABLE.exec(variable) ?? [];
    if (name === undefined || number === undefined || ports.has(name)) continue;
    if (Number(number) > 0 && Number(number) <= PORT_MAX) add(name, number);
  }
  return [...ports.values()].slice(0, PORTS_MAX);
}
