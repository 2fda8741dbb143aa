/** All operations live under the original's base path. */
export const BASE_PATH = "/bcsapi/v1/processdaemon";

/** Where the daemon listens unless told otherwise. */
export const SOCKET_PATH_DEFAULT = "/var/run/process.sock";

/** Header of a log's answer: the place of its first byte, see `LogPart`. */
export const LOG_START_HEADER = "log-start";

/** One operation: `:name` stands for one percent-encoded segment. */
export interface RoutePattern {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly pattern: string;
}

/** Every operation of the Manager API, for server and client alike. */
export const ROUTES = {
  create: { method: "POST", pattern: "/process" },
  list: { method: "GET", pattern: "/process" },
  inspect: { method: "GET", pattern: "/process/:id" },
  status: { method: "GET", pattern: "/process/:id/status" },
  stop: { method: "PUT", pattern: "/process/:id/stop/:timeout" },
  delete: { method: "DELETE", pattern: "/process/:id" },
  restart: { method: "PUT", pattern: "/process/:id/restart/:timeout" },
  reload: { method: "PUT", pattern: "/process/:id/reload" },
  signal: { method: "PUT", pattern: "/process/:id/signal/:signal" },
  exec: { method: "POST", pattern: "/process/:id/exec" },
  writeFile: { method: "PUT", pattern: "/process/:id/file" },
  setLimits: { method: "PUT", pattern: "/process/:id/limits" },
  /** Renews the leases of all processes that an executor owns. */
  heartbeat: { method: "PUT", pattern: "/executor/:owner/heartbeat" },
  /** Gives a process another owner. */
  handOver: { method: "PUT", pattern: "/process/:id/owner" },
  /** Raw bytes; `?stream=&lines=&bytes=&from=&follow=`. */
  logs: { method: "GET", pattern: "/process/:id/logs" },
  health: { method: "GET", pattern: "/healthz" },
  version: { method: "GET", pattern: "/version" },
  /** A list, or a stream for `Accept: text/event-stream`. */
  events: { method: "GET", pattern: "/events" },
} as const satisfies Record<string, RoutePattern>;

/** Name of an operation. */
export type Operation = keyof typeof ROUTES;

/** Fills the pattern of an operation in; parameters are encoded here. */
export function pathOf(
  operation: Operation,
  params: Readonly<Record<string, string>> = {},
): string {
  const path = ROUTES[operation].pattern.replaceAll(
    /:(\w+)/g,
    (_, name: string) => encodeURIComponent(params[name] ?? ""),
  );
  return `${BASE_PATH}${path}`;
}
