import type { Clock } from "../../shared/clock.ts";
import { AppError, messageOf } from "../../shared/errors.ts";

/** How often a folder is tried to be removed, and the wait between, ms. */
const ATTEMPTS_MAX = 20;
const RETRY_MS = 50;

/**
 * Removes a run folder with all that is in it. Its launcher may be about to
 * leave a last file there: then it is tried again.
 *
 * @throws {AppError} INTERNAL if it cannot be removed.
 */
export async function removeFolder(
  folder: string,
  clock: Clock,
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await Deno.remove(folder, { recursive: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      if (attempt === ATTEMPTS_MAX) {
        throw new AppError(
          "INTERNAL",
          `Cannot remove ${folder}: ${messageOf(error)}`,
          { cause: error },
        );
      }
    }
    await clock.sleep(RETRY_MS);
  }
}
