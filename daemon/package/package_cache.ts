import type { BackgroundTasks } from "../../shared/background.ts";
import { assert, messageOf } from "../../shared/errors.ts";
import type { PackageStatus, Uri } from "../../shared/manager_api/types.ts";
import type { PackagePolicy } from "../config.ts";
import { withoutSecrets } from "../fetch/get.ts";
import { AddressIndex, type Entry } from "./address_index.ts";
import { ANYTHING, differenceOf, type Wanted } from "./checksums.ts";
import { ContentFolder, type Pin } from "./content_folder.ts";
import { download } from "./download.ts";
import { chooseEvicted } from "./eviction.ts";
import { hashFile } from "./hasher.ts";
import { failureOf, type PackageOrder, readOrder } from "./package_order.ts";
import type { HeldPackage, PackageSource } from "./package_source.ts";
import { askRegistry, type RegistryPorts } from "./registry_checksums.ts";
import { SharedWork } from "./shared_work.ts";
import { isStrong } from "./validators.ts";

/** What the cache is given. */
export interface PackageCachePorts extends RegistryPorts {
  /** The cache's alone; made when it is needed. */
  readonly folder: string;
  readonly policy: Pick<
    PackagePolicy,
    "cacheBytes" | "cacheMs" | "packageBytes"
  >;
  readonly background: BackgroundTasks;
}

/** A package that is here. */
interface Found {
  readonly sha256: string;
  readonly bytes: number;
  readonly verifiedBy: PackageStatus["VerifiedBy"];
}

/** What lasts as long as a work. */
interface Work {
  readonly signal: AbortSignal;
  readonly onProgress: (bytes: number, total: number) => void;
  readonly held: DisposableStack;
}

/**
 * Packages, kept by content. What is here is read whole and compared again
 * each time before it is handed out, so that what a crash, a bad disk or a
 * hand has left of it is noticed and fetched anew.
 */
export class PackageCache implements PackageSource {
  readonly #ports: PackageCachePorts;
  readonly #contents: ContentFolder;
  readonly #index: AddressIndex;
  readonly #work: SharedWork<HeldPackage>;
  #prepared: Promise<void> | null = null;
  #isSweeping = false;
  #isSweepDue = false;

