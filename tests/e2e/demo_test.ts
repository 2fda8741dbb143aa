/** The demo as its users see it: what it prints, and that it tidies up. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../daemon/support/eventually.ts";
import {
  killAll,
  listProcesses,
  readProc,
  readProcLink,
} from "../daemon/support/proc.ts";

const DEMO = decodeURIComponent(
  new URL("../../scripts/demo/main.ts", import.meta.url).pathname,
);
const ROOT_PATTERN = /starting the daemon below (\S+)/;

/** One run of the demo. What it leaves behind is removed at the end. */
class Demo implements AsyncDisposable {
  /** What it has printed so far. */
  output = "";
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>;

  constructor() {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--allow-all", DEMO],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
      // A group of its own, as a shell gives to what it runs.
      detached: true,
    }).spawn();
    this.#read = this.#collect();
  }

  /** Folder of all its files; "" until it has said so. */
  get root(): string {
    return ROOT_PATTERN.exec(this.output)?.[1] ?? "";
  }

  async waitForOutput(text: string): Promise<void> {
    await eventually(
      `the demo prints "${text}"`,
      () => this.output.includes(text),
    );
  }

  interrupt(signal: Deno.Signal): void {
    // A terminal's ^C goes to the whole group.
    if (signal === "SIGINT") Deno.kill(-this.#child.pid, signal);
    else this.#child.kill(signal);
  }

  /** Waits for its end. @returns Its exit code. */
  async end(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#read;
    return code;
  }

  /** Live processes that have to do with its folder. */
  findProcesses(): number[] {
    const { root } = this;
    return listProcesses().map(({ pid }) => pid).filter((pid) =>
      pid !== this.#child.pid &&
      (["cmdline", "environ"].some((name) =>
        readProc(pid, name)?.includes(root)
      ) || ["cwd", "fd/1", "fd/2"].some((name) =>
        readProcLink(pid, name)?.startsWith(root)
      ))
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.end();
    const { root } = this;
    if (root === "") return;
    await killAll(() => this.findProcesses());
    if (exists(root)) await Deno.remove(root, { recursive: true });
  }

  async #collect(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.#child.stdout) {
      this.output += decoder.decode(bytes, { stream: true });
    }
  }
}

Deno.test("demo brings every task through its states and leaves nothing", async () => {
  await using demo = new Demo();
  assertEquals(await demo.end(), 0, demo.output);
  for (const index of [0, 1]) {
    const states = [
      ...demo.output.matchAll(
        new RegExp(`(TASK_\\w+) +\\d+\\.${index}\\.0\\.gamesvc`, "g"),
      ),
    ].map(([, state]) => state);
    assertEquals(states, ["TASK_STARTING", "TASK_RUNNING", "TASK_KILLED"]);
  }
  assertEquals(demo.output.match(/"healthy":true/g)?.length, 2);
  assertStringIncludes(demo.output, "the executor has left with code 0");
  assertMatch(demo.output, /done\n$/);
  assertEquals(demo.findProcesses(), []);
  assertEquals(exists(demo.root), false);
});

for (
  const [signal, moment] of [
    ["SIGINT", "the daemon answers"],
    ["SIGINT", "the executor has subscribed"],
    ["SIGINT", "TASK_STARTING"],
    ["SIGINT", "TASK_RUNNING"],
    ["SIGTERM", "KILL sent"],
  ] as const
) {
  Deno.test(`demo leaves nothing when ${signal} follows "${moment}"`, async () => {
    await using demo = new Demo();
    await demo.waitForOutput(moment);
    demo.interrupt(signal);
    const code = await demo.end();
    assertEquals(demo.findProcesses(), [], demo.output);
    assertEquals(exists(demo.root), false, demo.output);
    assertEquals(code, 130, demo.output);
  });
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
