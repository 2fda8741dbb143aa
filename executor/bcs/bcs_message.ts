import { mustBe, type ObjectReader } from "../../shared/json_reader.ts";

/** Type 1: a file whose content comes with the message. */
export interface LocalFile {
  /** Path of the file. */
  readonly To: string;
  /** "rw" = writable by its owner and group, anything else = read-only. */
  readonly Right: string;
  /** Owner of the file. */
  readonly User: string;
  /** Content, base64. */
  readonly Base64: string;
}

/** Type 2: a signal for the processes of a name. */
export interface SignalRequest {
  /** Number of the signal. */
  readonly Signal: number;
  /** Which processes; "" = the main process. */
  readonly ProcessName: string;
}

/** Type 3: an environment variable. */
export interface EnvVariable {
  /** Name of the variable. */
  readonly Name: string;
  /** Value, base64. */
  readonly Value: string;
}

/** Where a remote content is: shared by types 4 and 7. */
export interface RemoteSource {
  /** Address of the content. */
  readonly From: string;
  /** Scheme: "http", "https", "ftp" or "ftps". */
  readonly Type: string;
  /** User name there; "" = none. */
  readonly RemoteUser: string;
  /** Password there: secret. */
  readonly RemotePasswd: string;
}

/** Type 4: a file whose content is fetched. */
export interface RemoteFile extends RemoteSource {
  /** Path of the file. */
  readonly To: string;
  /** As in {@linkcode LocalFile}. */
  readonly Right: string;
  /** Owner of the file. */
  readonly User: string;
}

/** Type 5: a secret variable or file. */
export interface Secret {
  /** Name of the variable, or path of the file. */
  readonly Name: string;
  /** Value, base64: secret. */
  readonly Value: string;
  /** 1 = environment variable, 2 = file. */
  readonly Type: 1 | 2;
}

/** Type 7: an environment variable whose value is fetched. */
export interface RemoteEnvVariable extends RemoteSource {
  /** Name of the variable. */
  readonly Name: string;
}

/** Type 8: new resources of running tasks. */
export interface TaskResources {
  readonly TaskId: string;
  /** Requested CPUs. */
  readonly ReqCpu: number;
  /** Requested memory in MiB. */
  readonly ReqMem: number;
  /** CPU limit. */
  readonly Cpu: number;
  /** Memory limit in MiB. */
  readonly Mem: number;
}

/** Type 12: a command to run in a task's context. */
export interface CommandRequest {
  readonly ID: string;
  readonly TaskId: string;
  readonly ContainerId: string;
  readonly Env: readonly string[];
  readonly Cmd: readonly string[];
  readonly User: string;
  readonly WorkingDir: string;
  readonly Privileged: boolean;
}

/** Type 13: how a {@linkcode CommandRequest} went. */
export interface CommandResponse {
  readonly ID: string;
  readonly TaskId: string;
  readonly ContainerId: string;
  readonly Status: string;
  readonly Message: string;
  readonly CommInspect: unknown;
}

/**
 * What each message type carries beside the header: the type number, then the
 * one object member that goes with it (bk-bcs schetypes/message.go).
 */
export interface BcsMessageBodies {
  1: { readonly Local: LocalFile };
  2: { readonly Sig: SignalRequest };
  3: { readonly Env: EnvVariable };
  4: { readonly Remote: RemoteFile };
  5: { readonly Secret: Secret };
  6: { readonly TaskStatusQuery: { readonly Reason: string } };
  7: { readonly EnvRemote: RemoteEnvVariable };
  8: {
    readonly UpdateTaskResources: {
      readonly Resources: readonly TaskResources[];
    };
  };
  9: {
    readonly CommitTask: {
      readonly Tasks: readonly {
        readonly TaskId: string;
        readonly Image: string;
      }[];
    };
  };
  10: { readonly ReloadTask: Readonly<Record<string, never>> };
  11: { readonly RestartTask: Readonly<Record<string, never>> };
  12: { readonly RequestCommandTask: CommandRequest };
  13: { readonly ResponseCommandTask: CommandResponse };
  14: { readonly TaskStatus: string };
}

