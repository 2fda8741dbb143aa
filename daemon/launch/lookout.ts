import type { Clock } from "../../shared/clock.ts";
import { AppError } from "../../shared/errors.ts";
import type { LookAnswer, Lookout } from "../ports.ts";
import { VERSION_LINE } from "./encode_request.ts";
import { kill, parseProbe, spawnLauncher } from "./launcher.ts";
import { ChunkReader, linesOf } from "./lines.ts";

/** Longest time for one look, ms. */
const LOOK_MS_MAX = 20_000;
/** Most of an answer that is read at once: mostly it is about 300 bytes. */
const ANSWER_CHUNK_BYTES = 2_048;

/** One launcher, and both ends of the talk with it. */
interface Watcher {
  readonly child: Deno.ChildProcess;
  readonly requests: WritableStreamDefaultWriter<Uint8Array>;
  readonly lines: AsyncIterator<string>;
  /** Those that it was told to look after. */
  pids: readonly number[];
}

/**
 * Keeps one launcher for all looks: a shell that comes up costs more than a
 * look at a thousand processes. It has nothing to lose, and ends with the
 * daemon; one that fails is replaced at the next look.
 */
export class ShellLookout implements Lookout {
  readonly #encoder = new TextEncoder();
  #watcher: Watcher | null = null;

  /** @param path Absolute path of launcher.sh, as granted to `--allow-run`. */
  constructor(
    private readonly path: string,
    private readonly clock: Pick<Clock, "after">,
  ) {}

  async look(
    pids: readonly number[],
    closely: readonly number[],
  ): Promise<LookAnswer> {
    const watcher = this.#watcher ??= this.#start();
    const limit = this.clock.after(LOOK_MS_MAX, () => kill(watcher.child));
    try {
      if (pids !== watcher.pids) await this.#send(watcher, ["pids", ...pids]);
      watcher.pids = pids;
      await this.#send(watcher, ["look", ...closely]);
      return parseProbe(await readAnswer(watcher.lines));
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      limit.cancel();
    }
  }

  /** Lets the launcher go; the next look takes another one. */
  async close(): Promise<void> {
    const watcher = this.#watcher;
    this.#watcher = null;
    if (watcher === null) return;
    kill(watcher.child);
    // Its pipes are broken: that is how it was meant. A look that is under way
    // fails with this.
    await watcher.requests.abort(
      new AppError("UNAVAILABLE", "The launcher that watches was let go"),
    ).catch(() => {});
    await watcher.lines.return?.();
    await watcher.child.status;
  }

  #start(): Watcher {
    const child = spawnLauncher(this.path, "watch");
    const requests = child.stdin.getWriter();
    // What is wrong with it is found out by the look that follows.
    requests.write(this.#encoder.encode(`${VERSION_LINE}\n`)).catch(() => {});
    return { child, requests, lines: readLines(child.stdout), pids: [] };
  }

  async #send(
    { requests }: Watcher,
    words: readonly (string | number)[],
  ): Promise<void> {
    try {
      await requests.write(this.#encoder.encode(`${words.join(" ")}\n`));
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      throw new AppError("UNAVAILABLE", "The launcher that watches has ended", {
        cause: error,
      });
    }
  }
}

async function* readLines(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<string> {
  const reader = new ChunkReader(stream, ANSWER_CHUNK_BYTES);
  try {
    yield* linesOf(() => reader.read());
  } finally {
    await reader.cancel();
  }
}

/** @throws {AppError} UNAVAILABLE if there is no whole one. */
async function readAnswer(lines: AsyncIterator<string>): Promise<string[]> {
  const answer: string[] = [];
  while (true) {
    const { value, done } = await lines.next();
    if (value === "end") return answer;
    if (done || value.startsWith("error ")) {
      throw new AppError(
        "UNAVAILABLE",
        `The launcher that watches has ended: ${value ?? "it said nothing"}`,
      );
    }
    answer.push(value);
  }
}
