import { createHash } from "node:crypto";
import { ObjectReader } from "../../shared/json_reader.ts";
import type { PackageStatus } from "../../shared/manager_api/types.ts";
import { type Credentials, withoutSecrets } from "../fetch/get.ts";
import { isSha256 } from "./checksums.ts";
import type { Validators } from "./validators.ts";

/** What the registry gave for an address, to who asked. */
export interface Entry extends Validators {
  readonly sha256: string;
  readonly verifiedBy: Exclude<PackageStatus["VerifiedBy"], "">;
}

const PROOFS = [
  "sha256",
  "md5",
  "registry",
  "etag",
  "length",
  "nothing",
] as const satisfies readonly Entry["verifiedBy"][];

/**
 * Name of an address's entry. Whoever comes with other credentials, or none,
 * has entries of their own: what a registry gave to one it may refuse others.
 */
export function entryKeyOf(url: URL, credentials: Credentials): string {
  const { user, password } = credentials;
  return createHash("sha256")
    .update(JSON.stringify([url.href.replace(/#.*$/, ""), user, password]))
    .digest("hex");
}

/**
 * Which content is behind an address: a file for each, replaced in one step.
 * One that cannot be read counts as none and is replaced in time.
 */
export class AddressIndex {
  /**
   * @param folder The index's alone.
   * @param newPart Makes up a path, on the same disk, of a file that is not
   * complete yet.
   */
  constructor(
    private readonly folder: string,
    private readonly newPart: () => string,
  ) {}

  /** Makes the folder. */
  async prepare(): Promise<void> {
    await Deno.mkdir(this.folder, { recursive: true, mode: 0o700 });
  }

  /** The entry of a key; it is in use as of now. */
  async read(key: string, nowMs: number): Promise<Entry | null> {
    const path = this.#pathOf(key);
    try {
      await Deno.utime(path, nowMs / 1000, nowMs / 1000);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
    return await readEntry(path);
  }

  /** Replaces the entry of a key. */
  async write(
    key: string,
    url: URL,
    entry: Entry,
    nowMs: number,
  ): Promise<void> {
    const part = this.newPart();
    const { sha256, verifiedBy, etag, lastModified } = entry;
    const text = JSON.stringify({
      // For people.
      address: withoutSecrets(url),
      sha256,
      verifiedBy,
      etag,
      lastModified,
    });
    try {
      await Deno.writeTextFile(part, text, { mode: 0o600 });
      await Deno.utime(part, nowMs / 1000, nowMs / 1000);
      await Deno.rename(part, this.#pathOf(key));
    } catch (error) {
      // A full disk is not filled further, try for try.
      await Deno.remove(part).catch(() => {});
      throw error;
    }
  }

  /**
   * Removes what leads nowhere: entries that nobody has used since, or whose
   * content is gone.
   */
  async sweep(
    usedSinceMs: number,
    isHere: (sha256: string) => boolean,
  ): Promise<void> {
    for await (const { name } of Deno.readDir(this.folder)) {
      const path = `${this.folder}/${name}`;
      const usedMs = (await Deno.stat(path)).mtime?.getTime() ?? 0;
      const entry = await readEntry(path);
      if (entry === null || usedMs < usedSinceMs || !isHere(entry.sha256)) {
        await Deno.remove(path);
      }
    }
  }

  #pathOf(key: string): string {
    return `${this.folder}/${key}.json`;
  }
}

async function readEntry(path: string): Promise<Entry | null> {
  let document: unknown;
  try {
    document = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound || error instanceof SyntaxError
    ) return null;
    throw error;
  }
  const reader = new ObjectReader(document);
  const entry = {
    sha256: reader.string("sha256"),
    verifiedBy: reader.oneOf("verifiedBy", PROOFS, "nothing"),
    etag: reader.string("etag"),
    lastModified: reader.string("lastModified"),
  };
  return reader.problems.length > 0 || !isSha256(entry.sha256) ? null : entry;
}
