import { InvalidInputError } from "../errors.ts";
import { ObjectReader } from "../json_reader.ts";
import { readFile, readFiles, readRemoteVariables } from "./parse_files.ts";
import type { ProcessFile, ProcessInfo, Resource, Uri } from "./types.ts";

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
 * @param checkFile Rules that a file must follow beside: the one it breaks.
 * @throws {InvalidInputError} With every problem and its field; environment
 * values, file contents and passwords are not shown.
 */
export function parseProcessInfo(
  body: string,
  checkFile: (file: ProcessFile) => string | null = () => null,
): ProcessInfo {
  const reader = new ObjectReader(parseJson(body, "process definition"));
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
    Resource: readResource(reader, "Resource"),
    LimitResources: readResource(reader, "LimitResources"),
    Files: readFiles(reader) ?? [],
    RemoteEnvs: readRemoteVariables(reader) ?? [],
    Envs: readVariables(reader),
    Argv: readItems(reader, "Argv"),
    User: readWord(reader, "User"),
    ExecutorId: readWord(reader, "ExecutorId"),
    StatusInfo: null,
    ExecutorHeartBeatTime: 0,
  };
  if (info.ProcessName.includes("/")) {
    reader.addProblem("ProcessName", "must be a base name, without a slash");
  }
  if (info.User.startsWith("-")) {
    reader.addProblem("User", "must not begin with -");
  }
  if (info.Argv && info.Argv.length > 0 && CONTROL.test(info.StartCmd)) {
    reader.addProblem(
      "StartCmd",
      "must be a path without control characters when Argv is given",
    );
  }
  info.Files?.forEach((file, index) => {
    const rule = checkFile(file);
    if (rule !== null) reader.addProblem(`Files[${index}].To`, rule);
  });
  reader.throwProblems("process definition");
  return info;
}

/**
 * Reads a file to write, as a client sends it.
 *
 * @param body The request's JSON text.
 * @param checkFile As for {@linkcode parseProcessInfo}.
 * @throws {InvalidInputError} With every problem, and no content.
 */
export function parseProcessFile(
  body: string,
  checkFile: (file: ProcessFile) => string | null,
): ProcessFile {
  const reader = new ObjectReader(parseJson(body, "file"));
  const file = readFile(reader);
  const rule = checkFile(file);
  if (rule !== null) reader.addProblem("To", rule);
  reader.throwProblems("file");
  return file;
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

function readResource(
  parent: ObjectReader,
  key: "Resource" | "LimitResources",
): Resource | null {
  const reader = parent.object(key);
  // -1 stands for "no limit".
  return reader === undefined ? null : {
    Cpus: reader.number("Cpus", { min: -1 }),
    Mem: reader.number("Mem", { min: -1 }),
    Disk: reader.number("Disk", { min: -1 }),
  };
}

function readUris(parent: ObjectReader): Uri[] | null {
  return parent.objects("Uris")?.map((reader) => ({
    Value: reader.string("Value", { required: true }),
    User: reader.string("User"),
    Pwd: reader.string("Pwd", { secret: true }),
    OutputDir: reader.string("OutputDir"),
    ExtractDir: "",
    PackagesFile: "",
  })) ?? null;
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
