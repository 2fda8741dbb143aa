import { AppError, assert } from "../../shared/errors.ts";
import type { LogPart } from "../../shared/manager_api/types.ts";
import type { Launcher } from "../ports.ts";
import { copyLines } from "./copy_lines.ts";
import { hasBytes } from "./has_bytes.ts";
import { type LogMark, readMark, writeMark } from "./log_mark.ts";
import { draftName, partName } from "./log_name.ts";
import { type LogPiece, noBytes, readPiece } from "./log_piece.ts";
import { statFile, unlessMissing } from "./log_reading.ts";

/**
 * How much a process's own file keeps when it is rotated, bytes: the last words
 * of a process are looked for there.
 */
const TAIL_BYTES = 4_096;

/** Where the files of a log are, and what it needs of others. */
export interface LogFilePorts {
  readonly logDir: string;
  readonly markDir: string;
  /** Size from which on a part of the file is moved out, bytes. */
  readonly fileBytes: number;
  /** How many files are kept, that of the process included. */
  readonly files: number;
  readonly launcher: Pick<Launcher, "punch">;
  /** Told of bytes that are gone since the process cut its file short. */
  readonly onCut: (log: string, bytes: number) => void;
}

/** What an earlier daemon left of a log. */
export interface FoundLog {
  /** Places at which finished parts begin. */
  readonly starts: readonly number[];
  /** Whether there is a {@linkcode LogMark}. */
  readonly hasMark: boolean;
}

/**
 * One stream of a process: the file that it writes to, and the finished parts
 * that were moved out of it. All that was ever written has a place, counted
 * from the first byte, that stays the same wherever it lies.
 *
 * The process appends to its file and knows of nothing. A part is moved out by
 * copying it, and then giving its blocks back (a hole is punched): at no time
 * is a byte in neither file, and what is appended meanwhile lies behind it. The
 * daemon may die between any two steps: each can be done again.
 */
export class LogFile {
  readonly #path: string;
  readonly #markPath: string;
  #mark: LogMark;
  /** In the order of their places. */
  #parts: LogPiece[];
  /** What the file had when it was looked at last, its hole included. */
  #size: number;
  #isClosed = false;
  #rotating: Promise<boolean> | null = null;
  readonly #waiting = new Map<() => void, number>();

