import type { BackgroundTasks } from "../../shared/background.ts";
import type { Clock, Timer } from "../../shared/clock.ts";
import { InvariantError, messageOf } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { LogStream } from "../../shared/manager_api/types.ts";
import type { Launcher } from "../ports.ts";
import { type FoundLog, LogFile, type LogFilePorts } from "./log_file.ts";
import { LOG_STREAMS, logName, parseName } from "./log_name.ts";
import { untilNextLook } from "./look_schedule.ts";

/** Shortest time between two rounds of looking at what is due, ms. */
const ROUND_MS = 250;
/** What is not urgent is due at multiples of this, ms: to wake up is dear. */
const CALM_ROUND_MS = 2_000;
/** At least this many rounds are taken to look at all logs once. */
const ROUNDS_FOR_ALL = 20;
/** Time between two looks at what is followed, ms. */
const FOLLOW_MS = 100;
/** Time until a log that could not be rotated is tried again, ms. */
const RETRY_MS = 600_000;

/** What the logs are kept with. */
export interface LogsPorts {
  readonly launcher: Pick<Launcher, "punch">;
  readonly clock: Clock;
  readonly background: BackgroundTasks;
  readonly logger: Logger;
}

/** A log that grows, and when it is looked at again. */
interface Watch {
  readonly log: LogFile;
  seenEnd: number;
  seenMs: number;
  dueMs: number;
  hasFailed: boolean;
}

/** The logs of all processes: kept to their size while they are written to. */
export class Logs {
  readonly #logs = new Map<string, LogFile>();
  readonly #watches = new Map<string, Watch>();
  /** To be rotated, in this order. */
  readonly #full = new Set<Watch>();
  readonly #followed = new Set<LogFile>();
  /** What an earlier daemon left of logs that nobody asked for yet. */
  readonly #found: Map<string, FoundLog>;
  readonly #filePorts: LogFilePorts;
  /** What a process had cut off and was told of, bytes, by log. */
  readonly #cuts = new Map<string, { bytes: number; told: number }>();
  #round: Timer | null = null;
  #roundMs = 0;
  #follow: Timer | null = null;
  #isRotating = false;
  #isClosed = false;

