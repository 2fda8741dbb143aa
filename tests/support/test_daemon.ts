import { ManagerClient } from "../../shared/manager_api/client.ts";
import { TextLineStream } from "../../shared/std/streams.ts";
import type {
  ProcessInfo,
  ProcessStatusInfo,
} from "../../shared/manager_api/types.ts";
import { killAll, livingIn, membersOf } from "../daemon/support/proc.ts";
import { LAUNCHER_PATH } from "./launcher_shells.ts";
import { removeGroups } from "./cgroups.ts";
import { type TempDir, tempDir } from "./temp_dir.ts";

const ROOT = decodeURIComponent(new URL("../..", import.meta.url).pathname);
/** Time after which an event counts as never coming, ms. */
const DEADLINE_MS = 30_000;
/** Time that a test's processes get to be stopped by the API at its end. */
const STOP_MS_MAX = 5_000;

/** What of a daemon's set-up is not as usual. */
export interface DaemonOptions {
  /** `host:port` of what it may fetch from. @default {[]} */
  readonly hosts?: readonly string[];
  /** Flags that are added or changed. @default {{}} */
  readonly flags?: Readonly<Record<string, string>>;
}

/** How one run of the daemon ended. */
export interface DaemonEnd {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  /** Everything it logged. */
  readonly log: string;
}

/** A real daemon in a folder of its own, with the permissions it is meant for. */
export class TestDaemon implements AsyncDisposable {
  #client: ManagerClient | null = null;
  #child: Deno.ChildProcess | null = null;
  #log = "";
  #logEnd: Promise<void> = Promise.resolve();

  private constructor(
    private readonly tempDir: TempDir,
    private readonly options: DaemonOptions,
  ) {}

  /**
   * Starts a daemon on empty folders; it answers once this resolves.
   */
  static async start(options: DaemonOptions = {}): Promise<TestDaemon> {
    const daemon = new TestDaemon(await tempDir(), options);
    await Deno.mkdir(daemon.workDir);
    try {
      await daemon.run();
      return daemon;
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Holds everything below. */
  get dir(): string {
    return this.tempDir.path;
  }
  /** For the test's own files. */
  get workDir(): string {
    return `${this.dir}/work`;
  }
  get dataDir(): string {
    return `${this.dir}/data`;
  }
  get logDir(): string {
    return `${this.dir}/log`;
  }
  get workspaceDir(): string {
    return `${this.dir}/workspace`;
  }
  get socket(): string {
    return `${this.dir}/daemon.sock`;
  }
  /** Parent of its processes' control groups. */
  get cgroup(): string {
    return `bcs-process-test-${this.dir.split("/").at(-1)}`;
  }
  get client(): ManagerClient {
    return this.#client ??= new ManagerClient(this.socket);
  }
  /** What the daemon has logged so far, in all its runs. */
  get log(): string {
    return this.#log;
  }

  /** Starts the daemon on the folders as they are. */
  async run(): Promise<void> {
    const child = this.spawn();
    this.#child = child;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#logEnd = this.#readLog(child, resolve).finally(() =>
      reject(new Error(`The daemon did not start: ${this.#log}`))
    );
    await promise;
  }

  /** Starts another daemon with this one's settings, some changed. */
  spawn(
    changed: Readonly<Record<string, string>> = {},
    extra: readonly string[] = [],
  ): Deno.ChildProcess {
    const flags = {
      "data-dir": this.dataDir,
      "workspace-dir": this.workspaceDir,
      "log-dir": this.logDir,
      "pid-dir": `${this.dir}/pid`,
      "unix-socket": this.socket,
      // Several daemons run at once: each has groups of its own.
      "cgroup": this.cgroup,
      ...this.options.flags,
      ...changed,
    };
    const files = [...Object.values(flags), ...extra].filter((word) =>
      word.startsWith("/")
    ).join(",");
    return new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        `--config=${ROOT}deno.json`,
        `--allow-read=${files}`,
        `--allow-write=${files}`,
        `--allow-run=${LAUNCHER_PATH}`,
        `--allow-net=${
          [`unix:${flags["unix-socket"]}`, ...this.options.hosts ?? []].join(
            ",",
          )
        }`,
        `${ROOT}daemon/main.ts`,
        ...Object.entries(flags).map(([key, value]) => `--${key}=${value}`),
        ...extra,
      ],
      cwd: this.dir,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
  }

