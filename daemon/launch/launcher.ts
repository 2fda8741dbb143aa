import { AppError, assert, messageOf } from "../../shared/errors.ts";
import type { GroupLimits } from "../lifecycle/limits.ts";
import type { UsedAmounts } from "../lifecycle/measured.ts";
import type { Identity } from "../lifecycle/record.ts";
import type {
  Account,
  FileContent,
  FilePlace,
  FolderLink,
  LaunchAnswer,
  Launcher,
  LaunchRequest,
  LookAnswer,
  ProbeAnswer,
  ProcessFacts,
  UnpackRequest,
  UsageAnswer,
  UsageTarget,
  UserIds,
} from "../ports.ts";
import type { Clock } from "../../shared/clock.ts";
import {
  encodeFolder,
  encodeGroup,
  encodeIdentity,
  encodeLaunch,
  encodeOwnPlace,
  encodePlace,
  encodeUnpack,
  encodeUsageTarget,
  VERSION_LINE,
} from "./encode_request.ts";
import { ChunkReader, linesOf } from "./lines.ts";
import { parseLaunched } from "./run_folder.ts";

/** Longest time for a request that starts nothing, ms. */
const REQUEST_MS_MAX = 20_000;
/** The same for one that unpacks or removes a package. */
const PACKAGE_MS_MAX = 30 * 60_000;
/** Time from one start to making the launcher of the next ready, ms. */
const PREPARE_DELAY_MS = 10;
/** Most of an answer that is read at once: a start's is about 100 bytes. */
const ANSWER_CHUNK_BYTES = 2_048;
/** Time to read what a launcher said before it ended, ms. */
const LAST_WORDS_MS = 2_000;

/** What a launcher can be asked for. */
export type Verb =
  | "run"
  | "signal"
  | "probe"
  | "watch"
  | "pidfile"
  | "sessions"
  | "search"
  | "write"
  | "remove"
  | "folder"
  | "unlink"
  | "user"
  | "unpack"
  | "link"
  | "has"
  | "discard"
  | "limit"
  | "oom"
  | "ungroup"
  | "usage"
  | "punch";

/**
 * Asks `launcher.sh`: the only file of the daemon that runs a program. One
 * launcher is kept started ahead of its request, so that a start does not
 * wait for a shell to come up; it holds nothing and ends with the daemon.
 */
export class ShellLauncher implements Launcher {
  #spare: { child: Deno.ChildProcess; isAlive: boolean } | null = null;
  #isClosed = false;

  /** @param path Absolute path of launcher.sh, as granted to `--allow-run`. */
  constructor(private readonly path: string, private readonly clock: Clock) {}

  async *run(request: LaunchRequest): AsyncGenerator<LaunchAnswer> {
    const spare = this.#takeSpare();
    if (spare !== null) {
      let hasAnswered = false;
      for await (const answer of this.#runIn(spare, request)) {
        hasAnswered = true;
        yield answer;
      }
      // It may have been killed since it was made, before it could begin.
      if (hasAnswered) return;
    }
    yield* this.#runIn(this.#spawn("run"), request);
  }

