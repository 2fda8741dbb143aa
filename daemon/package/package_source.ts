import type { PackageStatus, Uri } from "../../shared/manager_api/types.ts";

/** A package on this host, as it came; nothing removes it while it is held. */
export interface HeldPackage {
  /** Absolute path of the file; for the daemon's user alone. */
  readonly path: string;
  /** 64 hexadecimal digits, of what is in the file. */
  readonly sha256: string;
  readonly bytes: number;
  readonly verifiedBy: PackageStatus["VerifiedBy"];
  /** It may be evicted from now on. */
  release(): void;
}

/** Where packages come from. */
export interface PackageSource {
  /**
   * Brings a package here, unless it is, and proves that it is the right one.
   * Those who ask for the same one at the same time share one download.
   *
   * @param signal Aborted when nobody wants it any more.
   * @param onProgress Told of bytes that are here, and of all; 0 = not known.
   * @throws {AppError} FAILED_PRECONDITION; names the address without user,
   * password and query, and both sums if they differ.
   */
  hold(
    uri: Uri,
    signal: AbortSignal,
    onProgress: (bytes: number, total: number) => void,
  ): Promise<HeldPackage>;
}
