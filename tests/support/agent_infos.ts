import type { ServerCertificate } from "./agent_http.ts";
import type { JsonObject } from "./agent_schema.ts";

/** Who an agent, its framework and its executor are. */
export interface AgentIdentity {
  /** @default {"fw-1"} */
  readonly frameworkId: string;
  /** @default {"exec-1"} */
  readonly executorId: string;
  /** @default {"agent-1"} */
  readonly agentId: string;
  /** What the executor must present as a Bearer token, if anything. */
  readonly token: string | undefined;
  /**
   * Capabilities of the framework, such as TASK_KILLING_STATE.
   * @default {["MULTI_ROLE"]}
   */
  readonly capabilities: readonly string[];
  /** @default {"root"} */
  readonly frameworkUser: string;
  /**
   * Whether the framework asked for checkpoints.
   * @default {true}
   */
  readonly checkpoint: boolean;
  /** Fields of ExecutorInfo to add or replace, in Mesos' JSON mapping. */
  readonly executorInfo: JsonObject;
}

/** How to start an agent. */
export interface FakeAgentOptions extends Partial<AgentIdentity> {
  /**
   * Port to listen on; 0 chooses a free one.
   * @default {0}
   */
  readonly port?: number;
  /** Speaks HTTPS with this certificate. */
  readonly tls?: ServerCertificate;
  /** Listens on this unix socket instead of a port. */
  readonly socketPath?: string;
  /**
   * Of what is random about a chunking.
   * @default {1}
   */
  readonly seed?: number;
}

/** Fills defaults in. */
export function makeIdentity(given: Partial<AgentIdentity>): AgentIdentity {
  return {
    frameworkId: "fw-1",
    executorId: "exec-1",
    agentId: "agent-1",
    token: undefined,
    capabilities: ["MULTI_ROLE"],
    frameworkUser: "root",
    checkpoint: true,
    executorInfo: {},
    ...given,
  };
}

/** What differs between environments of executors. */
export interface ExecutorEnvironmentOptions {
  /** Working directory of the executor. */
  readonly sandbox: string;
  /**
   * Whether the framework asked for checkpoints.
   * @default {what the agent was started with}
   */
  readonly checkpoint?: boolean;
  /** @default {"5secs"} */
  readonly shutdownGracePeriod?: string;
  /** @default {"15mins"} */
  readonly recoveryTimeout?: string;
  /** @default {"2secs"} */
  readonly subscriptionBackoffMax?: string;
}

/**
 * The whole environment that an agent gives to an executor; it inherits
 * nothing, not even HOME.
 *
 * @param endpoint `ip:port` of the agent.
 * @see Mesos src/slave/slave.cpp `executorEnvironment`
 */
export function makeExecutorEnvironment(
  identity: AgentIdentity,
  endpoint: string,
  options: ExecutorEnvironmentOptions,
): Record<string, string> {
  const { sandbox, checkpoint = identity.checkpoint } = options;
  const environment: Record<string, string> = {
    LIBPROCESS_IP: "127.0.0.1",
    LIBPROCESS_PORT: "0",
    MESOS_AGENT_ENDPOINT: endpoint,
    MESOS_CHECKPOINT: checkpoint ? "1" : "0",
    MESOS_DIRECTORY: sandbox,
    MESOS_EXECUTOR_ID: identity.executorId,
    MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: options.shutdownGracePeriod ??
      "5secs",
    MESOS_FRAMEWORK_ID: identity.frameworkId,
    MESOS_HTTP_COMMAND_EXECUTOR: "0",
    MESOS_SANDBOX: sandbox,
    MESOS_SLAVE_ID: identity.agentId,
    MESOS_SLAVE_PID: `slave(1)@${endpoint}`,
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    PWD: sandbox,
  };
  if (checkpoint) {
    environment.MESOS_RECOVERY_TIMEOUT = options.recoveryTimeout ?? "15mins";
    environment.MESOS_SUBSCRIPTION_BACKOFF_MAX =
      options.subscriptionBackoffMax ?? "2secs";
  }
  if (identity.token !== undefined) {
    environment.MESOS_EXECUTOR_AUTHENTICATION_TOKEN = identity.token;
  }
  return environment;
}

/**
 * A task in Mesos' JSON mapping. `name` and `agent_id` may be left out: they
 * become the task's id and the agent's.
 */
export interface TaskInput extends JsonObject {
  /** Chooses the task. */
  readonly task_id: { readonly value: string };
}

/** Makes a TaskInfo as a master would let it pass. */
export function completeTask(
  identity: AgentIdentity,
  task: TaskInput,
): JsonObject {
  return {
    name: task.task_id.value,
    agent_id: { value: identity.agentId },
    ...task,
  };
}

/** The ExecutorInfo that a framework would have given. */
export function makeExecutorInfo(identity: AgentIdentity): JsonObject {
  return {
    executor_id: { value: identity.executorId },
    resources: [
      { name: "cpus", type: "SCALAR", scalar: { value: 0.01 } },
      { name: "mem", type: "SCALAR", scalar: { value: 64 } },
    ],
    command: { value: "./bcs-process-executor" },
    framework_id: { value: identity.frameworkId },
    name: "BcsExec",
    source: "bcs",
    type: "CUSTOM",
    ...identity.executorInfo,
  };
}

/** The SUBSCRIBED event. */
export function makeSubscribed(
  identity: AgentIdentity,
  port: number,
  containerId: string,
): JsonObject {
  return {
    type: "SUBSCRIBED",
    subscribed: {
      executor_info: makeExecutorInfo(identity),
      framework_info: {
        user: identity.frameworkUser,
        name: "bcs",
        id: { value: identity.frameworkId },
        checkpoint: identity.checkpoint,
        capabilities: identity.capabilities.map((type) => ({ type })),
        roles: ["*"],
      },
      agent_info: {
        hostname: "127.0.0.1",
        id: { value: identity.agentId },
        port,
      },
      container_id: { value: containerId },
    },
  };
}
