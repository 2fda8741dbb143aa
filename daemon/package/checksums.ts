import { AppError } from "../../shared/errors.ts";
import type { PackageStatus, Uri } from "../../shared/manager_api/types.ts";

/** Checksums of one content, in small hexadecimal digits; "" = not known. */
export interface Checksums {
  readonly sha256: string;
  readonly md5: string;
}

/** What a package has to be like, and who says so. */
export interface Wanted extends Checksums {
  /** In an error: whose checksums these are. */
  readonly source: string;
  /** What a package that is like this is verified by; "" = by nothing yet. */
  readonly proof: PackageStatus["VerifiedBy"];
}

/** Nobody says what the package has to be like. */
export const ANYTHING: Wanted = { sha256: "", md5: "", source: "", proof: "" };

/** Whether this is a SHA-256 as it is kept here. */
export function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** Whether this is an MD5 as it is kept here. */
export function isMd5(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

/**
 * What the process's definition says of the package.
 *
 * @throws {AppError} FAILED_PRECONDITION if it is no checksum.
 */
export function givenChecksums({ Sha256 = "", Md5 = "" }: Uri): Wanted {
  const sha256 = Sha256.toLowerCase();
  const md5 = Md5.toLowerCase();
  if (sha256 !== "" && !isSha256(sha256)) throw notHexadecimal("Sha256", 64);
  if (md5 !== "" && !isMd5(md5)) throw notHexadecimal("Md5", 32);
  if (sha256 === "" && md5 === "") return ANYTHING;
  return {
    sha256,
    md5,
    source: "the process's definition",
    proof: sha256 === "" ? "md5" : "sha256",
  };
}

/** Where a content is not what was wanted; null = it is. */
export function differenceOf(actual: Checksums, wanted: Wanted): string | null {
  for (const name of ["sha256", "md5"] as const) {
    if (wanted[name] !== "" && wanted[name] !== actual[name]) {
      return `its ${name} is ${actual[name]}, but ${wanted.source} says ` +
        wanted[name];
    }
  }
  return null;
}

function notHexadecimal(field: string, digits: number): AppError {
  return new AppError(
    "FAILED_PRECONDITION",
    `cannot fetch a package: its ${field} must be ${digits} hexadecimal digits`,
  );
}
