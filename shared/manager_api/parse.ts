import { InvalidInputError } from "../errors.ts";
import { ObjectReader } from "../json_reader.ts";
import { SIGNAL_MAX, SIGNALS } from "../signals.ts";
import { readFile, readFiles, readRemoteVariables } from "./parse_files.ts";
import { readOptions } from "./parse_options.ts";
import { readOwner } from "./parse_owner.ts";
import { readUris } from "./parse_uris.ts";
import type {
  ExecRequest,
  HandOver,
  LimitResource,
  Limits,
  ProcessFile,
  ProcessInfo,
  Resource,
} from "./types.ts";

/** Longest id in UTF-8 bytes: it becomes part of file names. */
export const ID_BYTES_MAX = 200;
/** Most variables or arguments. */
const ITEMS_MAX = 4_096;
/** Longest time that may be asked for, seconds: a year. */
export const SECONDS_MAX = 31_536_000;

// deno-lint-ignore no-control-regex -- they are what is refused
const CONTROL = /[\x00-\x1f\x7f]/;
const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Reads a process definition as a client sends it: keys in any letter case,
 * unknown ones ignored, absent ones as the original's zero values.
 *
 * @param body The request's JSON text.
 * @param checkPath Rules that the path of a file or package must follow
 * beside: the one it breaks.
 * @throws {InvalidInputError} With every problem and its field; environment
 * values, file contents and passwords are not shown.
 */
export function parseProcessInfo(
  body: string,
  checkPath: (path: string) => string | null = () => null,
): ProcessInfo {
  const subject = "process definition";
  const reader = new ObjectReader(parseJson(body, subject));
  const info: ProcessInfo = {
    Id: readId(reader),
    WorkDir: readPath(reader, "WorkDir"),
    ProcessName: readWord(reader, "ProcessName"),
    Uris: readUris(reader),
    PidFile: readPath(reader, "PidFile"),
    StartCmd: readCommand(reader, "StartCmd", true),
    StartGracePeriod: readSeconds(reader, "StartGracePeriod"),
    StopCmd: readCommand(reader, "StopCmd"),
    StopTimeout: readSeconds(reader, "StopTimeout"),
    KillCmd: readCommand(reader, "KillCmd"),
    RestartCmd: readCommand(reader, "RestartCmd"),
    ReloadCmd: readCommand(reader, "ReloadCmd"),
    CheckCmd: readCommand(reader, "CheckCmd"),
    Resource: readResource(reader),
    LimitResources: readLimitResource(reader),
    LogPath: readPath(reader, "LogPath"),
    ...readOptions(reader),
    Files: readFiles(reader) ?? [],
    RemoteEnvs: readRemoteVariables(reader) ?? [],
    Envs: readVariables(reader),
    Argv: readItems(reader, "Argv"),
    User: readUser(reader),
    ExecutorId: readOwner(reader, "ExecutorId"),
    StatusInfo: null,
    ExecutorHeartBeatTime: 0,
  };
  if (info.ProcessName.includes("/")) {
    reader.addProblem("ProcessName", "must be a base name, without a slash");
  }
  if (info.Argv && info.Argv.length > 0 && CONTROL.test(info.StartCmd)) {
    reader.addProblem(
      "StartCmd",
      "must be a path without control characters when Argv is given",
    );
  }
  info.Files?.forEach((file, index) => {
    const rule = checkPath(file.To);
    if (rule !== null) reader.addProblem(`Files[${index}].To`, rule);
  });
  info.Uris?.forEach(({ OutputDir }, index) => {
    const rule = checkPath(OutputDir);
    if (rule !== null) reader.addProblem(`Uris[${index}].OutputDir`, rule);
  });
  reader.throwProblems(subject);
  return info;
}

/**
 * Reads a file to write, as a client sends it.
 *
 * @param body The request's JSON text.
 * @param checkPath As for {@linkcode parseProcessInfo}.
 * @throws {InvalidInputError} With every problem, and no content.
 */
