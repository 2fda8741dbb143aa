import type { ExecRequest } from "../../shared/manager_api/types.ts";

/** The host itself, as a URL writes it. */
export type Loopback = "127.0.0.1" | "[::1]";

/** What to probe: no part of it is left to be checked or defaulted. */
export type Probe = CommandProbe | HttpProbe | TcpProbe;

/** Runs a command in the task's context. */
export interface CommandProbe {
  readonly type: "COMMAND";
  /** `Timeout` is the probe's own limit. */
  readonly request: ExecRequest;
}

/** Asks a server for a page. */
export interface HttpProbe {
  readonly type: "HTTP";
  /** Of scheme http or https and a {@linkcode Loopback} host. */
  readonly url: string;
  /** What is healthy; also, what is not followed. Empty = 200 to 399. */
  readonly statuses: readonly number[];
}

/** Connects to a server. */
export interface TcpProbe {
  readonly type: "TCP";
  readonly hostname: Loopback;
  readonly port: number;
}

/** What a probe has seen of the task. */
export type Observation =
  /** `exitCode` is 128 + n if signal n ended it, as a shell says it. */
  | { readonly type: "COMMAND"; readonly exitCode: number }
  | { readonly type: "HTTP"; readonly statusCode: number }
  | { readonly type: "TCP"; readonly succeeded: boolean };

/** How a probe went. */
export type Outcome =
  | Observation
  /** The task did not let itself be probed, or not in time. */
  | { readonly type: "failed"; readonly reason: string }
  /** Our own side did not: nothing was learnt about the task. */
  | { readonly type: "skipped"; readonly reason: string };

/**
 * The outcome of a connection that broke or was not made.
 *
 * @param error Whatever the runtime threw.
 */
export function toNetworkOutcome(error: unknown): Outcome {
  const reason = error instanceof Error ? error.message : String(error);
  // No process is to be killed because the executor lacks a permission.
  const isOurs = error instanceof Deno.errors.NotCapable;
  return { type: isOurs ? "skipped" : "failed", reason };
}
