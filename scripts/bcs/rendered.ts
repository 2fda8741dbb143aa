import type { PortRange } from "./variables.ts";

/** A Mesos Resource. */
export type RenderedResource =
  | {
    readonly name: string;
    readonly type: "SCALAR";
    readonly scalar: { readonly value: number };
  }
  | {
    readonly name: string;
    readonly type: "RANGES";
    readonly ranges: { readonly range: readonly PortRange[] };
  };

/** A Mesos HealthCheck. */
export interface RenderedHealthCheck {
  readonly delay_seconds: number;
  readonly interval_seconds: number;
  readonly timeout_seconds: number;
  readonly consecutive_failures: number;
  readonly grace_period_seconds: number;
  readonly type: "COMMAND" | "HTTP" | "TCP";
  readonly command?: { readonly value: string };
  readonly http?: {
    readonly scheme: string;
    readonly port: number;
    readonly path: string;
  };
  readonly tcp?: { readonly port: number };
}

/** A Mesos TaskInfo, in the JSON mapping. */
export interface RenderedTask {
  readonly name: string;
  readonly task_id: { readonly value: string };
  readonly agent_id: { readonly value: string };
  readonly resources: readonly RenderedResource[];
  readonly command: {
    readonly environment: {
      readonly variables: readonly {
        readonly name: string;
        readonly value: string;
      }[];
    };
    readonly user?: string;
  };
  readonly health_check?: RenderedHealthCheck;
  readonly kill_policy?: {
    readonly grace_period: { readonly nanoseconds: number };
  };
  readonly data: string;
  readonly labels?: {
    readonly labels: readonly {
      readonly key: string;
      readonly value: string;
    }[];
  };
}

/** A Mesos ExecutorInfo, in the JSON mapping. */
export interface RenderedExecutor {
  readonly type: "CUSTOM";
  readonly executor_id: { readonly value: string };
  readonly framework_id: { readonly value: string };
  readonly command: {
    readonly uris: readonly {
      readonly value: string;
      readonly executable: boolean;
    }[];
    readonly value: string;
  };
  readonly resources: readonly RenderedResource[];
  readonly name: string;
  readonly source: string;
}

/** What a scheduler launches a task group with. */
export interface RenderedGroup {
  readonly taskGroup: { readonly tasks: readonly RenderedTask[] };
  readonly executorInfo: RenderedExecutor;
}
