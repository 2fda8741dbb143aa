import type { Clock } from "../../shared/clock.ts";
import { AppError } from "../../shared/errors.ts";
import type { Identity } from "../lifecycle/record.ts";
import type { Launcher } from "../ports.ts";

/** Wait before what could not be killed is killed again, ms. */
const RETRY_MS = 500;

/** Kills whole sessions, and resolves when nobody of them is left. */
export async function killSessions(
  leaders: readonly Identity[],
  launcher: Pick<Launcher, "signal" | "sweep">,
  clock: Clock,
): Promise<void> {
  while (true) {
    try {
      // Its leader may be known for a moment before there is the session.
      await launcher.signal("KILL", leaders);
      if ((await launcher.sweep("KILL", leaders)).length === 0) return;
    } catch (error) {
      // The host may be out of processes; what lives is not left alone.
      if (!(error instanceof AppError)) throw error;
    }
    await clock.sleep(RETRY_MS);
  }
}