/** What every message has. */
export interface BcsMessageHeader {
  readonly Id: number;
  readonly TaskGroupId: string;
  /** Task it is meant for; null = the whole group. */
  readonly TaskID: { readonly value: string } | null;
  /** "", "staging", "success" or "failed". */
  readonly Status: string;
  readonly Message: string;
  /** Unix seconds; 0 = not yet. */
  readonly CompleteTime: number;
  /** Unix seconds; 0 = not known. */
  readonly CreateTime: number;
}

/** Number of a message type. */
export type BcsMessageType = keyof BcsMessageBodies;

/** A message of the given types; of any type when none is given. */
export type BcsMessage<T extends BcsMessageType = BcsMessageType> = {
  [K in T]: BcsMessageHeader & { readonly Type: K } & BcsMessageBodies[K];
}[T];

/** Types that come with a task, in its data, and are understood. */
export type TaskMessageType = 1 | 3 | 4 | 5 | 7;

type MessageReader<T extends TaskMessageType> = (
  header: BcsMessageHeader,
  message: ObjectReader,
) => BcsMessage<T> | undefined;

/** One row per understood type. */
const MESSAGE_READERS: {
  readonly [T in TaskMessageType]: MessageReader<T>;
} = {
  1: (header, message) => {
    const body = readBody(message, "Local");
    return body && {
      ...header,
      Type: 1,
      Local: { ...readTarget(body), Base64: readBase64(body, "Base64") },
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
  7: (header, message) => {
    const body = readBody(message, "EnvRemote");
    return body && {
      ...header,
      Type: 7,
      EnvRemote: { ...readName(body), ...readSource(body) },
    };
  },
};

/**
 * Reads one message that came with a task. Values are checked to be base64
 * and stay encoded; no problem shows one.
 *
 * @param message Reader of the message; remembers the problems.
 * @returns The message; undefined when it has no body that can be read.
 */
export function readBcsMessage(
  message: ObjectReader,
): BcsMessage<TaskMessageType> | undefined {
  const type = message.integer("Type");
  const taskId = message.object("TaskID");
  const header: BcsMessageHeader = {
    Id: message.integer("Id"),
    TaskGroupId: message.string("TaskGroupId"),
    TaskID: taskId ? { value: taskId.string("value") } : null,
    Status: message.string("Status"),
    Message: message.string("Message"),
    CompleteTime: message.integer("CompleteTime"),
    CreateTime: message.integer("CreateTime"),
  };
  if (!isTaskMessageType(type)) {
    const known = Object.keys(MESSAGE_READERS).join(", ");
    message.addProblem("Type", mustBe(`one of ${known}`, type));
    return undefined;
  }
  return MESSAGE_READERS[type](header, message);
}

function isTaskMessageType(type: number): type is TaskMessageType {
  return Object.hasOwn(MESSAGE_READERS, type);
}

function readBody(
  message: ObjectReader,
  key: string,
): ObjectReader | undefined {
  if (!message.has(key)) {
    message.addProblem(key, "must be there for a message of this type");
  }
  return message.object(key);
}

function readName(body: ObjectReader): { Name: string } {
  return { Name: body.string("Name", { required: true }) };
}

function readTarget(
  body: ObjectReader,
): Pick<LocalFile, "To" | "Right" | "User"> {
  return {
    To: body.string("To", { required: true }),
    Right: body.string("Right"),
    User: body.string("User"),
  };
}

function readSource(body: ObjectReader): RemoteSource {
  return {
    From: body.string("From", { required: true }),
    Type: body.string("Type"),
    RemoteUser: body.string("RemoteUser"),
    RemotePasswd: body.string("RemotePasswd", { secret: true }),
  };
}

function readSecretType(body: ObjectReader): Secret["Type"] {
  const type = body.integer("Type");
  if (type === 1 || type === 2) return type;
  body.addProblem("Type", mustBe("1 (variable) or 2 (file)", type));
  return 1;
}

function readBase64(body: ObjectReader, key: string): string {
  const value = body.string(key, { secret: true });
  try {
    Uint8Array.fromBase64(value);
  } catch {
    body.addProblem(key, "must be base64");
  }
  return value;
}
