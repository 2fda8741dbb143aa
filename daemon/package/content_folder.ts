import { isSha256 } from "./checksums.ts";
import type { CachedContent } from "./eviction.ts";

/** Someone needs a content; it stays until then. */
export interface Pin {
  /** Harmless when it was done already. */
  release(): void;
}

/**
 * Contents, each a file that is named by its SHA-256, and beside them what is
 * being downloaded. Makes no difference between users: who may have which
 * content is decided before.
 */
export class ContentFolder {
  readonly #pins = new Map<string, number>();
  readonly #contents: string;
  readonly #parts: string;
  #partCount = 0;

  /** @param folder Where the two folders are. */
  constructor(folder: string) {
    this.#contents = `${folder}/content`;
    this.#parts = `${folder}/parts`;
  }

  /** Makes the folders, and removes what an earlier daemon left unfinished. */
  async prepare(): Promise<void> {
    await Deno.mkdir(this.#contents, { recursive: true, mode: 0o700 });
    await Deno.mkdir(this.#parts, { recursive: true, mode: 0o700 });
    for await (const { name } of Deno.readDir(this.#parts)) {
      await Deno.remove(`${this.#parts}/${name}`, { recursive: true });
    }
  }

  /** Where a content is, if it is here. */
  pathOf(sha256: string): string {
    return `${this.#contents}/${sha256}`;
  }

  /** Whether there is a file of this name, good or bad. */
  has(sha256: string): boolean {
    try {
      Deno.statSync(this.pathOf(sha256));
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  /** A path for what is not complete yet; the caller removes what is there. */
  newPart(): string {
    return `${this.#parts}/${++this.#partCount}`;
  }

  /** Keeps a content, once it is here, from being removed. */
  pin(sha256: string): Pin {
    this.#pins.set(sha256, (this.#pins.get(sha256) ?? 0) + 1);
    let isReleased = false;
    return {
      release: () => {
        if (isReleased) return;
        isReleased = true;
        const left = (this.#pins.get(sha256) ?? 0) - 1;
        if (left > 0) this.#pins.set(sha256, left);
        else this.#pins.delete(sha256);
      },
    };
  }

  /** Takes a complete part in, in place of a file that may be there. */
  async adopt(part: string, sha256: string, nowMs: number): Promise<void> {
    await Deno.utime(part, nowMs / 1000, nowMs / 1000);
    await Deno.rename(part, this.pathOf(sha256));
  }

  /** Notes that a content, which is here, is being used. */
  async touch(sha256: string, nowMs: number): Promise<void> {
    await Deno.utime(this.pathOf(sha256), nowMs / 1000, nowMs / 1000);
  }

  /** All contents. */
  async list(): Promise<CachedContent[]> {
    const contents: CachedContent[] = [];
    for await (const { name } of Deno.readDir(this.#contents)) {
      if (!isSha256(name)) continue;
      const { size, mtime } = await Deno.stat(this.pathOf(name));
      contents.push({
        sha256: name,
        bytes: size,
        usedMs: mtime?.getTime() ?? 0,
        isHeld: this.#pins.has(name),
      });
    }
    return contents;
  }

  /**
   * Removes a content.
   *
   * @returns Whether it did: not if it was pinned meanwhile, or is gone.
   */
  async remove(sha256: string): Promise<boolean> {
    if (this.#pins.has(sha256) || !this.has(sha256)) return false;
    // At once, since whoever pins it next must not find it; the removal of
    // a large file takes its time.
    const part = this.newPart();
    Deno.renameSync(this.pathOf(sha256), part);
    await Deno.remove(part, { recursive: true });
    return true;
  }
}