  async *#runIn(
    child: Deno.ChildProcess,
    request: LaunchRequest,
  ): AsyncGenerator<LaunchAnswer> {
    const sent = send(child, encodeLaunch(request));
    let isLaunched = false;
    for await (const line of answersOf(child, this.clock)) {
      const [word, ...fields] = line.split(" ");
      // Once. What comes after it is said by the target user, whose other
      // processes reach that pipe: they must not name somebody else's here.
      if (word === "identity" && !isLaunched) {
        isLaunched = true;
        yield { type: "launched", launched: parseLaunched(fields) };
      } else if (word === "exec") {
        yield { type: "executed" };
        // Not at once: whoever waits for this start comes first.
        this.clock.after(PREPARE_DELAY_MS, () => this.prepare());
        // Nothing comes after it, whoever may hold the pipe.
        break;
      } else if (word === "unlimited" && !isLaunched) {
        yield { type: "unlimited", reason: fields.join(" ") };
      } else if (word === "error") {
        yield { type: "refused", message: fields.join(" ") };
      } else if (!isLaunched) {
        throw new AppError("INTERNAL", `The launcher said "${line}"`);
      }
    }
    await untilEnd(child, sent);
    await child.status;
  }

  /** Starts the launcher of the next start. */
  prepare(): void {
    if (this.#spare !== null || this.#isClosed) return;
    try {
      const spare = { child: this.#spawn("run"), isAlive: true };
      this.#spare = spare;
      spare.child.status.then(() => spare.isAlive = false);
    } catch (error) {
      // It was for speed alone: the next start will say what is wrong.
      if (!(error instanceof AppError)) throw error;
    }
  }

  /** Lets the launcher that waits for a request go. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const child = this.#takeSpare();
    await child?.stdout.cancel();
    await child?.stdin.close();
    await child?.status;
  }

  #takeSpare(): Deno.ChildProcess | null {
    const spare = this.#spare;
    this.#spare = null;
    return spare?.isAlive ? spare.child : null;
  }

  async signal(name: string, targets: readonly Identity[]): Promise<number[]> {
    const lines = await this.#ask("signal", [
      `signal ${name}`,
      ...targets.map(encodeIdentity),
    ]);
    return lines.filter((line) => line.startsWith("sent "))
      .map((line) => Number(line.slice("sent ".length)));
  }

  async probe(
    pids: readonly number[],
    { withExecutable } = { withExecutable: false },
  ): Promise<ProbeAnswer> {
    const lines = await this.#ask("probe", [
      `exe ${withExecutable ? "yes" : "no"}`,
      ...pids.map(String),
    ]);
    return parseProbe(lines);
  }

  async findUser(user: string): Promise<Account | null> {
    return parseAccount(await this.#ask("user", [`user ${user}`]));
  }

  async readPidFile(
    path: string,
    uid: number | null,
  ): Promise<ProcessFacts | null> {
    const { alive } = parseProbe(
      await this.#ask("pidfile", [`user ${uid ?? ""}`, `file ${path}`]),
    );
    return [...alive.values()][0] ?? null;
  }

  async sweep(
    signal: "TERM" | "KILL" | "0",
    sessions: readonly Identity[],
  ): Promise<number[]> {
    const lines = await this.#ask("sessions", [
      `signal ${signal}`,
      ...sessions.map(encodeIdentity),
    ]);
    const [word, ...left] = lines[0]?.split(" ") ?? [];
    assert(word === "left", `the launcher answered "${lines.join("\n")}"`);
    return left.map(Number);
  }

  async findLeft(leaders: readonly Identity[]): Promise<Set<number>> {
    const lines = await this.#ask("search", leaders.map(encodeIdentity));
    // An answer that is cut would make somebody gone who is not.
    if (lines.pop() !== "end") {
      throw new AppError("UNAVAILABLE", "The launcher's answer was cut");
    }
    return new Set(lines.map((line) => {
      const pid = Number(/^left (\d+)$/.exec(line)?.[1]);
      assert(pid > 1, `the launcher answered "${line}"`);
      return pid;
    }));
  }

  async writeFile(
    place: FilePlace,
    owner: UserIds,
    { isWritable, bytes }: FileContent,
    onNew: () => void,
  ): Promise<void> {
    const lines = [
      ...encodePlace(place, owner),
      `mode ${isWritable ? "660" : "440"}`,
      `size ${bytes.length}`,
    ];
    await this.#ask("write", lines, (found) => {
      if (found === "new") onNew();
      return [bytes.toBase64()];
    });
  }

  async removeFile(place: FilePlace, owner: UserIds): Promise<void> {
    await this.#ask("remove", encodePlace(place, owner));
  }

  async makeFolder(
    place: FilePlace,
    owner: UserIds,
    links: readonly FolderLink[],
  ): Promise<void> {
    await this.#ask("folder", encodeFolder(place, owner, links));
  }

  async removeLinks(
    place: FilePlace,
    owner: UserIds,
    links: readonly FolderLink[],
  ): Promise<void> {
    await this.#ask("unlink", encodeFolder(place, owner, links));
  }

  async unpack(
    request: UnpackRequest,
    signal: AbortSignal,
    mayAppear: () => boolean,
  ): Promise<string> {
    const limit = new AbortController();
    const timer = this.clock.after(PACKAGE_MS_MAX, () => limit.abort());
    const given = AbortSignal.any([signal, limit.signal]);
    let name = "";
    let isPlaced = false;
    try {
      const answer = await this.#ask(
        "unpack",
        encodeUnpack(request),
        (line) => {
          const [word, ...rest] = line.split(" ");
          name = rest.join(" ");
          isPlaced = word === "there";
          return word === "ready" && !given.aborted && mayAppear()
            ? ["publish"]
            : [];
        },
        { msMax: PACKAGE_MS_MAX + REQUEST_MS_MAX, signal: given },
      );
      if (isPlaced || answer.includes("placed")) return name;
      throw new AppError("UNAVAILABLE", "nobody wants it any more");
    } catch (error) {
      if (!given.aborted) throw error;
      throw new AppError(
        "UNAVAILABLE",
        signal.aborted
          ? "nobody wants it any more"
          : `it took over ${PACKAGE_MS_MAX} ms to unpack`,
        { cause: error },
      );
    } finally {
      timer.cancel();
    }
  }

  async linkTree(place: FilePlace, tree: string): Promise<void> {
    await this.#ask("link", [...encodeOwnPlace("link", place), `tree ${tree}`]);
  }

  async hasTree(place: FilePlace): Promise<boolean> {
    return (await this.#ask("has", encodeOwnPlace("has", place)))
      .includes("there");
  }

  async discardTree(place: FilePlace): Promise<void> {
    const lines = encodeOwnPlace("tree", place);
    await this.#ask("discard", lines, undefined, { msMax: PACKAGE_MS_MAX });
  }

  async discardLink(place: FilePlace, tree: string): Promise<void> {
    const lines = [...encodeOwnPlace("link", place), `tree ${tree}`];
    await this.#ask("discard", lines);
  }

  async limitGroup(name: string, limits: GroupLimits): Promise<void> {
    await this.#ask("limit", encodeGroup(name, limits));
  }

  async isOomKilled(name: string): Promise<boolean> {
    return (await this.#ask("oom", [`group ${name}`])).includes("oom");
  }

  async removeGroup(name: string): Promise<void> {
    await this.#ask("ungroup", [`group ${name}`]);
  }

  async measureUsage(targets: readonly UsageTarget[]): Promise<UsageAnswer> {
    const lines = await this.#ask("usage", targets.flatMap(encodeUsageTarget));
    return parseUsage(lines);
  }

  async punch(folder: string, name: string, bytes: number): Promise<void> {
    await this.#ask("punch", [
      `folder ${folder}`,
      `file ${name}`,
      `bytes ${bytes}`,
    ]);
  }

  /**
   * @param more The rest of the request, given the answer's first line.
   * @param patience How long it may take, and what ends it sooner: then its
   * request ends, and it cleans up.
   */
  async #ask(
    verb: Verb,
    lines: readonly string[],
    more?: (firstLine: string) => readonly string[],
    { msMax, signal }: {
      readonly msMax: number;
      readonly signal?: AbortSignal;
    } = { msMax: REQUEST_MS_MAX },
  ): Promise<string[]> {
    const child = this.#spawn(verb);
    const limit = this.clock.after(msMax, () => kill(child));
    const giveUp = () => void send(child, []);
    try {
      const answer: string[] = [];
      const end = more === undefined ? ["end"] : [];
      const request = [VERSION_LINE, ...lines, ...end];
      await untilEnd(child, send(child, request, more === undefined));
      if (signal?.aborted) giveUp();
      signal?.addEventListener("abort", giveUp);
      for await (const line of answersOf(child, this.clock)) {
        if (answer.push(line) > 1 || more === undefined) continue;
        const rest = line.startsWith("error ") ? [] : more(line);
        signal?.removeEventListener("abort", giveUp);
        if (!signal?.aborted) await untilEnd(child, send(child, rest));
      }
      if (more !== undefined && answer.length === 0 && !signal?.aborted) {
        await send(child, []);
      }
      const { success } = await child.status;
      const error = answer.find((line) => line.startsWith("error "));
      if (error !== undefined) {
        throw new AppError("INVALID_ARGUMENT", error.slice("error ".length));
      }
      if (!success) {
        throw new AppError(
          "INTERNAL",
          `The launcher failed at "${verb}" or took over ${msMax} ms`,
        );
      }
      return answer;
    } finally {
      limit.cancel();
      signal?.removeEventListener("abort", giveUp);
    }
  }

  #spawn(verb: Verb): Deno.ChildProcess {
    return spawnLauncher(this.path, verb);
  }
}

