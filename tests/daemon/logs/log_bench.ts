import { assert, assertEquals } from "@std/assert";
import { ShellLauncher } from "../../../daemon/launch/launcher.ts";
import { LogFile, type LogFilePorts } from "../../../daemon/logs/log_file.ts";
import { parseName } from "../../../daemon/logs/log_name.ts";
import { systemClock } from "../../../shared/clock.ts";
import { LAUNCHER_PATH } from "../../support/launcher_shells.ts";
import { type TempDir, tempDir } from "../../support/temp_dir.ts";

/** Name of the log that a bench is about. */
export const LOG = "one.stdout";

/** One log in folders of its own, with the real launcher. */
export class LogBench implements AsyncDisposable {
  /** Bytes that the process cut off, in the order of being told. */
  readonly cuts: number[] = [];
  /** Offsets up to which a hole was asked for. */
  readonly holes: number[] = [];
  /** Called right before a hole is punched. */
  beforePunch: () => void = () => {};
  /** Called right after, when the launcher has not answered yet. */
  afterPunch: () => void = () => {};

  readonly #launcher = new ShellLauncher(LAUNCHER_PATH, systemClock);

  private constructor(
    private readonly dir: TempDir,
    private readonly policy: Pick<LogFilePorts, "fileBytes" | "files">,
  ) {}

  static async create(fileBytes: number, files: number): Promise<LogBench> {
    const dir = await tempDir();
    await Deno.mkdir(`${dir.path}/log`, { mode: 0o711 });
    await Deno.mkdir(`${dir.path}/marks`);
    return new LogBench(dir, { fileBytes, files });
  }

  /** Holds the files. */
  get logDir(): string {
    return `${this.dir.path}/log`;
  }
  /** What a process would have as its stdout. */
  get path(): string {
    return `${this.logDir}/${LOG}`;
  }

  /** The log as a daemon that begins finds it. */
  open(): LogFile {
    const found = { starts: this.starts(), hasMark: this.hasMark() };
    return new LogFile(LOG, found, {
      logDir: this.logDir,
      markDir: `${this.dir.path}/marks`,
      ...this.policy,
      launcher: {
        punch: async (folder, name, bytes) => {
          this.holes.push(bytes);
          this.beforePunch();
          await this.#launcher.punch(folder, name, bytes);
          this.afterPunch();
        },
      },
      onCut: (name, bytes) => {
        assertEquals(name, LOG);
        this.cuts.push(bytes);
      },
    });
  }

  /** Makes a hole that no log has asked for. */
  async punch(bytes: number): Promise<void> {
    await this.#launcher.punch(this.logDir, LOG, bytes);
  }

  append(text: string): void {
    Deno.writeTextFileSync(this.path, text, { append: true });
  }

  /** Names in the folder, sorted. */
  names(): string[] {
    return [...Deno.readDirSync(this.logDir)].map(({ name }) => name).sort();
  }

  /** Whether a mark is on the disk. */
  hasMark(): boolean {
    return [...Deno.readDirSync(`${this.dir.path}/marks`)].length > 0;
  }

  /** Places of the finished parts on the disk. */
  starts(): number[] {
    return this.names().map((name) => parseName(name)?.start)
      .filter((start) => typeof start === "number");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dir[Symbol.asyncDispose]();
  }
}

/** Reads a log through its places. */
export async function readLog(log: LogFile, from = log.start): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for (let place = from; place < log.end;) {
    const part = await log.read(place, 100_000);
    assert(part.bytes.length > 0, `nothing at ${place}`);
    text += decoder.decode(part.bytes, { stream: true });
    place = part.end;
  }
  return text;
}

/** Format of a numbered line for seq(1): 21 bytes with its newline. */
export const LINE_FORMAT = "%07.0f lines of log";

/** Takes numbered lines piece by piece: each once, complete, in order. */
export class LineCheck {
  readonly #decoder = new TextDecoder();
  #rest = "";
  /** How many lines were right. */
  count = 0;

  add(bytes: Uint8Array): void {
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    const lines = text.split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      this.count++;
      const number = String(this.count).padStart(7, "0");
      if (line === `${number} lines of log`) continue;
      throw new Error(`Line ${this.count} is "${line}"`);
    }
  }

  /** No line may be left unfinished. */
  end(): void {
    assertEquals(this.#rest, "");
  }
}
