import type { ProcInfo } from "../../executor/bcs/data_class.ts";
import { executorArguments } from "../../scripts/permissions.ts";
import { isAlive } from "../daemon/support/proc.ts";
import {
  type Chunking,
  type ExecutorEnvironmentOptions,
  FakeAgent,
  type FakeAgentOptions,
  type TaskInput,
} from "./fake_agent.ts";
import { type TempDir, tempDir } from "./temp_dir.ts";
import { TestDaemon } from "./test_daemon.ts";

/** The executor's main file. */
export const EXECUTOR_PROGRAM = decodeURIComponent(
  new URL("../../executor/main.ts", import.meta.url).pathname,
);
/** Time that an executor has to leave unless a test says otherwise, ms. */
const EXIT_MS_MAX = 10_000;

/** One of the ways in which agent and executor may talk. */
export interface Wire {
  readonly codec: "json" | "protobuf";
  /** How the agent cuts its stream of events. */
  readonly chunking: Chunking;
}

/** Both content types, and both unkind ways to cut a stream. */
export const WIRES: readonly Wire[] = [
  { codec: "json", chunking: "byte" },
  { codec: "protobuf", chunking: "random" },
];

/** What one executor is started with. */
export interface TestExecutorOptions
  extends Partial<ExecutorEnvironmentOptions> {
  /** @default {"json"} */
  readonly codec?: Wire["codec"];
  /** What else an agent would set, such as files of TLS. @default {{}} */
  readonly variables?: Readonly<Record<string, string>>;
  /** Whether there is no space for its log. @default {false} */
  readonly isDiskFull?: boolean;
}

/** A real executor, started exactly as an agent starts one. */
export class TestExecutor implements AsyncDisposable {
  /** The code it ended with. */
  readonly exitCode: Promise<number>;

  private constructor(
    private readonly dir: TempDir,
    private readonly child: Deno.ChildProcess,
    private readonly logged: Promise<void>,
  ) {
    this.exitCode = child.status.then(({ code }) => code);
  }

  /**
   * Starts it with the agent's environment and nothing else, not even HOME,
   * in a sandbox of its own.
   *
   * @param socket Where a daemon listens, or does not.
   */
  static async start(
    agent: FakeAgent,
    socket: string,
    { codec = "json", variables = {}, isDiskFull = false, ...environment }:
      TestExecutorOptions = {},
  ): Promise<TestExecutor> {
    const dir = await tempDir();
    const file = await Deno.open(`${dir.path}/stderr`, {
      create: true,
      append: true,
    });
    const args = [
      Deno.execPath(),
      ...executorArguments(EXECUTOR_PROGRAM, {
        endpoint: variables["MESOS_AGENT_ENDPOINT"] ?? agent.endpoint,
        socket,
        codec,
        domainSocket: variables["MESOS_DOMAIN_SOCKET"],
        tlsFiles: Object.entries(variables)
          .filter(([name]) => name.endsWith("_FILE")).map(([, path]) => path),
      }),
    ];
    const log = isDiskFull ? "2>/dev/full" : "";
    const child = new Deno.Command("/bin/sh", {
      args: ["-c", `exec "$@" ${log}`, "sh", ...args],
      cwd: dir.path,
      clearEnv: true,
      env: {
        ...agent.executorEnvironment({ sandbox: dir.path, ...environment }),
        ...variables,
      },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    return new TestExecutor(dir, child, copy(child.stderr, file));
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Its working folder, that of plain Mesos tasks too. */
  get sandbox(): string {
    return this.dir.path;
  }

  get isAlive(): boolean {
    return isAlive(this.pid);
  }

  /** What it has logged so far. */
  readLog(): Promise<string> {
    return Deno.readTextFile(`${this.sandbox}/stderr`);
  }

  /** Asks it to leave, as a service manager does. */
  terminate(signal: "SIGTERM" | "SIGINT" = "SIGTERM"): void {
    this.child.kill(signal);
  }

  /**
   * Waits for its end.
   *
   * @returns Its exit code.
   */
  async exit(withinMs = EXIT_MS_MAX): Promise<number> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const limit = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), withinMs);
    });
    const code = await Promise.race([this.exitCode, limit]);
    clearTimeout(timer);
    if (code !== null) return code;
    throw new Error(
      `The executor did not leave within ${withinMs} ms:\n${await this
        .readLog()}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.exitCode;
    await this.logged;
    await this.dir[Symbol.asyncDispose]();
  }
}

/** Not `pipeTo`, which keeps a part back until the end. */
async function copy(
  from: ReadableStream<Uint8Array>,
  to: Deno.FsFile,
): Promise<void> {
  for await (const bytes of from) await to.write(bytes);
  to.close();
}

/** How a whole chain is started. */
export interface TestChainOptions extends TestExecutorOptions {
  /** @default {"record"} */
  readonly chunking?: Chunking;
  /** The framework's user is whoever runs the tests, unless it says more. */
  readonly agent?: FakeAgentOptions;
}

/** Agent, daemon and a subscribed executor: all that one task needs. */
export interface TestChain extends AsyncDisposable {
  readonly agent: FakeAgent;
  readonly daemon: TestDaemon;
  readonly executor: TestExecutor;
}

/** Starts a chain; its executor has subscribed once this resolves. */
export async function startChain(
  { chunking = "record", agent: agentOptions = {}, ...options }:
    TestChainOptions = {},
): Promise<TestChain> {
  await using stack = new AsyncDisposableStack();
  const daemon = stack.use(await TestDaemon.start());
  const agent = stack.use(
    await FakeAgent.start({ frameworkUser: await userName(), ...agentOptions }),
  );
  agent.chunking = chunking;
  const executor = stack.use(
    await TestExecutor.start(agent, daemon.socket, options),
  );
  await agent.subscribed();
  const owned = stack.move();
  return {
    agent,
    daemon,
    executor,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A task that runs a shell text, without anything of BCS. */
export function shellTask(
  id: string,
  value: string,
  more: Readonly<Record<string, unknown>> = {},
): TaskInput {
  return { task_id: { value: id }, command: { value, ...more } };
}

/** A task as the BCS scheduler makes one. */
export function bcsTask(
  id: string,
  procInfo: Partial<ProcInfo>,
  { graceMs, user }: { readonly graceMs?: number; readonly user?: string } = {},
): TaskInput {
  const data = {
    Resources: { Cpus: 0.1, Mem: 16, Disk: 0 },
    LimitResources: null,
    ExtendedResources: null,
    Msgs: null,
    NetLimit: null,
    ProcInfo: {
      procName: "",
      workPath: "/",
      pidFile: "",
      startCmd: "",
      checkCmd: "",
      stopCmd: "",
      restartCmd: "",
      reloadCmd: "",
      killCmd: "",
      logPath: "",
      cfgPath: "",
      uris: [],
      startGracePeriod: 0,
      ...procInfo,
    },
  };
  return {
    task_id: { value: id },
    command: {
      environment: { variables: [{ name: "PATH", value: "/usr/bin:/bin" }] },
      ...(user === undefined ? {} : { user }),
    },
    ...(graceMs === undefined
      ? {}
      : { kill_policy: { grace_period: { nanoseconds: graceMs * 1e6 } } }),
    data: toBase64(toBase64(JSON.stringify(data))),
  };
}

/** The user who runs the tests. */
export async function userName(): Promise<string> {
  const { stdout } = await new Deno.Command("id", { args: ["-un"] }).output();
  return new TextDecoder().decode(stdout).trim();
}

function toBase64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}
