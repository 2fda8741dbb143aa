import { createHash, type Hash } from "node:crypto";
import type { Checksums } from "./checksums.ts";

/** Bytes read at once; larger blocks are no faster. */
const BLOCK_BYTES = 1024 * 1024;

/** Makes the checksums of one content, piece by piece. */
export class Hasher {
  readonly #sha256: Hash = createHash("sha256");
  readonly #md5: Hash | null;

  /** @param withMd5 Whether it is needed: it takes three times as long. */
  constructor(withMd5: boolean) {
    this.#md5 = withMd5 ? createHash("md5") : null;
  }

  /** Takes the next piece. */
  update(piece: Uint8Array): void {
    this.#sha256.update(piece);
    this.#md5?.update(piece);
  }

  /** Once, at the end; md5 is "" unless it was asked for. */
  finish(): Checksums {
    return {
      sha256: this.#sha256.digest("hex"),
      md5: this.#md5?.digest("hex") ?? "",
    };
  }
}

/**
 * Makes the checksums of a file.
 *
 * @returns With its size; null if there is no such file, or it is not wanted
 * any more.
 */
export async function hashFile(
  path: string,
  withMd5: boolean,
  signal: AbortSignal,
): Promise<Checksums & { readonly bytes: number } | null> {
  let file;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  using _ = file;
  const hasher = new Hasher(withMd5);
  const block = new Uint8Array(BLOCK_BYTES);
  let bytes = 0;
  while (!signal.aborted) {
    const length = await file.read(block);
    if (length === null) return { ...hasher.finish(), bytes };
    hasher.update(block.subarray(0, length));
    bytes += length;
  }
  return null;
}
