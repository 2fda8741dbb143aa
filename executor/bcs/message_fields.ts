/**
 * Reads the members that bodies of BCS messages are made of. Each remembers
 * the problems of its member in the reader and returns something harmless.
 *
 * @module
 */

import { mustBe, type ObjectReader } from "../../shared/json_reader.ts";
import type {
  CommandInspection,
  CommandRequest,
  LocalFile,
  RemoteSource,
  Secret,
  TaskResources,
} from "./bcs_message.ts";

/** Greatest number of a signal on Linux. */
const SIGNAL_MAX = 64;

/** The object that a message of its type must have. */
export function readBody(
  message: ObjectReader,
  key: string,
): ObjectReader | undefined {
  if (!message.has(key)) {
    message.addProblem(key, "must be there for a message of this type");
  }
  return message.object(key);
}

/** Each item of a list; none when it is absent. */
export function readItems<T>(
  body: ObjectReader,
  key: string,
  read: (item: ObjectReader) => T,
): T[] {
  return (body.objects(key) ?? []).map(read);
}

/** What a variable or secret is called. */
export function readName(body: ObjectReader): { Name: string } {
  return { Name: body.string("Name", { required: true }) };
}

/** Which file is to be written, and for whom. */
export function readTarget(
  body: ObjectReader,
): Pick<LocalFile, "To" | "Right" | "User"> {
  return {
    To: body.string("To", { required: true }),
    Right: body.string("Right"),
    User: body.string("User"),
  };
}

/** Where content is to be fetched from: by HTTP or HTTPS only. */
export function readSource(body: ObjectReader): RemoteSource {
  const From = body.string("From", { required: true, secret: true });
  // The address itself is not shown: it may hold a password.
  if (From !== "" && !/^https?:\/\/[^/]/i.test(From)) {
    body.addProblem("From", "must be an http:// or https:// address");
  }
  const Type = body.string("Type");
  if (Type !== "" && Type !== "http" && Type !== "https") {
    body.addProblem("Type", mustBe("http or https", Type));
  }
  return {
    From,
    Type,
    RemoteUser: body.string("RemoteUser"),
    RemotePasswd: body.string("RemotePasswd", { secret: true }),
  };
}

/** The number of a signal. */
export function readSignal(body: ObjectReader): number {
  const signal = body.integer("Signal");
  if (signal < 1 || signal > SIGNAL_MAX) {
    body.addProblem("Signal", mustBe(`from 1 to ${SIGNAL_MAX}`, signal));
  }
  return signal;
}

/** What a secret is to become. */
export function readSecretType(body: ObjectReader): Secret["Type"] {
  const type = body.integer("Type");
  if (type === 1 || type === 2) return type;
  body.addProblem("Type", mustBe("1 (variable) or 2 (file)", type));
  return 1;
}

/** An amount of a resource; null when absent or 0, as for Docker. */
function readAmount(body: ObjectReader, key: string): number | null {
  return body.number(key) || null;
}

/** New amounts for one task. */
export function readTaskResources(body: ObjectReader): TaskResources {
  const resources = {
    TaskId: body.string("TaskId", { required: true }),
    ReqCpu: readAmount(body, "ReqCpu"),
    ReqMem: readAmount(body, "ReqMem"),
    Cpu: readAmount(body, "Cpu"),
    Mem: readAmount(body, "Mem"),
  };
  if (resources.Cpu === null && resources.Mem === null) {
    body.addProblem("Cpu", "must not be 0 when Mem is");
  }
  return resources;
}

/** What names a command. */
export function readCommandIds(
  body: ObjectReader,
): Pick<CommandRequest, "ID" | "TaskId" | "ContainerId"> {
  return {
    ID: body.string("ID"),
    TaskId: body.string("TaskId"),
    ContainerId: body.string("ContainerId"),
  };
}

/** How a command ended; null when absent. */
export function readInspection(body: ObjectReader): CommandInspection | null {
  const inspection = body.object("CommInspect");
  return inspection
    ? {
      exitCode: inspection.integer("exitCode"),
      stdout: inspection.string("stdout", { secret: true }),
      stderr: inspection.string("stderr", { secret: true }),
    }
    : null;
}

/** Text that must be base64; it stays encoded and is never shown. */
export function readBase64(body: ObjectReader, key: string): string {
  const value = body.string(key, { secret: true });
  try {
    Uint8Array.fromBase64(value);
  } catch {
    body.addProblem(key, "must be base64");
  }
  return value;
}
