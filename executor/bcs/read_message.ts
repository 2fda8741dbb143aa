import type { Problem } from "../../shared/errors.ts";
import { mustBe, ObjectReader } from "../../shared/json_reader.ts";
import type {
  BcsMessage,
  BcsMessageHeader,
  BcsMessageType,
  TaskMessageType,
} from "./bcs_message.ts";
import { decodeJsonObject } from "./encoded_json.ts";
import {
  readBase64,
  readBody,
  readCommandIds,
  readInspection,
  readItems,
  readName,
  readSecretType,
  readSignal,
  readSource,
  readTarget,
  readTaskResources,
} from "./message_fields.ts";

type MessageReader<T extends BcsMessageType> = (
  header: BcsMessageHeader,
  message: ObjectReader,
) => BcsMessage<T> | undefined;

/** One row per type. */
const MESSAGE_READERS: {
  readonly [T in BcsMessageType]: MessageReader<T>;
} = {
  0: (header) => ({ ...header, Type: 0 }),
  1: (header, message) => {
    const body = readBody(message, "Local");
    return body && {
      ...header,
      Type: 1,
      Local: { ...readTarget(body), Base64: readBase64(body, "Base64") },
    };
  },
  2: (header, message) => {
    const body = readBody(message, "Sig");
    return body && {
      ...header,
      Type: 2,
      Sig: {
        Signal: readSignal(body),
        ProcessName: body.string("ProcessName"),
      },
    };
  },
  3: (header, message) => {
    const body = readBody(message, "Env");
    return body && {
      ...header,
      Type: 3,
      Env: { ...readName(body), Value: readBase64(body, "Value") },
    };
  },
  4: (header, message) => {
    const body = readBody(message, "Remote");
    return body && {
      ...header,
      Type: 4,
      Remote: { ...readTarget(body), ...readSource(body) },
    };
  },
  5: (header, message) => {
    const body = readBody(message, "Secret");
    return body && {
      ...header,
      Type: 5,
      Secret: {
        ...readName(body),
        Value: readBase64(body, "Value"),
        Type: readSecretType(body),
      },
    };
  },
  6: (header, message) => ({
    ...header,
    Type: 6,
    TaskStatusQuery: {
      Reason: message.object("TaskStatusQuery")?.string("Reason") ?? "",
    },
  }),
  7: (header, message) => {
    const body = readBody(message, "EnvRemote");
    return body && {
      ...header,
      Type: 7,
      EnvRemote: { ...readName(body), ...readSource(body) },
    };
  },
  8: (header, message) => {
    const body = readBody(message, "UpdateTaskResources");
    return body && {
      ...header,
      Type: 8,
      UpdateTaskResources: {
        Resources: readItems(body, "Resources", readTaskResources),
      },
    };
  },
  9: (header, message) => {
    const body = readBody(message, "CommitTask");
    return body && {
      ...header,
      Type: 9,
      CommitTask: {
        Tasks: readItems(body, "Tasks", (item) => ({
          TaskId: item.string("TaskId"),
          Image: item.string("Image"),
        })),
      },
    };
  },
  10: (header) => ({ ...header, Type: 10, ReloadTask: {} }),
  11: (header) => ({ ...header, Type: 11, RestartTask: {} }),
  12: (header, message) => {
    const body = readBody(message, "RequestCommandTask");
    return body && {
      ...header,
      Type: 12,
      RequestCommandTask: {
        ...readCommandIds(body),
        Env: body.strings("Env", { secret: true }) ?? [],
        Cmd: body.strings("Cmd", { secret: true }) ?? [],
        User: body.string("User"),
        WorkingDir: body.string("WorkingDir"),
        Privileged: body.boolean("Privileged"),
      },
    };
  },
  13: (header, message) => {
    const body = readBody(message, "ResponseCommandTask");
    return body && {
      ...header,
      Type: 13,
      ResponseCommandTask: {
        ...readCommandIds(body),
        Status: body.string("Status"),
        Message: body.string("Message"),
        CommInspect: readInspection(body),
      },
    };
  },
  14: (header, message) => ({
    ...header,
    Type: 14,
    TaskStatus: readBase64(message, "TaskStatus"),
  }),
};

/** Types that come with a task; the others make sense once it runs. */
const TASK_TYPES: readonly TaskMessageType[] = [1, 3, 4, 5, 7];

/** A message as the scheduler sends it to a running executor. */
export interface ReceivedMessage {
  /** Its JSON: equal for a repeated message. May hold secrets. */
  readonly text: string;
  /** As far as it could be read. */
  readonly header: BcsMessageHeader;
  /** Its type's number, known or not. */
  readonly type: number;
  /** Undefined when there is a problem. */
  readonly message: BcsMessage | undefined;
  /** All of them, without any secret. */
  readonly problems: readonly Problem[];
}

/**
 * Reads the data of an agent's MESSAGE event.
 *
 * @param data The member in the Mesos JSON mapping: base64 of the bytes, which
 * are base64 of the JSON again (bk-bcs scheduler/message.go SendMessage) or
 * the JSON itself.
 * @returns undefined if it is no BCS message.
 */
export function parseMessageEvent(data: string): ReceivedMessage | undefined {
  const json = decodeJsonObject(data);
  if (json === undefined) return undefined;
  const reader = new ObjectReader(json.value);
  if (!reader.has("Type")) return undefined;
  const header = readHeader(reader);
  const type = reader.integer("Type");
  const message = isMessageType(type)
    ? MESSAGE_READERS[type](header, reader)
    : addUnknownType(reader, type, Object.keys(MESSAGE_READERS));
  const { problems } = reader;
  return {
    text: json.text,
    header,
    type,
    message: problems.length > 0 ? undefined : message,
    problems,
  };
}

/**
 * Reads one message that came with a task. Values are checked to be base64
 * and stay encoded; no problem shows one.
 *
 * @param message Reader of the message; remembers the problems.
 * @returns The message; undefined when it has no body that can be read.
 */
export function readTaskMessage(
  message: ObjectReader,
): BcsMessage<TaskMessageType> | undefined {
  const type = message.integer("Type");
  const known = TASK_TYPES.find((candidate) => candidate === type);
  return known === undefined
    ? addUnknownType(message, type, TASK_TYPES)
    : MESSAGE_READERS[known](readHeader(message), message);
}

function isMessageType(type: number): type is BcsMessageType {
  return Object.hasOwn(MESSAGE_READERS, type);
}

function addUnknownType(
  message: ObjectReader,
  type: number,
  known: readonly (number | string)[],
): undefined {
  message.addProblem("Type", mustBe(`one of ${known.join(", ")}`, type));
}

function readHeader(message: ObjectReader): BcsMessageHeader {
  const taskId = message.object("TaskID");
  return {
    Id: message.integer("Id"),
    TaskGroupId: message.string("TaskGroupId"),
    TaskID: taskId ? { value: taskId.string("value") } : null,
    Status: message.string("Status"),
    Message: message.string("Message"),
    CompleteTime: message.integer("CompleteTime"),
    CreateTime: message.integer("CreateTime"),
  };
}