  /** Ends the daemon as a crash does; its processes live on. */
  async kill9(): Promise<DaemonEnd> {
    return await this.#end("SIGKILL");
  }

  /** Asks the daemon to leave; its processes live on. */
  async leave(): Promise<DaemonEnd> {
    return await this.#end("SIGTERM");
  }

  /** Sends a signal to the daemon alone. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.kill(signal);
  }

  /** A crash, and a new daemon on what it left. */
  async restart(): Promise<void> {
    await this.kill9();
    await this.run();
  }

  /** Creates a process out of a few members. @returns Its id. */
  async create(part: Partial<ProcessInfo> & { readonly Id: string }) {
    await this.client.create({
      WorkDir: this.workDir,
      ProcessName: "",
      Uris: null,
      PidFile: "",
      StartCmd: "/usr/bin/sleep",
      StartGracePeriod: 0,
      StopCmd: "",
      StopTimeout: 0,
      KillCmd: "",
      Resource: null,
      Envs: null,
      Argv: null,
      User: "",
      ExecutorId: "",
      StatusInfo: null,
      ExecutorHeartBeatTime: 0,
      ...part,
    });
    return part.Id;
  }

  /**
   * Follows the events until one fits, those of the past included.
   *
   * @param after Looks only at events after this one.
   */
  async waitFor(
    id: string,
    fits: (status: ProcessStatusInfo) => boolean,
    after = 0,
  ): Promise<ProcessStatusInfo> {
    const aborter = new AbortController();
    const timer = setTimeout(() => aborter.abort(), DEADLINE_MS);
    const seen: string[] = [];
    try {
      const events = await this.client.follow(after, aborter.signal);
      for await (const { Id, Cause, Status } of events) {
        if (Id !== id) continue;
        if (fits(Status)) return Status;
        seen.push(`${Cause} ${Status.Status} ${Status.Message}`);
      }
    } catch (error) {
      if (!aborter.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
    throw new Error(`No event of "${id}" fits, only:\n${seen.join("\n")}`);
  }

  /** Waits until a process is in a state. */
  async waitForState(
    id: string,
    state: ProcessStatusInfo["Status"],
  ): Promise<ProcessStatusInfo> {
    return await this.waitFor(id, ({ Status }) => Status === state);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child !== null) await this.#stopAll();
    await this.kill9();
    await killAll(() => [
      ...this.#sessions().flatMap(membersOf),
      ...livingIn(this.dir),
    ]);
    await removeGroups(this.cgroup);
    await this.tempDir[Symbol.asyncDispose]();
  }

  /** By the API first: what it cannot stop is killed afterwards. */
  async #stopAll(): Promise<void> {
    let timer;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP_MS_MAX);
    });
    const stops = this.client.list().then((statuses) =>
      Promise.allSettled(statuses.map(({ Id }) => this.client.stop(Id, 1)))
    ).catch(() => []);
    await Promise.race([stops, limit]);
    clearTimeout(timer);
    // Calls that still wait end with the daemon.
    await this.kill9();
    await stops;
  }

  async #end(signal: Deno.Signal): Promise<DaemonEnd> {
    const child = this.#child;
    this.#child = null;
    this.#client?.close();
    this.#client = null;
    if (child === null) return { code: 0, signal: null, log: this.#log };
    try {
      child.kill(signal);
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
    const status = await child.status;
    await this.#logEnd.catch(() => {});
    return { code: status.code, signal: status.signal, log: this.#log };
  }

  async #readLog(
    child: Deno.ChildProcess,
    onListening: () => void,
  ): Promise<void> {
    const lines = child.stderr.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of lines) {
      this.#log += `${line}\n`;
      if (line.includes('"message":"listening"')) onListening();
    }
  }

  /** Sessions that the launchers of this daemon made. */
  #sessions(): number[] {
    const sessions: number[] = [];
    const collect = (folder: string) => {
      for (const entry of readFolder(folder)) {
        const path = `${folder}/${entry.name}`;
        if (entry.isDirectory) collect(path);
        if (entry.name !== "identity") continue;
        const session = Number(Deno.readTextFileSync(path).split(" ")[2]);
        if (session > 1) sessions.push(session);
      }
    };
    collect(`${this.dataDir}/run`);
    return sessions;
  }
}

function readFolder(path: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(path)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
