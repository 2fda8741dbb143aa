import type { Checksums } from "./checksums.ts";
import { Hasher } from "./hasher.ts";

/** Bytes written at once; while they are, the next ones are read. */
const BLOCK_BYTES = 1024 * 1024;

/**
 * A file that grows by what is downloaded, and its checksums. Bytes go through
 * two blocks and never pile up, however slow the disk is.
 */
export class PartFile implements AsyncDisposable {
  readonly #file: Deno.FsFile;
  readonly #withMd5: boolean;
  #hasher: Hasher;
  #block = new Uint8Array(BLOCK_BYTES);
  #spare = new Uint8Array(BLOCK_BYTES);
  /** Bytes in the block. */
  #filled = 0;
  #bytes = 0;
  /** The write under way; says what went wrong with it. */
  #write: Promise<{ readonly error: unknown } | null> = Promise.resolve(null);

  private constructor(file: Deno.FsFile, withMd5: boolean) {
    this.#file = file;
    this.#withMd5 = withMd5;
    this.#hasher = new Hasher(withMd5);
  }

  /** Makes an empty file, for the daemon's user alone. */
  static async create(path: string, withMd5: boolean): Promise<PartFile> {
    const file = await Deno.open(path, {
      write: true,
      create: true,
      truncate: true,
      mode: 0o600,
    });
    return new PartFile(file, withMd5);
  }

  /** What it has so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes the next piece, which may be used again afterwards. */
  async append(piece: Uint8Array): Promise<void> {
    for (let taken = 0; taken < piece.length;) {
      if (this.#filled === BLOCK_BYTES) await this.#flush();
      const part = piece.subarray(taken, taken + BLOCK_BYTES - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      this.#bytes += part.length;
      taken += part.length;
    }
  }

  /** Forgets all that it has. */
  async reset(): Promise<void> {
    await this.#written();
    await this.#file.truncate(0);
    await this.#file.seek(0, Deno.SeekMode.Start);
    this.#hasher = new Hasher(this.#withMd5);
    this.#filled = 0;
    this.#bytes = 0;
  }

  /** Once, when it has everything: all is in the file. */
  async finish(): Promise<Checksums> {
    await this.#flush();
    await this.#written();
    return this.#hasher.finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#write;
    this.#file.close();
  }

  async #flush(): Promise<void> {
    await this.#written();
    const full = this.#block.subarray(0, this.#filled);
    this.#write = this.#writeAll(full)
      .then(() => null, (error: unknown) => ({ error }));
    this.#hasher.update(full);
    [this.#block, this.#spare] = [this.#spare, this.#block];
    this.#filled = 0;
  }

  async #written(): Promise<void> {
    const failure = await this.#write;
    if (failure !== null) throw failure.error;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      written += await this.#file.write(bytes.subarray(written));
    }
  }
}
