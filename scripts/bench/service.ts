import { ManagerClient } from "../../shared/manager_api/client.ts";
import type {
  ProcessEvent,
  ProcessState,
} from "../../shared/manager_api/types.ts";
import { daemonArguments, socketPathOf } from "../permissions.ts";

/** A daemon on folders of its own, with exactly its permissions. */
export class BenchDaemon {
  readonly client: ManagerClient;
  readonly #following = new AbortController();
  #events: AsyncIterator<ProcessEvent> | null = null;
  #child: Deno.ChildProcess | null = null;

  /**
   * @param program Folder of the bundled daemon.
   * @param root Folder for all its files.
   */
  constructor(private readonly program: string, readonly root: string) {
    this.client = new ManagerClient(socketPathOf(root));
  }

  get pid(): number {
    if (this.#child === null) throw new Error("the daemon is not running");
    return this.#child.pid;
  }

  /** Starts it; resolves with the time to its first answer, ms. */
  async start(): Promise<number> {
    const startMs = performance.now();
    this.#child = new Deno.Command(Deno.execPath(), {
      args: daemonArguments(`${this.program}/main.js`, {
        root: this.root,
        launcher: `${this.program}/launch/launcher.sh`,
      }),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    while (true) {
      try {
        await this.client.list();
        return performance.now() - startMs;
      } catch {
        // Not listening yet.
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  }

  /** Waits for the next event of a process in a state. */
  async until(id: string, state: ProcessState): Promise<ProcessEvent> {
    this.#events ??= (await this.client.follow(0, this.#following.signal))
      [Symbol.asyncIterator]();
    while (true) {
      const { value, done } = await this.#events.next();
      if (done) throw new Error("the stream of events has ended");
      if (value.Id === id && value.Status.Status === state) return value;
      if (value.Id === id && value.Status.Status === "stopped") {
        throw new Error(value.Status.Message);
      }
    }
  }

  async stop(): Promise<void> {
    this.#following.abort();
    this.#child?.kill("SIGTERM");
    await this.#child?.status;
    this.#child = null;
    this.client.close();
  }
}

/** Resident memory of a process, MiB. */
export async function readRssMib(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return Number(kib) / 1024;
}
