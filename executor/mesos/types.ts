/**
 * What an executor and its agent say to each other, in the form the rest of
 * the executor works with whatever the wire format: Mesos' own JSON mapping.
 * Keys are in snake_case, enums are names, bytes are base64, 64-bit integers
 * are numbers (so exact up to 2^53 only), and an absent field is an absent
 * key. Fields have no defaults filled in; `@default` notes in
 * proto/mesos_types.ts tell what absence means.
 *
 * @module
 */

import type {
  CallMessage,
  CallUpdate,
  EventAcknowledged,
  EventError,
  EventKill,
  EventMessage,
  EventSubscribed,
  ExecutorID,
  FrameworkID,
  TaskInfo,
} from "../../proto/mesos_types.ts";

export type {
  AgentID,
  AgentInfo,
  CallUpdate,
  CheckInfo,
  CheckInfoType,
  CheckStatusInfo,
  CommandInfo,
  CommandInfoURI,
  ContainerID,
  ContainerInfo,
  ContainerStatus,
  DiscoveryInfo,
  DurationInfo,
  Environment,
  EnvironmentVariable,
  EventAcknowledged,
  EventError,
  EventKill,
  EventMessage,
  EventSubscribed,
  ExecutorID,
  ExecutorInfo,
  FrameworkID,
  FrameworkInfo,
  FrameworkInfoCapabilityType,
  HealthCheck,
  HealthCheckHTTPCheckInfo,
  HealthCheckTCPCheckInfo,
  HealthCheckType,
  KillPolicy,
  Label,
  Labels,
  Port,
  Ports,
  Resource,
  TaskID,
  TaskInfo,
  TaskResourceLimitation,
  TaskState,
  TaskStatus,
  TaskStatusReason,
  TaskStatusSource,
  ValueRange,
  ValueScalar,
} from "../../proto/mesos_types.ts";

/** A TaskInfo as received, for reading and for sending back. */
export interface ReceivedTask {
  /** What the executor looks into. */
  readonly info: TaskInfo;
  /**
   * The whole TaskInfo as it came, unknown fields included. Only the codec
   * that decoded it can encode it again; everybody else just keeps it.
   */
  readonly raw: unknown;
}

/**
 * What the agent tells the executor (`mesos.v1.executor.Event`). An event
 * type that this executor does not know is `UNKNOWN`: to be ignored.
 */
export type Event =
  | { readonly type: "SUBSCRIBED"; readonly subscribed: EventSubscribed }
  | {
    readonly type: "LAUNCH";
    readonly launch: { readonly task: ReceivedTask };
  }
  | {
    readonly type: "LAUNCH_GROUP";
    readonly launch_group: {
      readonly task_group: { readonly tasks: readonly ReceivedTask[] };
    };
  }
  | { readonly type: "KILL"; readonly kill: EventKill }
  | { readonly type: "ACKNOWLEDGED"; readonly acknowledged: EventAcknowledged }
  | { readonly type: "MESSAGE"; readonly message: EventMessage }
  | { readonly type: "ERROR"; readonly error: EventError }
  | { readonly type: "SHUTDOWN" }
  | { readonly type: "HEARTBEAT" }
  | { readonly type: "UNKNOWN" };

/**
 * Whom a call is about. The agent wants both ids in every call
 * (Mesos src/common/validation.cpp `validateExecutorCall`).
 */
export interface Caller {
  /** From MESOS_EXECUTOR_ID. */
  readonly executor_id: ExecutorID;
  /** From MESOS_FRAMEWORK_ID. */
  readonly framework_id: FrameworkID;
}

/** Opens the stream of events. */
export interface SubscribeCall extends Caller {
  /** The call's type. */
  readonly type: "SUBSCRIBE";
  /**
   * Always there, even with empty lists: the agent refuses a SUBSCRIBE
   * without it.
   */
  readonly subscribe: {
    /** Tasks none of whose updates was acknowledged. */
    readonly unacknowledged_tasks: readonly ReceivedTask[];
    /** Updates not acknowledged, oldest first. */
    readonly unacknowledged_updates: readonly CallUpdate[];
  };
}

/** Reports the state of a task. */
export interface UpdateCall extends Caller {
  /** The call's type. */
  readonly type: "UPDATE";
  /** Holds the status. */
  readonly update: CallUpdate;
}

/** Sends bytes to the framework's scheduler, without any guarantee. */
export interface MessageCall extends Caller {
  /** The call's type. */
  readonly type: "MESSAGE";
  /** Holds the bytes, in base64. */
  readonly message: CallMessage;
}

/** Keeps the connection that calls are sent on alive. */
export interface HeartbeatCall extends Caller {
  /** The call's type. */
  readonly type: "HEARTBEAT";
}

/** What the executor tells the agent (`mesos.v1.executor.Call`). */
export type Call = SubscribeCall | UpdateCall | MessageCall | HeartbeatCall;
