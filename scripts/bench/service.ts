import { DAEMON_HOST, ManagerClient } from "../../shared/manager_api/client.ts";

/** A daemon on folders of its own, with exactly its permissions. */
export class BenchDaemon {
  readonly client: ManagerClient;
  #child: Deno.ChildProcess | null = null;

  /**
   * @param program Folder of the bundled daemon.
   * @param root Folder for all its files.
   */
  constructor(private readonly program: string, readonly root: string) {
    this.client = new ManagerClient(this.socketPath);
  }

  get socketPath(): string {
    return `${this.root}/s.sock`;
  }

  get pid(): number {
    if (this.#child === null) throw new Error("the daemon is not running");
    return this.#child.pid;
  }

  /** Starts it; resolves with the time to its first answer, ms. */
  async start(): Promise<number> {
    const launcher = `${this.program}/launch/launcher.sh`;
    const startMs = performance.now();
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-config",
        "--no-prompt",
        `--allow-read=${this.root}`,
        `--allow-write=${this.root}`,
        `--allow-run=${launcher}`,
        `--allow-net=unix:${this.socketPath}`,
        `${this.program}/main.js`,
        `--data-dir=${this.root}/data`,
        `--workspace-dir=${this.root}/workspace`,
        `--log-dir=${this.root}/log`,
        `--pid-dir=${this.root}/run`,
        `--unix-socket=${this.socketPath}`,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    while (true) {
      try {
        await this.client.list();
        return performance.now() - startMs;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  }

  async stop(): Promise<void> {
    this.#child?.kill("SIGTERM");
    await this.#child?.status;
    this.#child = null;
  }
}

/** Permissions that a client of a daemon needs, as `--allow-net` items. */
export function clientNet(socketPath: string): string[] {
  return [`unix:${socketPath}`, DAEMON_HOST];
}

/** Resident memory of a process, MiB. */
export async function readRssMib(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return Number(kib) / 1024;
}
