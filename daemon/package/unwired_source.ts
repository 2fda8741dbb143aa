import { AppError } from "../../shared/errors.ts";
import type { HeldPackage, PackageSource } from "./package_source.ts";

/** Stands where the downloads will be: not wired yet. */
export class UnwiredPackageSource implements PackageSource {
  hold(): Promise<HeldPackage> {
    return Promise.reject(
      new AppError("FAILED_PRECONDITION", "downloads are not wired"),
    );
  }
}
