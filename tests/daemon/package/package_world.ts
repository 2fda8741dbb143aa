import { assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import {
  PackageCache,
  type PackageCachePorts,
} from "../../../daemon/package/package_cache.ts";
import type { HeldPackage } from "../../../daemon/package/package_source.ts";
import { BackgroundTasks } from "../../../shared/background.ts";
import { AppError } from "../../../shared/errors.ts";
import type { LogFields } from "../../../shared/logger.ts";
import type { Uri } from "../../../shared/manager_api/types.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { tempDir } from "../../support/temp_dir.ts";

/** Never aborted. */
export const never: AbortSignal = new AbortController().signal;

/** A clock whose sleeps are over at once, and are remembered. */
export class HastyClock extends FakeClock {
  readonly sleptMs: number[] = [];
  override sleep(delayMs: number): Promise<void> {
    this.sleptMs.push(delayMs);
    this.advance(delayMs);
    return Promise.resolve();
  }
}

/** A package cache in a folder of its own, and what a test sees of it. */
export class PackageWorld implements AsyncDisposable {
  readonly clock = new HastyClock();
  /** Messages that were logged, with their fields' values. */
  readonly logged: string[] = [];
  readonly #failures: unknown[] = [];
  readonly background: BackgroundTasks = new BackgroundTasks((_, error) => {
    this.#failures.push(error);
  });
  cache: PackageCache;

  private constructor(
    readonly folder: string,
    private readonly policy: PackageCachePorts["policy"],
    private readonly dispose: () => PromiseLike<void>,
  ) {
    this.cache = this.#newCache();
  }

  static async create(
    policy: Partial<PackageCachePorts["policy"]> = {},
  ): Promise<PackageWorld> {
    const dir = await tempDir();
    return new PackageWorld(
      `${dir.path}/packages`,
      { cacheBytes: 1e9, cacheMs: 1e9, packageBytes: 1e8, ...policy },
      () => dir[Symbol.asyncDispose](),
    );
  }

  /** The next daemon. */
  restart(): void {
    this.cache = this.#newCache();
  }

  /** Holds a package and lets it go again. */
  async fetch(
    Value: string,
    part: Partial<Uri> = {},
  ): Promise<HeldPackage> {
    const held = await this.cache.hold(toUri(Value, part), never, () => {});
    held.release();
    return held;
  }

  /** Why a package cannot be held. */
  async failureOf(Value: string, part: Partial<Uri> = {}): Promise<string> {
    const error = await assertRejects(() => this.fetch(Value, part), AppError);
    assertEquals([error.code, this.clock.pending], ["FAILED_PRECONDITION", 0]);
    return error.message;
  }

  /** Names of files in a folder of the cache, once nothing is under way. */
  async files(folder: "content" | "addresses" | "parts"): Promise<string[]> {
    await this.background.settle();
    const names = Deno.readDirSync(`${this.folder}/${folder}`);
    return [...names].map(({ name }) => name).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.background.settle();
    await this.dispose();
    assertEquals(this.#failures, []);
    assertEquals(this.clock.pending, 0);
  }

  #newCache(): PackageCache {
    const log = (message: string, fields: LogFields = {}) =>
      void this.logged.push([message, ...Object.values(fields)].join(" | "));
    return new PackageCache({
      folder: this.folder,
      policy: this.policy,
      clock: this.clock,
      random: () => 0,
      logger: { info: log, warn: log, error: log },
      background: this.background,
    });
  }
}

/** An address as a definition has it. */
export function toUri(Value: string, part: Partial<Uri> = {}): Uri {
  return {
    Value,
    User: "",
    Pwd: "",
    OutputDir: "/x",
    ExtractDir: "",
    PackagesFile: "",
    ...part,
  };
}

/** Checksums as servers and definitions have them. */
export function sha256Of(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** See {@linkcode sha256Of}. */
export function md5Of(bytes: Uint8Array | string): string {
  return createHash("md5").update(bytes).digest("hex");
}