export function parseProcessFile(
  body: string,
  checkPath: (path: string) => string | null,
): ProcessFile {
  const reader = new ObjectReader(parseJson(body, "file"));
  const file = readFile(reader);
  const rule = checkPath(file.To);
  if (rule !== null) reader.addProblem("To", rule);
  reader.throwProblems("file");
  return file;
}

/**
 * Reads the command of an exec request.
 *
 * @param body The request's JSON text.
 * @throws {InvalidInputError} With every problem and its field; arguments and
 * environment values are not shown.
 */
export function parseExecRequest(body: string): ExecRequest {
  const subject = "command";
  const reader = new ObjectReader(parseJson(body, subject));
  const request: ExecRequest = {
    Cmd: readItems(reader, "Cmd") ?? [],
    Envs: readVariables(reader) ?? [],
    User: readUser(reader),
    WorkDir: readPath(reader, "WorkDir"),
    Timeout: reader.number("Timeout", { max: SECONDS_MAX }),
  };
  if (!request.Cmd[0]) {
    reader.addProblem("Cmd", "must hold at least a program");
  } else if (CONTROL.test(request.Cmd[0])) {
    reader.addProblem("Cmd[0]", "must not hold a control character");
  }
  if (!(request.Timeout > 0)) {
    reader.addProblem(
      "Timeout",
      `must be seconds above 0: current value is ${request.Timeout}`,
    );
  }
  reader.throwProblems(subject);
  return request;
}

/**
 * Reads a signal out of a path.
 *
 * @param text A name, with or without SIG in front, or a number.
 * @returns Its number.
 * @throws {InvalidInputError} That lists what is accepted.
 */
export function parseSignal(text: string): number {
  const named = SIGNALS.get(text.replace(/^SIG/, ""));
  if (named !== undefined) return named;
  const number = Number(text);
  if (/^\d{1,2}$/.test(text) && number >= 1 && number <= SIGNAL_MAX) {
    return number;
  }
  throw new InvalidInputError("request", [{
    field: "signal",
    rule: `must be one of ${[...SIGNALS.keys()].join(", ")}, with or ` +
      `without SIG in front, or a number from 1 to ${SIGNAL_MAX}: ` +
      `current value is ${JSON.stringify(text.slice(0, 60))}`,
  }]);
}

/**
 * Reads whole seconds out of a path.
 *
 * @throws {InvalidInputError}
 */
export function parseSeconds(field: string, text: string): number {
  const seconds = Number(text);
  if (/^\d{1,9}$/.test(text) && seconds <= SECONDS_MAX) return seconds;
  throw new InvalidInputError("request", [{
    field,
    rule: `must be whole seconds from 0 to ${SECONDS_MAX}: ` +
      `current value is ${JSON.stringify(text.slice(0, 60))}`,
  }]);
}

/**
 * Reads new limits, as a client sends them.
 *
 * @throws {InvalidInputError} With every problem.
 */
export function parseLimits(body: string): Limits {
  const reader = new ObjectReader(parseJson(body, "limits"));
  const limits: Limits = {
    ...readLimit(reader, "Cpus"),
    ...readLimit(reader, "Mem"),
    ...readLimit(reader, "Pids"),
  };
  if (Object.keys(limits).length === 0) {
    reader.addProblem("Cpus", "must be given, or Mem, or Pids");
  }
  reader.throwProblems("limits");
  return limits;
}

/**
 * Reads to whom a process is given, as a client sends it.
 *
 * @throws {InvalidInputError} With every problem.
 */
export function parseHandOver(body: string): HandOver {
  const subject = "owner";
  const reader = new ObjectReader(parseJson(body, subject));
  for (const key of ["From", "To"]) {
    // One that was forgotten would take a process from its owner.
    if (!reader.has(key)) reader.addProblem(key, 'must be given: "" is nobody');
  }
  const handOver: HandOver = {
    From: readOwner(reader, "From"),
    To: readOwner(reader, "To"),
  };
  reader.throwProblems(subject);
  return handOver;
}

function readLimit(reader: ObjectReader, key: keyof Limits): Limits {
  if (!reader.has(key)) return {};
  const value = key === "Pids"
    ? reader.integer(key, { default: -1, min: -1 })
    : reader.number(key, { default: -1 });
  if (value !== -1 && value <= 0) {
    reader.addProblem(
      key,
      `must be above 0, or -1 for no limit: current value is ${value}`,
    );
  }
  return { [key]: value };
}

