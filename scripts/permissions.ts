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
    // Their groups would have the names of an installed daemon's.
    "--limits=off",
  ];
}

/** What an executor is connected to. */
export interface ExecutorPlace {
  /** `host:port` of the agent. */
  readonly endpoint: string;
  /** The daemon's socket. */
  readonly socket: string;
  /** The agent's own socket. @default none */
  readonly domainSocket?: string | undefined;
  /** Certificates and key towards the agent. @default none */
  readonly tlsFiles?: readonly string[];
  /** @default the executor's own */
  readonly codec?: "json" | "protobuf";
}

/**
 * `deno` arguments that run an executor with the least permissions. An agent
 * has scripts/bcs-process-executor give them; a test holds the two together.
 *
 * @param program The executor's main file, bundled or not.
 */
export function executorArguments(
  program: string,
  { endpoint, socket, domainSocket, tlsFiles = [], codec }: ExecutorPlace,
): string[] {
  const sockets = domainSocket === undefined
    ? [socket]
    : [socket, domainSocket];
  const net = [
    endpoint,
    ...sockets.map((path) => `unix:${path}`),
    // Health checks; and Deno asks for the host of DAEMON_HOST's URL.
    "127.0.0.1",
    "[::1]",
  ];
  return [
    "run",
    "--quiet",
    "--no-prompt",
    // A bundle needs none, so that none in a folder above it has a say.
    ...(program.endsWith(".js") ? ["--no-config"] : []),
    "--allow-env=MESOS_*,BCS_PROCESS_*,LIBPROCESS_SSL_*,SSL_*",
    `--allow-net=${net.join()}`,
    // What a connection to a unix socket takes beside the permission for it.
    `--allow-read=${[...sockets, ...tlsFiles].join()}`,
    `--allow-write=${sockets.join()}`,
    program,
    `--socket=${socket}`,
    ...(codec === undefined ? [] : [`--codec=${codec}`]),
  ];
}