/**
 * Starts a launcher, for one request.
 *
 * @throws {AppError} UNAVAILABLE
 */
export function spawnLauncher(path: string, verb: Verb): Deno.ChildProcess {
  try {
    return new Deno.Command(path, {
      args: [verb],
      clearEnv: true,
      cwd: "/",
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  } catch (error) {
    throw new AppError(
      "UNAVAILABLE",
      `Cannot run ${path}: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/**
 * The lines of an answer. They end soon after the launcher has, also if a
 * process that it started, or one of the target user, holds the pipe still.
 */
async function* answersOf(
  child: Deno.ChildProcess,
  clock: Clock,
): AsyncGenerator<string> {
  const reader = new ChunkReader(child.stdout, ANSWER_CHUNK_BYTES);
  const isRead = new AbortController();
  const over = child.status
    .then(() => clock.sleep(LAST_WORDS_MS, isRead.signal))
    .then(() => null);
  try {
    yield* linesOf(() => Promise.race([reader.read(), over]));
  } finally {
    isRead.abort();
    // Not waited for: it ends no sooner than a write that is under way.
    reader.cancel().catch(() => {});
  }
}

/** Waits for what the launcher has to read, and no longer than it lives. */
async function untilEnd(
  child: Deno.ChildProcess,
  sent: Promise<void>,
): Promise<void> {
  await Promise.race([sent, child.status]);
}

/** Ends a launcher that takes too long. */
export function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // It has ended meanwhile.
    if (!(error instanceof TypeError)) throw error;
  }
}

async function send(
  child: Deno.ChildProcess,
  lines: readonly string[],
  isLast = true,
): Promise<void> {
  const writer = child.stdin.getWriter();
  const text = lines.map((line) => `${line}\n`).join("");
  try {
    await writer.write(new TextEncoder().encode(text));
    if (isLast) await writer.close();
  } catch (error) {
    // The launcher refused before it had read all: its answer says why.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  } finally {
    writer.releaseLock();
  }
}

function parseAccount(lines: readonly string[]): Account | null {
  if (lines.length === 0) return null;
  const texts = new Map(lines.map((line) => {
    const space = line.indexOf(" ");
    return [line.slice(0, space), line.slice(space + 1)];
  }));
  const textOf = (key: string) => {
    const text = texts.get(key);
    assert(text !== undefined, `the launcher said no "${key}" of a user`);
    return text;
  };
  const [uid, gid] = textOf("account").split(" ").map(Number);
  assert(uid !== undefined && gid !== undefined, "a user has a uid and a gid");
  return {
    uid,
    gid,
    name: textOf("name"),
    home: textOf("home"),
    shell: textOf("shell"),
  };
}

/** Reads what a launcher says of processes. */
export function parseProbe(lines: readonly string[]): LookAnswer {
  let bootId = "";
  const alive = new Map<number, ProcessFacts>();
  const gone = new Set<number>();
  for (const line of lines) {
    const [word, ...fields] = line.split(" ");
    if (word === "boot") bootId = fields[0] ?? "";
    if (word === "gone") gone.add(Number(fields[0]));
    if (word !== "process") continue;
    const [pid, state = "", startTicks, session, ...executable] = fields;
    alive.set(Number(pid), {
      identity: { bootId, pid: Number(pid), startTicks: Number(startTicks) },
      state,
      session: Number(session),
      executable: executable.join(" "),
    });
  }
  return { bootId, alive, gone };
}

function parseUsage(lines: readonly string[]): UsageAnswer {
  let atMs = 0;
  const used = new Map<number, UsedAmounts>();
  for (const line of lines) {
    const [word, ...fields] = line.split(" ");
    const [first = 0, ...counts] = fields.map(Number);
    if (word === "at") atMs = first * 1000;
    if (word !== "usage") continue;
    const [cpuUs = 0, memoryBytes = 0, memoryPeakBytes = 0, processes = 0] =
      counts;
    used.set(first, { cpuUs, memoryBytes, memoryPeakBytes, processes });
  }
  return { atMs, used };
}
