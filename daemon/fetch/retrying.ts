import { backoffMs } from "../../shared/backoff.ts";
import type { Clock } from "../../shared/clock.ts";
import { AppError } from "../../shared/errors.ts";
import { TryError } from "./try_error.ts";

/** What fetching takes from outside. */
export interface FetchPorts {
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** How long something is tried. */
export interface Patience {
  /** Longest time for all tries, ms. */
  readonly msMax: number;
  /** Tries after the first, or after the last that got further. */
  readonly retriesMax: number;
  /** Between tries. */
  readonly wait: { readonly firstMs: number; readonly maxMs: number };
}

/**
 * Tries to fetch until it succeeds, cannot succeed, or takes too long.
 *
 * @param address What is fetched, without user, password and query.
 * @param signal Aborted when nobody wants it any more.
 * @param attempt One try; fails with a {@linkcode TryError}, whatever else it
 * throws is passed on. Its signal also stands for the time limit.
 * @throws {AppError} FAILED_PRECONDITION
 */
export async function retrying<T>(
  address: string,
  patience: Patience,
  { clock, random }: FetchPorts,
  signal: AbortSignal,
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const timer = clock.after(patience.msMax, () => limit.abort());
  const either = AbortSignal.any([signal, limit.signal]);
  try {
    for (let failures = 1;; failures++) {
      const outcome = await attempt(either).catch((error: unknown) => {
        if (error instanceof TryError) return error;
        throw error;
      });
      if (!(outcome instanceof TryError)) return outcome;
      const { isPassing, hints } = outcome;
      if (hints.hasAdvanced === true) failures = 1;
      if (isPassing && failures <= patience.retriesMax && !either.aborted) {
        const waitMs = backoffMs(failures, patience.wait, random());
        await clock.sleep(Math.max(waitMs, hints.waitMs ?? 0), either);
        if (!either.aborted) continue;
      }
      const reason = signal.aborted
        ? "it is not wanted any more"
        : limit.signal.aborted
        ? `it took over ${patience.msMax / 1000} s: ${outcome.message}`
        : outcome.message;
      throw new AppError(
        "FAILED_PRECONDITION",
        `cannot fetch ${address}: ${reason}`,
      );
    }
  } finally {
    timer.cancel();
  }
}
