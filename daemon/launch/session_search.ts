import { AppError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Identity } from "../lifecycle/record.ts";
import type { Launcher } from "../ports.ts";
import type { EndRecord } from "./run_folder.ts";

/**
 * Finds out whether sessions are empty, where their launchers left that open:
 * on a host of many, one search serves all that ended since the one before.
 */
export class SessionSearch {
  /** Who is waited for by the search that begins next. */
  #asked: Identity[] = [];
  #next: Promise<ReadonlySet<number>> | null = null;
  #latest: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly launcher: Pick<Launcher, "findLeft">,
    private readonly logger: Logger,
  ) {}

  /**
   * Says whether nobody was left when a command had ended; false if in doubt.
   *
   * @param leader The command, of whose session it is.
   */
  async isEmpty(end: EndRecord, leader: Identity): Promise<boolean> {
    if (end.isSessionEmpty !== null) return end.isSessionEmpty;
    this.#asked.push(leader);
    // One that is under way may have passed by who is left.
    this.#next ??= this.#latest.then(() => this.#search());
    try {
      return !(await this.#next).has(leader.pid);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.logger.warn("sessions not searched", { reason: error.message });
      return false;
    }
  }

  #search(): Promise<ReadonlySet<number>> {
    const asked = this.#asked;
    this.#asked = [];
    this.#next = null;
    const left = this.launcher.findLeft(asked);
    this.#latest = left.catch(() => {});
    return left;
  }
}
