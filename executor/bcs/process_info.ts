import { DEFAULT_PATH } from "../../shared/default_path.ts";
import { InvalidInputError, type Problem } from "../../shared/errors.ts";
import type {
  ProcessFile,
  ProcessInfo,
  Resource,
  Uri,
} from "../../shared/manager_api/types.ts";
import { type ProcInfo, type ProcUri, readDataClass } from "./data_class.ts";
import { collectEnvironment, type EnvironmentInput } from "./environment.ts";
import { toProcessFile } from "./process_file.ts";
import { type LimitsInput, toLimitResources } from "./task_limits.ts";

/**
 * The part of a Mesos TaskInfo (JSON mapping: snake_case names, enums by name,
 * bytes as base64) that a process is made of.
 */
export interface TaskInput {
  readonly task_id: { readonly value: string };
  readonly resources?: readonly {
    readonly name: string;
    readonly scalar?: { readonly value: number };
  }[];
  /** BCS's {@linkcode DataClass}, or any other framework's bytes. */
  readonly data?: string;
  readonly command?: CommandInput;
  readonly container?: unknown;
  readonly kill_policy?: {
    readonly grace_period?: { readonly nanoseconds: number };
  };
  readonly limits?: LimitsInput;
}

/** The part of a Mesos CommandInfo that a process is made of. */
export interface CommandInput {
  /** Shell text, or an executable when `shell` is false. */
  readonly value?: string;
  /** @default {true} */
  readonly shell?: boolean;
  /** The whole argument vector, `argv[0]` included; for shell = false. */
  readonly arguments?: readonly string[];
  readonly environment?: EnvironmentInput;
  readonly user?: string;
  readonly uris?: readonly unknown[];
}

/** What a process is made of beside its task. */
export interface ProcessInfoOptions {
  /**
   * User for a task whose command names none: the executor command's, else
   * the framework's; "" leaves it to the launcher's policy.
   */
  readonly user: string;
  /** Working folder of a plain Mesos task: the executor's sandbox. */
  readonly sandbox: string;
  /** What this run of the executor is called by the daemon. */
  readonly owner: string;
}

/** A process, and what its task asks for that cannot be given to it. */
export interface TaskProcess {
  /** The create request for the daemon. */
  readonly processInfo: ProcessInfo;
  /**
   * What is left out of it, one sentence each, without any secret. A task
   * with an entry must be refused: it would not be what was asked for.
   */
  readonly unsupported: readonly string[];
  /** Whether BCS data describes it, and not its Mesos command. */
  readonly isBcs: boolean;
}

/** What of the request is made in another way for each kind of task. */
type ProcessPart = Omit<
  ProcessInfo,
  | "Id"
  | "StopTimeout"
  | "LimitResources"
  | "Files"
  | "Envs"
  | "RemoteEnvs"
  | "User"
  | "ExecutorId"
  | "StatusInfo"
  | "ExecutorHeartBeatTime"
>;

const NANOSECONDS_PER_SECOND = 1e9;

/**
 * Makes the daemon's create request out of a task: of its BCS data when that
 * describes a process, else of its Mesos command. Pure.
 *
 * @param task The task as the agent sent it.
 * @param options What the task does not say.
 * @throws {InvalidInputError} With every problem of the task at once; no
 * secret value is in it.
 */
export function toProcessInfo(
  task: TaskInput,
  options: ProcessInfoOptions,
): TaskProcess {
  const problems: Problem[] = [];
  const unsupported: string[] = [];
  const data = readDataClass(task.data, "data", problems);
  const procInfo = data?.ProcInfo;
  // A second opinion on data that is already known to be wrong only misleads.
  const isDataWrong = problems.length > 0;
  const part = procInfo || isDataWrong
    ? procInfo && fromProcInfo(procInfo, data.Resources)
    : fromCommand(task, options.sandbox, problems, unsupported);
  const messages = isDataWrong ? [] : data?.Msgs ?? [];
  const files = messages.map(toProcessFile).filter((file) => file !== null);
  const { variables, remoteVariables } = collectEnvironment(
    messages,
    task.command?.environment,
    problems,
  );
  const limitResources = toLimitResources(
    task.limits,
    data?.LimitResources ?? null,
    part?.Resource ?? null,
    problems,
  );
  if (!part || problems.length > 0) {
    throw new InvalidInputError(`task "${task.task_id.value}"`, problems);
  }
  const hasPath = variables.has("PATH") ||
    remoteVariables.some(({ Name }) => Name === "PATH");
  if (!procInfo && !hasPath) variables.set("PATH", DEFAULT_PATH);
  if (task.container !== undefined) {
    unsupported.push("container: a process runs in none");
  }
  const processInfo: ProcessInfo = {
    Id: task.task_id.value,
    ...part,
    ...(procInfo && { Uris: toUris(procInfo, part.LogPath, files) }),
    StopTimeout: readStopTimeout(task),
    ...(limitResources && { LimitResources: limitResources }),
    ...(files.length > 0 && { Files: files }),
    Envs: Array.from(variables, ([name, value]) => `${name}=${value}`),
    ...(remoteVariables.length > 0 && { RemoteEnvs: remoteVariables }),
    User: task.command?.user || options.user,
    StatusInfo: null,
    ExecutorId: options.owner,
    ExecutorHeartBeatTime: 0,
  };
  const isBcs = procInfo !== undefined && procInfo !== null;
  return { processInfo, unsupported, isBcs };
}

