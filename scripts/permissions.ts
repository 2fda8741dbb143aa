import { DAEMON_HOST } from "../shared/manager_api/client.ts";

/** Where a daemon keeps what is its own; absolute paths. */
export interface DaemonPlace {
  /** Folder that holds all of its folders and its socket. */
  readonly root: string;
  /** launcher.sh */
  readonly launcher: string;
  /** `host` or `host:port` of what processes have fetched. @default {[]} */
  readonly fetchHosts?: readonly string[];
}

/** The socket of a daemon that {@linkcode daemonArguments} starts. */
export function socketPathOf(root: string): string {
  return `${root}/process.sock`;
}

/**
 * `deno` arguments that run a daemon with all of its files below one folder,
 * and the least permissions for that.
 *
 * @param program The daemon's main file, bundled or not.
 */
export function daemonArguments(
  program: string,
  { root, launcher, fetchHosts = [] }: DaemonPlace,
): string[] {
  const socket = socketPathOf(root);
  return [
    "run",
    "--quiet",
    "--no-prompt",
    `--allow-read=${root}`,
    `--allow-write=${root}`,
    `--allow-run=${launcher}`,
    `--allow-net=${[`unix:${socket}`, ...fetchHosts].join(",")}`,
    program,
    `--data-dir=${root}/data`,
    `--workspace-dir=${root}/workspace`,
    `--log-dir=${root}/log`,
    `--pid-dir=${root}/run`,
    `--unix-socket=${socket}`,
    `--launcher=${launcher}`,
  ];
}

/**
 * `deno` arguments that run an executor with the least permissions.
 *
 * @param program The executor's main file, bundled or not.
 */
export function executorArguments(
  program: string,
  { endpoint, socket, codec }: {
    /** `host:port` of the agent. */
    readonly endpoint: string;
    /** The daemon's socket. */
    readonly socket: string;
    /** @default the executor's own */
    readonly codec?: "json" | "protobuf";
  },
): string[] {
  return [
    "run",
    "--quiet",
    "--no-prompt",
    "--allow-env=MESOS_*,BCS_PROCESS_*,LIBPROCESS_SSL_*,SSL_*",
    `--allow-net=${endpoint},unix:${socket},${DAEMON_HOST}`,
    // What a connection to a unix socket takes beside the permission for it.
    `--allow-read=${socket}`,
    `--allow-write=${socket}`,
    program,
    `--socket=${socket}`,
    ...(codec === undefined ? [] : [`--codec=${codec}`]),
  ];
}
