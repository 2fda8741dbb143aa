import type { ProcInfo } from "../../executor/bcs/data_class.ts";
import { isAlive, livingIn, membersOf } from "../daemon/support/proc.ts";
import { eventually } from "../daemon/support/eventually.ts";
import { type TempDir, tempDir } from "./temp_dir.ts";

/** A server of a Debian package, as its users run it. */
export interface DebianServer {
  /** Names it in tests, such as "nginx as a daemon". */
  readonly name: string;
  /** Executables that it takes. */
  readonly needs: readonly string[];
  /** Fewest processes of it that are alive while it runs. */
  readonly processesMin: number;
  /** Writes its configuration. @returns Its BCS process definition. */
  readonly prepare: (site: ServerSite) => Promise<Partial<ProcInfo>>;
  /** Uses it over its port. @throws If it does not serve. */
  readonly probe: (port: number) => Promise<void>;
  /** What its log holds after it was stopped as it likes to be. */
  readonly farewell: string;
  /** How the daemon words its sudden end. */
  readonly suddenEnd: string;
}

/** Where one run of a server has its files and its port. */
export interface ServerSite {
  readonly dir: string;
  readonly port: number;
  readonly logFile: string;
}

const NGINX = "/usr/sbin/nginx";
const REDIS = "/usr/bin/redis-server";
const REDIS_CLI = "/usr/bin/redis-cli";
const TEXT = "served by nginx";
/** Longest wait for one answer of a server, ms. */
const ANSWER_MS_MAX = 5_000;

/** Every server, and every way to start it. */
export const DEBIAN_SERVERS: readonly DebianServer[] = [
  {
    name: "nginx as a daemon",
    needs: [NGINX],
    // A master and its workers.
    processesMin: 3,
    async prepare(site) {
      const config = await writeNginxConfig(site, "on");
      return {
        procName: "nginx",
        pidFile: `${site.dir}/nginx.pid`,
        startCmd: `${NGINX} -c ${config}`,
        stopCmd: `${NGINX} -c ${config} -s quit`,
        startGracePeriod: 10,
      };
    },
    probe: probeHttp,
    farewell: "gracefully shutting down",
    suddenEnd: "is gone, how it ended was not seen",
  },
  {
    name: "nginx in the foreground",
    needs: [NGINX],
    processesMin: 3,
    async prepare(site) {
      const config = await writeNginxConfig(site, "off");
      return {
        procName: "nginx",
        startCmd: `exec ${NGINX} -c ${config}`,
        stopCmd: `${NGINX} -c ${config} -s quit`,
      };
    },
    probe: probeHttp,
    farewell: "gracefully shutting down",
    suddenEnd: "was ended by signal 9 (SIGKILL)",
  },
  {
    name: "redis-server as a daemon",
    needs: [REDIS, REDIS_CLI],
    processesMin: 1,
    async prepare(site) {
      const pidFile = `${site.dir}/redis.pid`;
      const config = `${site.dir}/redis.conf`;
      await Deno.writeTextFile(
        config,
        [
          "daemonize yes",
          `pidfile ${pidFile}`,
          `port ${site.port}`,
          "bind 127.0.0.1",
          `dir ${site.dir}`,
          `logfile ${site.logFile}`,
          'save ""',
          "",
        ].join("\n"),
      );
      return {
        // Debian's redis-server is a link: /proc/PID/exe has its target.
        procName: baseName(await Deno.realPath(REDIS)),
        pidFile,
        startCmd: `${REDIS} ${config}`,
        stopCmd: `${REDIS_CLI} -p ${site.port} shutdown nosave`,
        startGracePeriod: 10,
      };
    },
    probe: probeRedis,
    farewell: "User requested shutdown",
    suddenEnd: "is gone, how it ended was not seen",
  },
  {
    name: "redis-server in the foreground",
    needs: [REDIS],
    processesMin: 1,
    prepare({ dir, port, logFile }) {
      return Promise.resolve({
        procName: "redis-server",
        startCmd: `exec ${REDIS} --daemonize no --port ${port} ` +
          `--bind 127.0.0.1 --dir ${dir} --logfile ${logFile} --save ''`,
      });
    },
    probe: probeRedis,
    // No stop command: SIGTERM is its way.
    farewell: "SIGTERM scheduling shutdown",
    suddenEnd: "was ended by signal 9 (SIGKILL)",
  },
];

/** What a test adds to its name to say that it cannot run here; or "". */
export function describeMissing(needs: readonly string[]): string {
  const missing = needs.filter((path) => !exists(path));
  return missing.length === 0
    ? ""
    : ` (ignored: ${missing.join(", ")} is not installed)`;
}

/**
 * Makes the folder of one run and chooses its port.
 *
 * @param owner Who the server will run as; null = who runs the tests.
 */
export async function makeSite(
  owner: { readonly uid: number; readonly gid: number } | null,
): Promise<ServerSite & AsyncDisposable> {
  const folder: TempDir = await tempDir();
  const dir = folder.path;
  await Deno.chmod(dir, 0o755);
  if (owner !== null) await Deno.chown(dir, owner.uid, owner.gid);
  return {
    dir,
    port: freePort(),
    logFile: `${dir}/server.log`,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** A port that was free a moment ago. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** Whether nobody listens on a port. */
export async function isPortClosed(port: number): Promise<boolean> {
  try {
    using _connection = await Deno.connect({ hostname: "127.0.0.1", port });
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return true;
    throw error;
  }
}

/** Every live process of a server: of its session, or in its folder. */
export function processesOf(pid: number, site: ServerSite): number[] {
  const pids = new Set([...membersOf(pid), ...livingIn(site.dir)]);
  if (isAlive(pid)) pids.add(pid);
  return [...pids];
}

async function writeNginxConfig(
  { dir, port, logFile }: ServerSite,
  daemon: "on" | "off",
): Promise<string> {
  const path = `${dir}/nginx.conf`;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${dir}/${name};`).join(" ");
  await Deno.writeTextFile(
    path,
    `daemon ${daemon};
pid ${dir}/nginx.pid;
error_log ${logFile} notice;
worker_processes 2;
events { worker_connections 16; }
http {
  access_log off;
  ${temporary}
  server {
    listen 127.0.0.1:${port};
    location / { return 200 "${TEXT}"; }
  }
}
`,
  );
  return path;
}

async function probeHttp(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    headers: { connection: "close" },
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  const text = await response.text();
  if (response.status !== 200 || text !== TEXT) {
    throw new Error(`nginx answered ${response.status} ${text}`);
  }
}

/** A running server may still be binding its port. */
async function probeRedis(port: number): Promise<void> {
  using connection = await eventually("redis listens", () => connect(port));
  await connection.write(new TextEncoder().encode("PING\r\n"));
  const buffer = new Uint8Array(64);
  const length = await connection.read(buffer) ?? 0;
  const answer = new TextDecoder().decode(buffer.subarray(0, length));
  if (answer !== "+PONG\r\n") throw new Error(`redis answered ${answer}`);
}

async function connect(port: number): Promise<Deno.TcpConn | null> {
  try {
    return await Deno.connect({ hostname: "127.0.0.1", port });
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return null;
    throw error;
  }
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