  constructor(ports: PackageCachePorts) {
    this.#ports = ports;
    this.#contents = new ContentFolder(ports.folder);
    this.#index = new AddressIndex(
      `${ports.folder}/addresses`,
      () => this.#contents.newPart(),
    );
    this.#work = new SharedWork(ports.background);
  }

  async hold(
    uri: Uri,
    signal: AbortSignal,
    onProgress: (bytes: number, total: number) => void,
  ): Promise<HeldPackage> {
    const order = readOrder(uri);
    const { key, given, isAlways } = order;
    return await this.#work.join(
      {
        id: [key, given.sha256, given.md5, isAlways].join(),
        lane: key,
        perform: async (signal, onProgress, held) => {
          const work = { signal, onProgress, held };
          const found = await this.#bring(order, work);
          onProgress(found.bytes, found.bytes);
          this.#sweepSoon();
          return { take: () => this.#take(found) };
        },
      },
      signal,
      onProgress,
      () => failureOf(order, "it is not wanted any more"),
    );
  }

  /**
   * Removes what an earlier daemon left unfinished, what is too old and what
   * is too much. For the daemon's start; afterwards this happens by itself.
   */
  async sweep(): Promise<void> {
    this.#isSweepDue = true;
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    try {
      while (this.#isSweepDue) {
        this.#isSweepDue = false;
        await this.#prepare();
        await this.#evict();
      }
    } catch (error) {
      if (!isDiskError(error)) throw error;
      this.#ports.logger.warn("package cache not swept", {
        reason: messageOf(error),
      });
    } finally {
      this.#isSweeping = false;
    }
  }

  #take({ sha256, bytes, verifiedBy }: Found): HeldPackage {
    const pin = this.#contents.pin(sha256);
    return {
      path: this.#contents.pathOf(sha256),
      sha256,
      bytes,
      verifiedBy,
      release: () => {
        pin.release();
        this.#sweepSoon();
      },
    };
  }

  #sweepSoon(): void {
    this.#ports.background.run("package sweep", () => this.sweep());
  }

  async #bring(order: PackageOrder, work: Work): Promise<Found> {
    const { url, isAlways, given, key } = order;
    const { clock, logger } = this.#ports;
    const address = withoutSecrets(url);
    try {
      await this.#prepare();
      const entry = await this.#index.read(key, clock.nowMs());
      if (!isAlways) {
        const sha256 = given.sha256 || entry?.sha256;
        const found = await this.#find(sha256, given, work);
        const verifiedBy = given.proof || entry?.verifiedBy || "nothing";
        if (found !== null) return { ...found, verifiedBy };
      }
      const first = await this.#fetch(order, entry, work);
      if (typeof first !== "string") return first;
      // Perhaps it was replaced as it was being downloaded.
      logger.warn("wrong package, fetched again", { address, reason: first });
      const second = await this.#fetch(order, entry, work);
      if (typeof second !== "string") return second;
      throw failureOf(order, second);
    } catch (error) {
      if (!isDiskError(error)) throw error;
      throw failureOf(order, `${this.#ports.folder}: ${messageOf(error)}`);
    }
  }

  /**
   * Asks the registry, and downloads what is not here.
   *
   * @returns What is wrong with it, if it is not what it should be.
   */
  async #fetch(
    order: PackageOrder,
    entry: Entry | null,
    work: Work,
  ): Promise<Found | string> {
    const { url, credentials, given, key } = order;
    const wanted = given === ANYTHING
      ? await askRegistry(url, credentials, this.#ports, work.signal)
      : given;
    const here = await this.#find(
      wanted.sha256 || entry?.sha256,
      wanted,
      work,
    );
    if (here !== null && wanted.proof === "registry") {
      const isSame = entry?.sha256 === here.sha256;
      const known = {
        sha256: here.sha256,
        verifiedBy: "registry",
        etag: isSame ? entry.etag : "",
        lastModified: isSame ? entry.lastModified : "",
      } as const;
      await this.#index.write(key, url, known, this.#ports.clock.nowMs());
      return { ...here, verifiedBy: "registry" };
    }
    const known = here !== null && entry?.sha256 === here.sha256
      ? { ...entry, ...here }
      : null;
    const path = this.#contents.newPart();
    try {
      const downloaded = await download(
        {
          url,
          credentials,
          known,
          path,
          withMd5: wanted.md5 !== "",
          bytesMax: this.#ports.policy.packageBytes,
        },
        this.#ports,
        work.signal,
        work.onProgress,
      );
      if (downloaded === null) {
        assert(known !== null, "what is not known has not changed");
        const proof = isStrong(known.etag) ? "etag" : known.verifiedBy;
        return { ...known, verifiedBy: wanted.proof || proof };
      }
      const difference = differenceOf(downloaded, wanted);
      if (difference !== null) return difference;
      const found = {
        ...downloaded,
        verifiedBy: wanted.proof || downloaded.verifiedBy,
      };
      this.#keep(found.sha256, work);
      const nowMs = this.#ports.clock.nowMs();
      await this.#contents.adopt(path, found.sha256, nowMs);
      await this.#index.write(key, url, found, nowMs);
      return found;
    } finally {
      await removeIfThere(path);
    }
  }

  /** A content that is here and is what is wanted; it stays for the work. */
  async #find(
    sha256: string | undefined,
    wanted: Wanted,
    work: Work,
  ): Promise<Omit<Found, "verifiedBy"> | null> {
    if (!sha256) return null;
    const pin = this.#keep(sha256, work);
    const path = this.#contents.pathOf(sha256);
    const withMd5 = wanted.md5 !== "";
    const actual = await hashFile(path, withMd5, work.signal)
      .catch((error: unknown) => {
        if (isDiskError(error)) return { sha256: "", md5: "", bytes: 0 };
        throw error;
      });
    if (actual === null) return null;
    if (actual.sha256 !== sha256) {
      this.#ports.logger.warn("damaged package removed", { sha256 });
      pin.release();
      await this.#contents.remove(sha256);
      return null;
    }
    if (differenceOf(actual, wanted) !== null) return null;
    await this.#contents.touch(sha256, this.#ports.clock.nowMs());
    return { sha256, bytes: actual.bytes };
  }

  #keep(sha256: string, work: Work): Pin {
    const pin = this.#contents.pin(sha256);
    work.held.defer(() => pin.release());
    return pin;
  }

  /** Done once; tried again as long as it fails. */
  async #prepare(): Promise<void> {
    this.#prepared ??= this.#contents.prepare().then(() =>
      this.#index.prepare()
    );
    try {
      await this.#prepared;
    } catch (error) {
      this.#prepared = null;
      throw error;
    }
  }

  async #evict(): Promise<void> {
    const { policy, clock, logger } = this.#ports;
    const contents = await this.#contents.list();
    for (const sha256 of chooseEvicted(contents, policy, clock.nowMs())) {
      if (await this.#contents.remove(sha256)) {
        logger.info("package evicted", { sha256 });
      }
    }
    await this.#index.sweep(
      clock.nowMs() - policy.cacheMs,
      (sha256) => this.#contents.has(sha256),
    );
  }
}

/** Whether the disk is to blame: full, broken, or not the daemon's to use. */
function isDiskError(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable ||
    (error instanceof Error && "code" in error &&
      /^E[A-Z0-9]+$/.test(String(error.code)));
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
