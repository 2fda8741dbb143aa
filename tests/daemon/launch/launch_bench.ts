import { AppError } from "../../../shared/errors.ts";
import { encodeLaunch } from "../../../daemon/launch/encode_request.ts";
import {
  type Launched,
  parseLaunched,
} from "../../../daemon/launch/run_folder.ts";
import type { Identity } from "../../../daemon/lifecycle/record.ts";
import type { LaunchRequest, UserIds } from "../../../daemon/ports.ts";
import {
  installLauncher,
  LAUNCHER_SHELLS,
  type LauncherShell,
} from "../../support/launcher_shells.ts";
import { type TempDir, tempDir } from "../../support/temp_dir.ts";
import { eventually } from "../support/eventually.ts";
import {
  killAll,
  membersOf,
  readProc,
  readProcLink,
  readStat,
} from "../support/proc.ts";

/** Whether the tests may change users. */
export const IS_ROOT = Deno.uid() === 0;

/** Who the tests are. */
export const SELF: UserIds = { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 };
/** Debian's nobody and nogroup. */
export const NOBODY: UserIds = { uid: 65_534, gid: 65_534 };

/** A command line that a shell runs. */
export function sh(text: string): readonly [string, ...string[]] {
  return ["/bin/sh", "-c", text];
}

/** One launcher that was asked to run something. */
export interface Launch {
  readonly request: LaunchRequest;
  readonly child: Deno.ChildProcess;
  /** Every line of its answer: complete when the workload was executed. */
  readonly answers: Promise<readonly string[]>;
  /** Who was started. */
  identity(): Promise<Launched>;
  /** Waits until the workload's own program has replaced the launcher's. */
  executed(program: string): Promise<Identity>;
  /** Waits for the launcher's end. @returns The exit record; "" = none. */
  end(): Promise<string>;
  stdout(): Promise<string>;
  stderr(): Promise<string>;
  /** What the launcher itself had to say. */
  errors(): Promise<string>;
}

/** The launcher under one shell, and a folder for all that it starts. */
export class LaunchBench implements AsyncDisposable {
  readonly #launches: Launch[] = [];
  readonly #children: Deno.ChildProcess[] = [];
  #requests = 0;

  private constructor(
    readonly shell: LauncherShell,
    private readonly tempDir: TempDir,
    readonly launcher: string,
  ) {}

  static async create(shell: LauncherShell): Promise<LaunchBench> {
    const dir = await tempDir();
    // For workloads of other users.
    await Deno.chmod(dir.path, 0o755);
    await Deno.mkdir(`${dir.path}/work`);
    await Deno.mkdir(`${dir.path}/here`);
    return new LaunchBench(shell, dir, await installLauncher(shell, dir.path));
  }

  /** The folder for all files of the test. */
  get dir(): string {
    return this.tempDir.path;
  }

  /** Fills a request in: its own run folder, and files beside it. */
  async request(part: Partial<LaunchRequest>): Promise<LaunchRequest> {
    const name = `${this.dir}/run-${this.#requests++}`;
    await Deno.mkdir(part.folder ?? name, { recursive: true, mode: 0o700 });
    return {
      folder: name,
      user: null,
      stdoutPath: `${name}.stdout`,
      stderrPath: `${name}.stderr`,
      workDir: `${this.dir}/work`,
      environment: [],
      command: ["/usr/bin/true"],
      group: null,
      settings: { umask: "022", nice: 0, oomScoreAdj: 0, rlimits: {} },
      ...part,
    };
  }

  /** Starts something. */
  async launch(part: Partial<LaunchRequest>): Promise<Launch> {
    const request = await this.request(part);
    return await this.send(request, `${encodeLaunch(request).join("\n")}\n`);
  }

  /** Starts something by the very bytes of a request, maybe broken ones. */
  async send(
    request: LaunchRequest,
    text: string | Uint8Array<ArrayBuffer>,
    by: readonly string[] = [],
  ): Promise<Launch> {
    const child = this.spawn("run", by);
    const read = (path: string) => readIfThere(path);
    const answers = new Response(child.stdout).text().then(toLines);
    const launch: Launch = {
      request,
      child,
      answers,
      identity: async () => identityOf(await answers),
      executed: async (program) => {
        const { command } = identityOf(await answers);
        await eventually(
          `${program} runs`,
          () => readProcLink(command.pid, "exe")?.endsWith(`/${program}`),
        );
        return command;
      },
      end: async () => {
        await answers;
        await child.status;
        return (await read(`${request.folder}/exit`)).trim();
      },
      stdout: () => read(request.stdoutPath),
      stderr: () => read(request.stderrPath),
      errors: () => read(`${request.folder}/errors`),
    };
    this.#launches.push(launch);
    await write(child, text);
    return launch;
  }

