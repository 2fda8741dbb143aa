import type { BackgroundTasks } from "../../shared/background.ts";
import type { Clock } from "../../shared/clock.ts";
import { AppError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Usage } from "../../shared/manager_api/types.ts";
import { measure, type Measured } from "../lifecycle/measured.ts";
import { type ProcessRecord, trackedOf } from "../lifecycle/record.ts";
import type { Launcher, UsageTarget } from "../ports.ts";
import type { Groups } from "./groups.ts";

/** Age from which on who can wait is told something newer, ms. */
const FRESH_MS_MAX = 2_000;
/** The same for who cannot wait: the next one is told, ms. */
const RECENT_MS_MAX = 10_000;
/** How long somebody waits at most, ms. */
const WAIT_MS_MAX = 1_000;

/** What measuring needs. */
export interface UsagePorts {
  readonly launcher: Pick<Launcher, "measureUsage">;
  readonly groups: Pick<Groups, "groupOf">;
  readonly clock: Clock;
  readonly background: BackgroundTasks;
  readonly logger: Logger;
  /** Every process. */
  readonly records: () => readonly ProcessRecord[];
}

/**
 * What processes use, measured only while somebody asks: all of them by one
 * launcher call, and one call at a time.
 */
export class UsageSampler {
  /** By number of the process. */
  #latest: ReadonlyMap<number, Measured> = new Map();
  /** When it was measured, monotonic. */
  #latestMs = -Infinity;
  #sampling: Promise<void> | null = null;

  constructor(private readonly ports: UsagePorts) {}

  /** The latest of one process; null = not measured, or stopped. */
  of({ number, generation, phase }: ProcessRecord): Usage | null {
    const found = this.#latest.get(number);
    return found?.generation === generation && phase.state !== "stopped"
      ? found.usage
      : null;
  }

  /** Has the next one who asks told something recent. Never waits. */
  refresh(): void {
    if (this.ports.clock.monotonicMs() - this.#latestMs > RECENT_MS_MAX) {
      this.#start();
    }
  }

  /** Waits for what is fresh, if that comes soon. */
  async freshen(): Promise<void> {
    const { clock } = this.ports;
    if (clock.monotonicMs() - this.#latestMs <= FRESH_MS_MAX) return;
    const done = new AbortController();
    await Promise.race([
      this.#start().finally(() => done.abort()),
      clock.sleep(WAIT_MS_MAX, done.signal),
    ]);
  }

  #start(): Promise<void> {
    if (this.#sampling !== null) return this.#sampling;
    const sampling = this.#sample().finally(() => this.#sampling = null);
    this.#sampling = sampling;
    this.ports.background.run("usage", () => sampling);
    return sampling;
  }

  async #sample(): Promise<void> {
    const { launcher, groups, clock, logger, records } = this.ports;
    const alive = records().filter(({ phase }) => trackedOf(phase) !== null);
    const latest = new Map<number, Measured>();
    try {
      if (alive.length > 0) {
        const { atMs, used } = await launcher.measureUsage(
          alive.map((record) => toTarget(record, groups)),
        );
        for (const record of alive) {
          const amounts = used.get(record.number);
          if (amounts === undefined) continue;
          latest.set(
            record.number,
            measure(record, amounts, {
              atMs,
              nowMs: clock.nowMs(),
              before: this.#latest.get(record.number),
            }),
          );
        }
      }
      this.#latest = latest;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // The host may be out of processes: what was known stays, with its time.
      logger.warn("usage not measured", { reason: error.message });
    }
    this.#latestMs = clock.monotonicMs();
  }
}

/** Its group counts also who left its sessions, and who has ended. */
function toTarget(
  record: ProcessRecord,
  groups: Pick<Groups, "groupOf">,
): UsageTarget {
  const group = groups.groupOf(record);
  const sessions = trackedOf(record.phase)?.sessions ?? [];
  return {
    number: record.number,
    ...(group === null ? { sessions } : { group }),
  };
}