  /**
   * @param name As {@linkcode logName} has it.
   * @param found What lies on the disk.
   */
  constructor(
    readonly name: string,
    found: FoundLog,
    private readonly ports: LogFilePorts,
  ) {
    this.#path = `${ports.logDir}/${name}`;
    this.#markPath = `${ports.markDir}/${name}`;
    this.#parts = found.starts.toSorted((a, b) => a - b).map((start) => {
      const path = this.#partPath(start);
      const end = start + (statFile(path)?.size ?? 0);
      return { path, base: start, start, end };
    }).filter(({ start, end }) => end > start);
    const { base, from } = found.hasMark
      ? readMark(this.#markPath)
      : { base: 0, from: 0 };
    // A part may be finished that the last daemon could not take note of.
    this.#mark = { base, from: Math.max(from, this.#parts.at(-1)?.end ?? 0) };
    this.#size = this.#mark.from - base;
  }

  /** Place after the last byte that was seen. */
  get end(): number {
    return this.#mark.base + this.#size;
  }

  /** Place of the first byte that is kept. */
  get start(): number {
    return this.#parts[0]?.start ?? this.#mark.from;
  }

  /** A place, or the next of which the byte is kept; the end if none is. */
  nextKept(place: number): number {
    return Math.max(place, this.#pieceAt(place)?.start ?? this.end);
  }

  /** How much of the file of the process lies in no other, bytes. */
  get liveBytes(): number {
    return this.end - this.#mark.from;
  }

  /** Whether a part is to be moved out. */
  get isFull(): boolean {
    return this.liveBytes > this.ports.fileBytes;
  }

  /** Whether somebody waits for more. */
  get isFollowed(): boolean {
    return this.#waiting.size > 0;
  }

  /** Looks at the file of the process, and wakes who waits for more. */
  look(): void {
    if (this.isClosed) return;
    const size = statFile(this.#path)?.size ?? 0;
    const { end, liveBytes } = this;
    const isCut = size < this.#size;
    this.#size = size;
    if (isCut) this.#beginAnew(end, liveBytes);
    for (const [wake, place] of this.#waiting) {
      if (place !== this.end) wake();
    }
  }

  /**
   * Resolves when there is more than was seen at the last look, or at once if
   * there will be nothing more: `isClosed` says which.
   */
  async grown(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.isClosed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#waiting.set(wake, this.end);
    signal.addEventListener("abort", wake);
    await promise;
    signal.removeEventListener("abort", wake);
    this.#waiting.delete(wake);
  }

  /** Whether nothing of it will be read any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Moves the oldest part out.
   *
   * @returns Whether it did: else the process has cut its file short.
   * @throws If it could not. Nothing is lost then; a part may be in two files.
   */
  async rotate(): Promise<boolean> {
    assert(this.#rotating === null, `${this.name} is being rotated`);
    this.#rotating = this.#rotate();
    try {
      return await this.#rotating;
    } finally {
      this.#rotating = null;
    }
  }

  /**
   * Reads bytes that were seen.
   *
   * @param place Where they begin; if that is gone, at the next that is kept.
   * @returns No bytes where there are none.
   */
  async read(place: number, bytesMax: number): Promise<LogPart> {
    while (true) {
      const piece = this.#pieceAt(place);
      if (piece === null) return noBytes(Math.max(place, this.end));
      const start = Math.max(place, piece.start);
      const bytes = await readPiece(piece, start, bytesMax);
      // A hole may be there by now, where it was read.
      if (!this.#holds(piece, start)) continue;
      if (bytes.length > 0) {
        return { start, end: start + bytes.length, bytes };
      }
      if (this.isClosed) return noBytes(start);
      this.#forget(piece);
    }
  }

  /**
   * Reads bytes that end at a place.
   *
   * @returns No bytes where nothing before it is kept.
   */
  async readBefore(place: number, bytesMax: number): Promise<LogPart> {
    while (true) {
      const piece = this.#pieceAt(place - 1);
      if (piece === null || piece.start >= place) return noBytes(place);
      const start = Math.max(piece.start, place - bytesMax);
      const part = await this.read(start, place - start);
      // Else it lies in two files by now, or is gone.
      if (part.start === start && part.end === place) return part;
      if (this.isClosed) return noBytes(place);
    }
  }

  /** Lets all go who read or wait, and waits for what is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const wake of this.#waiting.keys()) wake();
    // Its failure is that of whoever has asked for it.
    await this.#rotating?.catch(() => undefined);
  }

  /** Removes all files. */
  async remove(): Promise<void> {
    await this.close();
    for (const { path } of this.#parts) removeFile(path);
    removeFile(this.#draftPath);
    removeFile(this.#path);
    removeFile(this.#markPath);
  }

  get #draftPath(): string {
    return `${this.ports.logDir}/${draftName(this.name)}`;
  }

  #partPath(start: number): string {
    return `${this.ports.logDir}/${partName(this.name, start)}`;
  }

  async #rotate(): Promise<boolean> {
    const { launcher, fileBytes, files } = this.ports;
    const before = this.#mark;
    const { base, from: start } = before;
    const copied = await this.#copy({
      offset: start - base,
      bytesMax: Math.min(fileBytes, this.liveBytes - TAIL_BYTES),
      isCancelled: () => this.#isClosed,
    });
    this.look();
    if (copied === null || this.#mark !== before || this.isClosed) {
      removeFile(this.#draftPath);
      return false;
    }
    const path = this.#partPath(start);
    Deno.renameSync(this.#draftPath, path);
    // Before the hole is there, so that nobody reads what is in it.
    const end = start + copied;
    this.#parts.push({ path, base: start, start, end });
    this.#mark = { base, from: end };
    try {
      await launcher.punch(this.ports.logDir, this.name, end - base);
    } catch (error) {
      await this.#takeBack(before, error);
      throw error;
    }
    writeMark(this.#markPath, this.#mark);
    for (const part of this.#parts.splice(0, this.#parts.length + 1 - files)) {
      removeFile(part.path);
    }
    return true;
  }

  /**
   * Where no hole can be made the last part is not kept as well: the file still
   * has it. In any doubt it is: who failed may have been about to make one.
   */
  async #takeBack(before: LogMark, error: unknown): Promise<void> {
    const part = this.#parts.at(-1);
    const isRefused = error instanceof AppError &&
      error.code === "INVALID_ARGUMENT";
    if (!isRefused || part === undefined) return;
    const moved = this.#mark;
    const offset = part.start - before.base;
    if (!await hasBytes(this.#path, offset, part.path)) return;
    if (this.#mark !== moved) return;
    this.#parts.pop();
    this.#mark = before;
    removeFile(part.path);
  }

  async #copy(
    what: Parameters<typeof copyLines>[2],
  ): Promise<number | null> {
    removeFile(this.#draftPath);
    try {
      return await copyLines(this.#path, this.#draftPath, what);
    } catch (error) {
      // The disk may be full: it is not to be fuller for that.
      removeFile(this.#draftPath);
      throw error;
    }
  }

  /**
   * The process has cut its file short, as `>/dev/stderr` does in a script.
   * What comes gets the places after all that was seen.
   */
  #beginAnew(end: number, bytes: number): void {
    this.#mark = { base: end, from: end };
    writeMark(this.#markPath, this.#mark);
    if (bytes > 0) this.ports.onCut(this.name, bytes);
  }

  /** Where a place lies, or the next that is kept. */
  #pieceAt(place: number): LogPiece | null {
    return this.#parts.find(({ end }) => place < end) ??
      (place < this.end ? this.#live() : null);
  }

  #live(): LogPiece {
    const { base, from } = this.#mark;
    return { path: this.#path, base, start: from, end: this.end };
  }

  /** Whether a place lies where it lay. */
  #holds(piece: LogPiece, place: number): boolean {
    return piece.path !== this.#path ||
      (piece.base === this.#mark.base && place >= this.#mark.from);
  }

  /** What was there is not: somebody has removed it, or cut it short. */
  #forget(piece: LogPiece): void {
    if (piece.path === this.#path) this.look();
    else this.#parts = this.#parts.filter(({ path }) => path !== piece.path);
  }
}

function removeFile(path: string): void {
  unlessMissing(() => Deno.removeSync(path));
}