  /** Sends a request that starts nothing. @returns The lines of the answer. */
  async ask(verb: string, lines: readonly string[]): Promise<string[]> {
    return await this.askBare(verb, [...lines, "end"]);
  }

  /** The same for a request that has no line to mark its end. */
  async askBare(
    verb: string,
    lines: readonly string[],
    by: readonly string[] = [],
  ): Promise<string[]> {
    const child = this.spawn(verb, by);
    const answer = new Response(child.stdout).text();
    await write(child, `bcs-launcher 1\n${lines.join("\n")}\n`);
    await child.status;
    return toLines(await answer);
  }

  /** Starts the launcher as the daemon does, with nothing said to it yet. */
  spawn(verb: string, by: readonly string[] = []): Deno.ChildProcess {
    const [program = "", ...args] = [...by, this.launcher, verb, "label"];
    const child = new Deno.Command(program, {
      args,
      clearEnv: true,
      cwd: `${this.dir}/here`,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#children.push(child);
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const sessions = new Set<number>();
    for (const { child, answers } of this.#launches) {
      try {
        sessions.add(identityOf(await answers).command.pid);
      } catch (error) {
        // Nothing was started.
        if (!(error instanceof AppError)) throw error;
      }
      sessions.add(child.pid);
    }
    await killAll(() => [...sessions].flatMap(membersOf));
    for (const child of this.#children) await child.status;
    await this.tempDir[Symbol.asyncDispose]();
  }
}

/** Registers one test per shell; what cannot run here says why in its name. */
export function testShells(
  name: string,
  run: (bench: LaunchBench) => Promise<void>,
  unless: string | null = null,
): void {
  for (const shell of LAUNCHER_SHELLS) {
    const reason = shell.path === null ? `${shell.name} is missing` : unless;
    Deno.test({
      name: `launcher.sh (${shell.name}) ${name}` +
        (reason === null ? "" : ` (skipped: ${reason})`),
      ignore: reason !== null,
      async fn() {
        await using bench = await LaunchBench.create(shell);
        await run(bench);
      },
    });
  }
}

/** An identity as a line of a request. */
export function toLine({ bootId, pid, startTicks }: Identity): string {
  return `identity ${bootId} ${pid} ${startTicks}`;
}

/** What a process may call itself to look like something else in /proc. */
export const HOSTILE_NAMES: readonly string[] = [
  ") S 1 1 1 1",
  "a\nb) Z 1",
  "\n\n",
  "  ",
  "(",
  "\\n",
  "a (b) c",
];

/** Starts a process that calls itself `name`, in a session of its own. */
export async function startNamed(
  bench: LaunchBench,
  name: string,
): Promise<Identity> {
  const [shell, ...args] = sh(
    'printf "%s" "$0" >/proc/$$/comm; while :; do /usr/bin/sleep 1000; done',
  );
  const launch = await bench.launch({ command: [shell, ...args, name] });
  const { command } = await launch.identity();
  await eventually(
    "the process has its name and waits",
    () =>
      readProc(command.pid, "comm") === `${name}\n` &&
      membersOf(command.pid).length === 2 &&
      readStat(command.pid)?.state === "S",
  );
  return command;
}

/** The text of a file; "" if there is none. */
export async function readIfThere(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** Whether there is such a file. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function identityOf(answers: readonly string[]): Launched {
  const line = answers.find((answer) => answer.startsWith("identity "));
  return parseLaunched((line ?? answers.join("; ")).split(" ").slice(1));
}

function toLines(text: string): string[] {
  return text.split("\n").slice(0, -1);
}

async function write(
  child: Deno.ChildProcess,
  text: string | Uint8Array<ArrayBuffer>,
): Promise<void> {
  const bytes = typeof text === "string"
    ? new TextEncoder().encode(text)
    : text;
  const writer = child.stdin.getWriter();
  try {
    await writer.write(bytes);
    await writer.close();
  } catch (error) {
    // The launcher refused before it had read all.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
