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

/** Type 2: a signal for a process. */
export interface SignalRequest {
  /** Number of the signal, 1 to 64. */
  readonly Signal: number;
  /** Name that the main process must have; "" = any. */
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
  /** Scheme: "http" or "https"; "" = as `From` says. */
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

/** Type 8: new resources of a running task; null = as they are. */
export interface TaskResources {
  readonly TaskId: string;
  /** Requested CPUs. */
  readonly ReqCpu: number | null;
  /** Requested memory in MiB. */
  readonly ReqMem: number | null;
  /** CPU limit. */
  readonly Cpu: number | null;
  /** Memory limit in MiB. */
  readonly Mem: number | null;
}

/** Type 12: a command to run in a task's context. */
export interface CommandRequest {
  /** The scheduler's name for the command. */
  readonly ID: string;
  readonly TaskId: string;
  readonly ContainerId: string;
  /** `NAME=value`, added to the environment of the process; secret. */
  readonly Env: readonly string[];
  /** Program and arguments; secret. */
  readonly Cmd: readonly string[];
  /** "" = the process's user. */
  readonly User: string;
  /** "" = the process's working folder. */
  readonly WorkingDir: string;
  /** Whether to run with more rights than the process. */
  readonly Privileged: boolean;
}

/** Type 13: how a {@linkcode CommandRequest} went. */
export interface CommandResponse {
  readonly ID: string;
  readonly TaskId: string;
  readonly ContainerId: string;
  /** "finish" = it ran to its end, "failed" = it did not. */
  readonly Status: string;
  /** Why not; "" if it did. */
  readonly Message: string;
  /** Null unless it ran to its end. */
  readonly CommInspect: CommandInspection | null;
}

/** How a command ended (bk-bcs bcs-common/common/types/command.go). */
export interface CommandInspection {
  readonly exitCode: number;
  /** At most 1024 bytes. */
  readonly stdout: string;
  /** At most 1024 bytes. */
  readonly stderr: string;
}

/**
 * What each message type carries beside the header: the type number, then the
 * one object member that goes with it (bk-bcs schetypes/message.go).
 */
export interface BcsMessageBodies {
  0: Readonly<Record<never, never>>;
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
  10: { readonly ReloadTask: Readonly<Record<never, never>> };
  11: { readonly RestartTask: Readonly<Record<never, never>> };
  12: { readonly RequestCommandTask: CommandRequest };
  13: { readonly ResponseCommandTask: CommandResponse };
  /** A BcsContainerInfo as JSON, base64. */
  14: { readonly TaskStatus: string };
}

/** What every message has. */
export interface BcsMessageHeader {
  /**
   * The scheduler takes the Unix second of the sending: messages of one second
   * share it (bk-bcs scheduler/message.go SendBcsMessage). 0 = none.
   */
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

/** Types that come with a task, in its data. */
export type TaskMessageType = 1 | 3 | 4 | 5 | 7;
