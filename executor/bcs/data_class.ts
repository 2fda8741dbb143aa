import { InvalidInputError, type Problem } from "../../shared/errors.ts";
import { ObjectReader } from "../../shared/json_reader.ts";
import type { PullPolicy, Resource } from "../../shared/manager_api/types.ts";
import type { BcsMessage, TaskMessageType } from "./bcs_message.ts";
import { decodeJsonObject } from "./encoded_json.ts";
import { readTaskMessage } from "./read_message.ts";

/** A resource beside the usual three. */
export interface ExtendedResource {
  readonly InnerIP: string;
  readonly Name: string;
  readonly Value: number;
  readonly Capacity: number;
  readonly Socket: string;
}

/** A package, as a BCS process definition names it. */
export interface ProcUri {
  /** The package's address. */
  readonly Value: string;
  /** User name at the registry; "" = none. */
  readonly User: string;
  /** Password at the registry: secret. */
  readonly Pwd: string;
  /** Where the unpacked package appears. */
  readonly OutputDir: string;
  /** "" = not given: the scheduler of today drops it on the way. */
  readonly PullPolicy: PullPolicy | "";
}

/** A process, as a BCS process definition describes it. */
export interface ProcInfo {
  /** Base name of the process's executable. */
  readonly procName: string;
  /** Working folder. */
  readonly workPath: string;
  /** "" = the start command is the process. */
  readonly pidFile: string;
  readonly startCmd: string;
  readonly checkCmd: string;
  readonly stopCmd: string;
  readonly restartCmd: string;
  readonly reloadCmd: string;
  readonly killCmd: string;
  readonly logPath: string;
  readonly cfgPath: string;
  readonly uris: readonly ProcUri[];
  /** Seconds; 0 = the daemon's default. */
  readonly startGracePeriod: number;
}

/**
 * What the BCS scheduler puts into `TaskInfo.data` (bk-bcs
 * schetypes/application.go). A null or absent list is an empty one here.
 */
export interface DataClass {
  readonly Resources: Resource | null;
  readonly LimitResources: Resource | null;
  readonly ExtendedResources: readonly ExtendedResource[];
  /** Variables and files the process needs. */
  readonly Msgs: readonly BcsMessage<TaskMessageType>[];
  readonly NetLimit: { readonly egressLimit: number } | null;
  /** Null for a task of another kind than process. */
  readonly ProcInfo: ProcInfo | null;
}

/** An object with none of these is some other framework's. */
const DATA_CLASS_KEYS = [
  "Resources",
  "LimitResources",
  "ExtendedResources",
  "Msgs",
  "NetLimit",
  "ProcInfo",
];

/**
 * Parses `TaskInfo.data` as the Mesos JSON mapping has it.
 *
 * @param base64 The member's text; undefined when the task has none.
 * @returns The data; undefined when it is absent or not BCS's, which is how
 * any other framework's opaque data looks.
 * @throws {InvalidInputError} If it is BCS's and wrong: every problem at once,
 * and no secret value.
 */
export function parseDataClass(
  base64: string | undefined,
): DataClass | undefined {
  const problems: Problem[] = [];
  const data = readDataClass(base64, "", problems);
  if (problems.length > 0) {
    throw new InvalidInputError("BCS task data", problems);
  }
  return data;
}

/**
 * Does what {@linkcode parseDataClass} does, for a caller that collects the
 * problems of more than the data.
 *
 * @param base64 As in `parseDataClass`.
 * @param path Put in front of each problem's field; "" = nothing.
 * @param problems List to add to.
 */
export function readDataClass(
  base64: string | undefined,
  path: string,
  problems: Problem[],
): DataClass | undefined {
  const json = decodeJsonObject(base64);
  if (json === undefined) return undefined;
  const reader = new ObjectReader(json.value, path, problems);
  if (!DATA_CLASS_KEYS.some((key) => reader.has(key))) return undefined;
  const procInfo = reader.object("ProcInfo");
  const netLimit = reader.object("NetLimit");
  return {
    Resources: readResource(reader.object("Resources")),
    LimitResources: readResource(reader.object("LimitResources")),
    ExtendedResources: (reader.objects("ExtendedResources") ?? [])
      .map(readExtendedResource),
    Msgs: (reader.objects("Msgs") ?? [])
      .map(readTaskMessage)
      .filter((message) => message !== undefined),
    NetLimit: netLimit
      ? { egressLimit: netLimit.integer("egressLimit") }
      : null,
    ProcInfo: procInfo ? readProcInfo(procInfo) : null,
  };
}

function readResource(reader: ObjectReader | undefined): Resource | null {
  return reader
    ? {
      Cpus: reader.number("Cpus", { min: 0 }),
      Mem: reader.number("Mem", { min: 0 }),
      Disk: reader.number("Disk", { min: 0 }),
    }
    : null;
}

function readExtendedResource(reader: ObjectReader): ExtendedResource {
  return {
    InnerIP: reader.string("InnerIP"),
    Name: reader.string("Name"),
    Value: reader.number("Value"),
    Capacity: reader.number("Capacity"),
    Socket: reader.string("Socket"),
  };
}

function readProcInfo(reader: ObjectReader): ProcInfo {
  return {
    procName: reader.string("procName"),
    workPath: reader.string("workPath"),
    pidFile: reader.string("pidFile"),
    startCmd: reader.string("startCmd", { required: true }),
    checkCmd: reader.string("checkCmd"),
    stopCmd: reader.string("stopCmd"),
    restartCmd: reader.string("restartCmd"),
    reloadCmd: reader.string("reloadCmd"),
    killCmd: reader.string("killCmd"),
    logPath: reader.string("logPath"),
    cfgPath: reader.string("cfgPath"),
    uris: (reader.objects("uris") ?? []).map(readUri),
    startGracePeriod: reader.integer("startGracePeriod", { min: 0 }),
  };
}

function readUri(reader: ObjectReader): ProcUri {
  return {
    Value: reader.string("Value", { required: true }),
    User: reader.string("User"),
    Pwd: reader.string("Pwd", { secret: true }),
    OutputDir: reader.string("OutputDir"),
    PullPolicy: reader.oneOf("PullPolicy", ["", "Always", "IfNotPresent"], ""),
  };
}
