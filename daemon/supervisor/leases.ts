import type { Clock, Timer } from "../../shared/clock.ts";
import type { LeaseInfo } from "../../shared/manager_api/types.ts";
import { ownerOf } from "../lifecycle/record.ts";
import type { ProcessRunner } from "./process_runner.ts";

/** The share of a lease after which the time is looked at again. */
const LOOK_SHARE = 0.1;

/** What an owner holds on one process that lives. */
interface Lease {
  readonly owner: string;
  readonly timeoutMs: number;
  /** On the clock of leases, ms; Infinity once it has ended. */
  endsMs: number;
}

/**
 * Whose owner was not heard of for how long: a lease that ends makes its
 * process an orphan, and what becomes of that is the lifecycle's to decide.
 *
 * Nothing of it is stored: each daemon begins all leases anew, since nobody
 * could be heard before it. For the same reason time in which the daemon did
 * not run (it was stopped, or had no turn) does not count. It is known by
 * the timer, which comes late then; hence that looks at the clock each tenth of
 * the shortest lease, and not just when the first one ends.
 */
export class Leases {
  readonly #leases = new Map<ProcessRunner, Lease>();
  #timer: Timer | null = null;
  /** When the timer is due; monotonic clock, ms. */
  #dueMs = Infinity;
  /** Time that does not count, so far. */
  #awayMs = 0;

  /** @param timeoutMs Length of a lease unless its process has its own. */
  constructor(
    private readonly clock: Clock,
    private readonly timeoutMs: number,
  ) {}

  /** Sees to the leases of a process from now on, whoever owns it when. */
  follow(runner: ProcessRunner): void {
    runner.watch(() => this.#follow(runner));
    this.#follow(runner);
  }

  /** An owner was heard of. */
  renew(owner: string): LeaseInfo {
    const nowMs = this.#nowMs();
    const renewed = [...this.#leases.values()].filter((lease) =>
      lease.owner === owner
    );
    for (const lease of renewed) {
      // What is being stopped as an orphan is not saved any more.
      if (lease.endsMs < Infinity) lease.endsMs = nowMs + lease.timeoutMs;
    }
    const timeoutMs = Math.min(...renewed.map(({ timeoutMs }) => timeoutMs));
    return {
      Processes: renewed.length,
      Timeout: renewed.length === 0 ? 0 : timeoutMs / 1000,
    };
  }

  /** Until the lease on a process ends, ms; null = there is none. */
  leftMs(runner: ProcessRunner): number | null {
    const lease = this.#leases.get(runner);
    return lease === undefined || lease.endsMs === Infinity
      ? null
      : lease.endsMs - this.#nowMs();
  }

  /** No lease ends any more. */
  close(): void {
    this.#timer?.cancel();
  }

  #follow(runner: ProcessRunner): void {
    const { record } = runner;
    const owner = record.phase.state === "stopped" ? "" : ownerOf(record);
    if (owner === (this.#leases.get(runner)?.owner ?? "")) return;
    this.#leases.delete(runner);
    if (owner === "") return;
    const timeoutMs = (record.info.HeartBeatTimeout ?? 0) * 1000 ||
      this.timeoutMs;
    const nowMs = this.#nowMs();
    const lease = { owner, timeoutMs, endsMs: nowMs + timeoutMs };
    this.#leases.set(runner, lease);
    this.#lookBy(nextLook(lease, nowMs) - nowMs);
  }

  /** Ends what is over, once for each lease. */
  #look(): void {
    const nowMs = this.#nowMs();
    this.#dueMs = Infinity;
    const over = [...this.#leases].filter(([, { endsMs }]) => endsMs <= nowMs);
    for (const [runner, lease] of over) {
      const { owner, timeoutMs } = lease;
      lease.endsMs = Infinity;
      runner.dispatch({
        type: "leaseEnded",
        owner,
        silentMs: timeoutMs,
        nowMs: this.clock.nowMs(),
      });
    }
    let nextMs = Infinity;
    for (const lease of this.#leases.values()) {
      nextMs = Math.min(nextMs, nextLook(lease, nowMs));
    }
    this.#lookBy(nextMs - nowMs);
  }

  /** One timer for all: the earliest look is the next. */
  #lookBy(delayMs: number): void {
    const dueMs = this.clock.monotonicMs() + delayMs;
    if (dueMs >= this.#dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = this.clock.after(delayMs, () => this.#look());
  }

  /** The clock of leases: it stands while nobody could be heard, ms. */
  #nowMs(): number {
    const nowMs = this.clock.monotonicMs();
    if (nowMs > this.#dueMs) {
      this.#awayMs += nowMs - this.#dueMs;
      this.#dueMs = nowMs;
    }
    return nowMs - this.#awayMs;
  }
}

function nextLook({ endsMs, timeoutMs }: Lease, nowMs: number): number {
  return endsMs === Infinity
    ? Infinity
    : Math.min(endsMs, nowMs + timeoutMs * LOOK_SHARE);
}
