import { ManagerClient } from "../../shared/manager_api/client.ts";
import type {
  ProcessEvent,
  ProcessInfo,
  ProcessState,
} from "../../shared/manager_api/types.ts";
import { TextLineStream } from "../../shared/std/streams.ts";
import { daemonArguments, socketPathOf } from "../permissions.ts";

/** Requests that are made side by side where their number does not matter. */
const PARALLEL = 16;

/** Daemons that are running; more than none only in the middle of a suite. */
const RUNNING = new Set<BenchDaemon>();

/** Ends the daemons of a suite that failed, with their processes. */
export async function endRunning(): Promise<void> {
  for (const daemon of RUNNING) {
    // It may be what has failed.
    await daemon.endAll().catch(() => {});
    await daemon.stop();
  }
}

/** A daemon on folders of its own, with exactly its permissions. */
export class BenchDaemon {
  readonly client: ManagerClient;
  readonly socket: string;
  #following = new AbortController();
  #events: AsyncIterator<ProcessEvent> | null = null;
  #child: Deno.ChildProcess | null = null;

  /**
   * @param program Folder of the bundled daemon.
   * @param root Folder for all its files.
   * @param fetchHosts What it may fetch from.
   */
  constructor(
    private readonly program: string,
    readonly root: string,
    private readonly fetchHosts: readonly string[] = [],
  ) {
    this.socket = socketPathOf(root);
    this.client = new ManagerClient(this.socket);
  }

  get pid(): number {
    if (this.#child === null) throw new Error("the daemon is not running");
    return this.#child.pid;
  }

  /** Starts it; resolves with the time to its first answer, ms. */
  async start(): Promise<number> {
    const startMs = performance.now();
    this.#spawn("null");
    await this.#answered();
    return performance.now() - startMs;
  }

  /**
   * Kills it as a power cut would, and starts the next.
   *
   * @returns Times from its start to the first answer, and to its word that
   * all processes are taken up, ms.
   */
  async replace(): Promise<{ answerMs: number; adoptedMs: number }> {
    this.#unfollow();
    this.#child?.kill("SIGKILL");
    await this.#child?.status;
    const startMs = performance.now();
    const elapsed = () => performance.now() - startMs;
    const { stderr } = this.#spawn("piped");
    const adopted = untilRecovered(stderr).then(elapsed);
    await this.#answered();
    const answerMs = elapsed();
    return { answerMs, adoptedMs: await adopted };
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

  /**
   * Starts processes, one request after the other on one connection.
   *
   * @returns Time until all of them run, ms.
   */
  async startAll(infos: readonly ProcessInfo[]): Promise<number> {
    const missing = new Set(infos.map(({ Id }) => Id));
    const following = new AbortController();
    const events = await this.client.follow(undefined, following.signal);
    const startMs = performance.now();
    const created = (async () => {
      for (const info of infos) await this.client.create(info);
    })();
    for await (const { Id, Status } of events) {
      if (Status.Status === "stopped" && missing.has(Id)) {
        throw new Error(Status.Message);
      }
      if (Status.Status === "running") missing.delete(Id);
      if (missing.size === 0) break;
    }
    const elapsedMs = performance.now() - startMs;
    following.abort();
    await created;
    return elapsedMs;
  }

  /** Ends everything that runs, some at a time, and deletes all. */
  async endAll(): Promise<void> {
    await this.forEach(await this.client.list(), async (status) => {
      if (status.Status === "running") Deno.kill(status.Pid, "SIGKILL");
      await this.client.stop(status.Id, 0);
      await this.client.delete(status.Id);
    });
  }

  /** Does the same for many, some at a time. */
  async forEach<T>(
    items: readonly T[],
    act: (item: T) => Promise<void>,
  ): Promise<void> {
    const left = items.values();
    await Promise.all(Array.from({ length: PARALLEL }, async () => {
      for (const item of left) await act(item);
    }));
  }

  async stop(): Promise<void> {
    this.#unfollow();
    this.#child?.kill("SIGTERM");
    await this.#child?.status;
    this.#child = null;
    RUNNING.delete(this);
    this.client.close();
  }

  #unfollow(): void {
    this.#following.abort();
    this.#following = new AbortController();
    this.#events = null;
  }

  #spawn(stderr: "null" | "piped"): Deno.ChildProcess {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: daemonArguments(`${this.program}/main.js`, {
        root: this.root,
        launcher: `${this.program}/launch/launcher.sh`,
        fetchHosts: this.fetchHosts,
      }),
      stdin: "null",
      stdout: "null",
      stderr,
    }).spawn();
    RUNNING.add(this);
    return this.#child;
  }

  async #answered(): Promise<void> {
    while (true) {
      try {
        await this.client.list();
        return;
      } catch {
        // Not listening yet.
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  }
}

/** Reads a daemon's log to its end, also after what is waited for was said. */
function untilRecovered(log: ReadableStream<Uint8Array>): Promise<void> {
  return new Promise((resolve) => {
    log.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream())
      .pipeTo(
        new WritableStream({
          write(line) {
            if (line.includes('"message":"recovered"')) resolve();
          },
        }),
      );
  });
}