function fromProcInfo(
  procInfo: ProcInfo,
  resource: Resource | null,
): ProcessPart {
  const { restartCmd, reloadCmd, checkCmd } = procInfo;
  const logFolder = toLogFolder(procInfo.logPath);
  return {
    WorkDir: procInfo.workPath,
    ProcessName: procInfo.procName,
    Uris: [],
    PidFile: procInfo.pidFile,
    StartCmd: procInfo.startCmd,
    StartGracePeriod: procInfo.startGracePeriod,
    StopCmd: procInfo.stopCmd,
    KillCmd: procInfo.killCmd,
    ...(restartCmd && { RestartCmd: restartCmd }),
    ...(reloadCmd && { ReloadCmd: reloadCmd }),
    ...(checkCmd && { CheckCmd: checkCmd }),
    ...(logFolder && { LogPath: logFolder }),
    Resource: resource,
    Argv: [],
  };
}

/**
 * The folder of a BCS logPath, where stdout and stderr are found; "" = none.
 * Tasks have named any path there as long as nobody looked at it, and have to
 * start still: one that is not below the daemon's own folders may not be
 * allowed, and one that ends like a file may be what the process writes to.
 */
function toLogFolder(logPath: string): string {
  const path = toPlain(logPath);
  const [base = "", ...names] = path.split("/");
  const isOwn = ["${work_base_dir}", "${run_base_dir}"].includes(base);
  const isPlain = names.length > 0 && !/(^|\/)\.\.?(\/|$)|\p{Cc}/u.test(path);
  return isOwn && isPlain && !path.endsWith(".log") ? path : "";
}

/**
 * A package that something is written into is the process's own copy: what is
 * behind a link is for several processes, and nothing is written through one.
 */
function toUris(
  { uris, pidFile }: ProcInfo,
  logPath: string | undefined,
  files: readonly ProcessFile[],
): Uri[] {
  const written = [
    pidFile,
    ...(logPath === undefined ? [] : [`${logPath}/stdout`]),
    ...files.map(({ To }) => To),
  ].map(toPlain);
  const toUri = ({ PullPolicy, ...uri }: ProcUri): Uri => {
    const folder = `${toPlain(uri.OutputDir)}/`;
    return {
      ...uri,
      ...(PullPolicy && { PullPolicy }),
      Mode: written.some((path) => path.startsWith(folder)) ? "copy" : "link",
      ExtractDir: "",
      PackagesFile: "",
    };
  };
  return uris.map(toUri);
}

function toPlain(path: string): string {
  return path.replaceAll(/\/+/g, "/").replace(/\/$/, "");
}

function fromCommand(
  task: TaskInput,
  sandbox: string,
  problems: Problem[],
  unsupported: string[],
): ProcessPart {
  const command = task.command ?? {};
  if (!command.value) {
    problems.push({
      field: "command.value",
      rule: "must not be empty when data describes no BCS process",
    });
  }
  if (command.uris?.length) {
    unsupported.push("command.uris: a task's own URIs cannot be fetched yet");
  }
  const start = command.shell === false
    ? startExecutable(command, problems, unsupported)
    : { StartCmd: "/bin/sh", Argv: ["-c", command.value ?? ""] };
  return {
    WorkDir: sandbox,
    ProcessName: "",
    Uris: [],
    PidFile: "",
    ...start,
    StartGracePeriod: 0,
    StopCmd: "",
    KillCmd: "",
    Resource: sumResources(task),
  };
}

/**
 * The daemon executes a path with exact arguments but searches no PATH, and
 * takes a command without arguments for shell text unless it is plainly a
 * path. `env` covers both cases: it searches the PATH that the process gets,
 * as Mesos does (execvpe), and unlike a shell it passes on every variable,
 * whatever its name, and never interprets the text. The one thing it cannot
 * start is a program with "=" in its name.
 */
function startExecutable(
  command: CommandInput,
  problems: Problem[],
  unsupported: string[],
): Pick<ProcessInfo, "StartCmd" | "Argv"> {
  const path = command.value ?? "";
  const [name, ...rest] = command.arguments ?? [];
  // Programs such as busybox act on argv[0]; the daemon always passes the path.
  if (name !== undefined && baseName(name) !== baseName(path)) {
    unsupported.push(
      `command.arguments[0]: the process is always called as ` +
        `${JSON.stringify(path)} (the first of the arguments is argv[0])`,
    );
  }
  const isPath = path.includes("/");
  const isPlain = /^[\w./+@%,:-]+$/.test(path);
  if (isPath && (rest.length > 0 || isPlain)) {
    return { StartCmd: path, Argv: rest };
  }
  if (path.includes("=")) {
    problems.push({
      field: "command.value",
      rule: "must not contain = unless it is a path with arguments after it",
    });
  }
  return { StartCmd: "/usr/bin/env", Argv: ["--", path, ...rest] };
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Of several reservations of one resource, the process has their sum. */
function sumResources(task: TaskInput): Resource {
  const sum = (name: string) =>
    (task.resources ?? [])
      .filter((resource) => resource.name === name)
      .reduce((total, { scalar }) => total + (scalar?.value ?? 0), 0);
  return { Cpus: sum("cpus"), Mem: sum("mem"), Disk: sum("disk") };
}

/** Rounded up to seconds, so that no part of the promised time is lost. */
function readStopTimeout(task: TaskInput): number {
  const nanoseconds = task.kill_policy?.grace_period?.nanoseconds ?? 0;
  return Math.ceil(Math.max(0, nanoseconds) / NANOSECONDS_PER_SECOND);
}