function parseJson(body: string, subject: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    // The parser's own message would quote the body, secrets and all.
    const { position } = /position (?<position>\d+)/.exec(String(error))
      ?.groups ?? {};
    throw new InvalidInputError(subject, [{
      field: "(document)",
      rule: "must be JSON" +
        (position === undefined ? "" : `: it breaks off at ${position}`),
    }]);
  }
}

function readId(reader: ObjectReader): string {
  const id = reader.string("Id", { required: true });
  if (id === "." || id === ".." || id.includes("/") || CONTROL.test(id)) {
    reader.addProblem(
      "Id",
      "must be neither . nor .. and hold no slash and no control character: " +
        `current value is ${JSON.stringify(id.slice(0, ID_BYTES_MAX))}`,
    );
  }
  if (new TextEncoder().encode(id).length > ID_BYTES_MAX) {
    reader.addProblem("Id", `must have at most ${ID_BYTES_MAX} bytes`);
  }
  return id;
}

function readPath(reader: ObjectReader, key: string): string {
  const path = reader.string(key);
  if (path === "") return path;
  // A folder of the daemon's may stand in front: it is filled in later.
  if (!/^(\/|\$\{(work|run)_base_dir\}(\/|$))/.test(path)) {
    reader.addProblem(
      key,
      `must be an absolute path: current value is ${JSON.stringify(path)}`,
    );
  }
  if (CONTROL.test(path)) {
    reader.addProblem(key, "must not hold a control character");
  }
  return path;
}

function readWord(reader: ObjectReader, key: string): string {
  const word = reader.string(key);
  if (CONTROL.test(word)) {
    reader.addProblem(key, "must not hold a control character");
  }
  return word;
}

function readUser(reader: ObjectReader): string {
  const user = readWord(reader, "User");
  if (user.startsWith("-")) {
    reader.addProblem("User", "must not begin with -");
  }
  return user;
}

function readCommand(
  reader: ObjectReader,
  key: string,
  required = false,
): string {
  const text = reader.string(key, { required });
  if (text.includes("\0")) reader.addProblem(key, "must not hold a NUL");
  return text;
}

function readSeconds(reader: ObjectReader, key: string): number {
  return reader.integer(key, { min: 0, max: SECONDS_MAX });
}

function readResource(parent: ObjectReader): Resource | null {
  const reader = parent.object("Resource");
  return reader === undefined ? null : readAmounts(reader);
}

function readLimitResource(parent: ObjectReader): LimitResource | null {
  const reader = parent.object("LimitResources");
  return reader === undefined ? null : {
    ...readAmounts(reader),
    Pids: reader.integer("Pids", { min: -1 }),
  };
}

/** -1 stands for "no limit". */
function readAmounts(reader: ObjectReader): Resource {
  return {
    Cpus: reader.number("Cpus", { min: -1 }),
    Mem: reader.number("Mem", { min: -1 }),
    Disk: reader.number("Disk", { min: -1 }),
  };
}

function readItems(reader: ObjectReader, key: string): string[] | null {
  const items = reader.strings(key, { secret: true });
  if (items === undefined) return null;
  if (items.length > ITEMS_MAX) {
    reader.addProblem(key, `must have at most ${ITEMS_MAX} items`);
  }
  items.forEach((item, index) => {
    if (item.includes("\0")) {
      reader.addProblem(`${key}[${index}]`, "must not hold a NUL");
    }
  });
  return items;
}

function readVariables(reader: ObjectReader): string[] | null {
  const items = readItems(reader, "Envs");
  items?.forEach((item, index) => {
    const equals = item.indexOf("=");
    if (!VARIABLE_NAME.test(item.slice(0, Math.max(0, equals)))) {
      reader.addProblem(
        `Envs[${index}]`,
        "must be NAME=value with a name of letters, digits and _ that does " +
          "not begin with a digit",
      );
    }
  });
  return items;
}