  /**
   * Finds what an earlier daemon left.
   *
   * @param logDir Where the processes write to; nobody else may write there.
   * @param markDir A folder for {@linkcode LogMark}s alone.
   */
  constructor(
    logDir: string,
    markDir: string,
    policy: Pick<LogFilePorts, "fileBytes" | "files">,
    private readonly ports: LogsPorts,
  ) {
    this.#found = findLogs(logDir, markDir);
    this.#filePorts = {
      logDir,
      markDir,
      ...policy,
      launcher: ports.launcher,
      onCut: (log, bytes) => this.#tellCut(log, bytes),
    };
  }

  /** A log of a process that is known. */
  of(id: string, stream: LogStream): LogFile {
    const name = logName(id, stream);
    const known = this.#logs.get(name);
    if (known !== undefined) return known;
    const found = this.#found.get(name) ?? NOTHING;
    this.#found.delete(name);
    const log = new LogFile(name, found, this.#filePorts);
    this.#logs.set(name, log);
    if (this.#isClosed) void log.close();
    return log;
  }

  /** Keeps a process's logs to their size from now on. */
  watch(id: string): void {
    if (this.#isClosed) return;
    const nowMs = this.ports.clock.monotonicMs();
    for (const stream of LOG_STREAMS) {
      const log = this.of(id, stream);
      if (this.#watches.has(log.name)) continue;
      this.#watches.set(log.name, {
        log,
        seenEnd: log.end,
        seenMs: nowMs,
        dueMs: nowMs,
        hasFailed: false,
      });
    }
    this.#beginRound(nowMs + ROUND_MS);
  }

  /** The process has ended: its logs do not grow any more. */
  rest(id: string): void {
    for (const stream of LOG_STREAMS) {
      this.#watches.delete(logName(id, stream));
    }
  }

  /** Waits for more of a log; see {@linkcode LogFile.grown}. */
  async grown(log: LogFile, signal: AbortSignal): Promise<void> {
    this.#followed.add(log);
    this.#startFollowing();
    await log.grown(signal);
  }

  /** Removes a process's logs; who follows them is let go. */
  async remove(id: string): Promise<void> {
    this.rest(id);
    for (const stream of LOG_STREAMS) {
      const log = this.of(id, stream);
      await log.remove();
      this.#logs.delete(log.name);
      this.#cuts.delete(log.name);
    }
  }

  /** Lets all followers go, and waits for a rotation that is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#round?.cancel();
    this.#follow?.cancel();
    this.#full.clear();
    await Promise.all([...this.#logs.values()].map((log) => log.close()));
  }

  /** Has the next round begin, no later than this. */
  #beginRound(atMs: number): void {
    if (this.#round !== null && this.#roundMs <= atMs) return;
    this.#round?.cancel();
    this.#roundMs = atMs;
    const delayMs = Math.max(0, atMs - this.ports.clock.monotonicMs());
    this.#round = this.ports.clock.after(delayMs, () => {
      this.#round = null;
      this.#lookAtDue();
    });
  }

  #startFollowing(): void {
    if (this.#follow !== null || this.#followed.size === 0) return;
    this.#follow = this.ports.clock.after(FOLLOW_MS, () => {
      this.#follow = null;
      for (const log of this.#followed) {
        this.#try(log, () => log.look());
        if (!log.isFollowed) this.#followed.delete(log);
      }
      this.#startFollowing();
    });
  }

  #lookAtDue(): void {
    const nowMs = this.ports.clock.monotonicMs();
    // What came due all at once is spread, so that nothing else has to wait.
    let left = Math.max(100, this.#watches.size / ROUNDS_FOR_ALL);
    for (const watch of this.#watches.values()) {
      if (watch.dueMs > nowMs || this.#full.has(watch)) continue;
      if (left-- <= 0) break;
      this.#lookAt(watch, nowMs);
    }
    let nextMs = Infinity;
    for (const { dueMs } of this.#watches.values()) {
      nextMs = Math.min(nextMs, dueMs);
    }
    if (nextMs < Infinity) {
      this.#beginRound(Math.max(nextMs, nowMs + ROUND_MS));
    }
    if (this.#full.size > 0 && !this.#isRotating) {
      this.ports.background.run("log rotation", () => this.#rotateFull());
    }
  }

  #lookAt(watch: Watch, nowMs: number): void {
    const { log, seenEnd, seenMs } = watch;
    this.#try(log, () => log.look());
    const delayMs = untilNextLook(
      log.end - seenEnd,
      nowMs - seenMs,
      this.#filePorts.fileBytes - log.liveBytes,
    );
    watch.dueMs = inOneRound(nowMs + delayMs, delayMs);
    watch.seenEnd = log.end;
    watch.seenMs = nowMs;
    if (log.isFull) this.#full.add(watch);
    // Behind all others, so that each has its turn.
    this.#watches.delete(log.name);
    this.#watches.set(log.name, watch);
  }

  /** One part at a time, each log in its turn: one buffer, one disk. */
  async #rotateFull(): Promise<void> {
    this.#isRotating = true;
    for (const watch of this.#full) {
      await this.#rotate(watch);
      this.#full.delete(watch);
      const { log, hasFailed } = watch;
      if (log.isFull && !log.isClosed && !hasFailed) this.#full.add(watch);
    }
    this.#isRotating = false;
  }

  async #rotate(watch: Watch): Promise<void> {
    const { log } = watch;
    if (log.isClosed) return;
    try {
      await log.rotate();
      watch.hasFailed = false;
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      watch.dueMs = this.ports.clock.monotonicMs() + RETRY_MS;
      if (!watch.hasFailed) {
        this.ports.logger.warn("a log cannot be rotated, so it grows", {
          log: log.name,
          error: messageOf(error),
        });
      }
      watch.hasFailed = true;
    }
  }

  #try(log: LogFile, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      this.ports.logger.warn("a log cannot be looked at", {
        log: log.name,
        error: messageOf(error),
      });
    }
  }

  /** Each time that it has doubled: some scripts do so with every line. */
  #tellCut(log: string, bytes: number): void {
    const cut = this.#cuts.get(log) ?? { bytes: 0, told: 0 };
    cut.bytes += bytes;
    if (cut.bytes >= cut.told * 2) {
      cut.told = cut.bytes;
      this.ports.logger.warn("a process cut its own log short", {
        log,
        bytesLost: cut.bytes,
      });
    }
    this.#cuts.set(log, cut);
  }
}

function inOneRound(dueMs: number, delayMs: number): number {
  return delayMs < CALM_ROUND_MS
    ? dueMs
    : Math.ceil(dueMs / CALM_ROUND_MS) * CALM_ROUND_MS;
}

/** Of a log that no earlier daemon has rotated. */
const NOTHING: FoundLog = { starts: [], hasMark: false };

/** Finds what is left of logs, and removes what was left unfinished. */
function findLogs(logDir: string, markDir: string): Map<string, FoundLog> {
  const found = new Map<string, FoundLog>();
  for (const { name } of Deno.readDirSync(markDir)) {
    found.set(name, { starts: [], hasMark: true });
  }
  for (const { name } of Deno.readDirSync(logDir)) {
    const part = parseName(name);
    if (part === null) continue;
    const { log, start } = part;
    if (start === "draft") {
      Deno.removeSync(`${logDir}/${name}`);
    } else {
      const { starts, hasMark } = found.get(log) ?? NOTHING;
      found.set(log, { starts: [...starts, start], hasMark });
    }
  }
  return found;
}
