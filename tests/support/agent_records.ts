import type { Call } from "../../proto/mesos_types.ts";

/** A request as it arrived and what became of it. */
export interface CallRecord {
  /** When its last byte arrived, by `performance.now()`. */
  readonly at: number;
  /** Type of the call; empty if the request could not be parsed. */
  readonly type: string;
  /** The call in Mesos' JSON mapping; undefined if it could not be parsed. */
  readonly call: Call | undefined;
  /** Headers by name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Which connection it came on; counts from 1 after each (re)start. */
  readonly connectionId: number;
  /** Status answered; 0 until then and if none was. */
  status: number;
}

/** Something that no correct executor does. */
export interface Violation {
  /** When, by `performance.now()`. */
  readonly at: number;
  /** What happened and what a real agent makes of it. */
  readonly text: string;
}

/** How long a test waits for something unless it says otherwise. */
export const WAIT_TIMEOUT_MS = 10_000;

const CALLS_SHOWN_MAX = 20;

interface Waiter {
  /** @returns True once there is nothing to wait for any more. */
  readonly settle: () => boolean;
  readonly fail: (error: Error) => void;
}

/** What was received, and who waits for more of it. */
export class AgentRecords {
  /** Every request, oldest first. */
  readonly calls: CallRecord[] = [];
  /** Every violation, oldest first. */
  readonly violations: Violation[] = [];
  readonly #startedAt = performance.now();
  /** By task id; the empty one is woken by everything. */
  readonly #waiters = new Map<string, Set<Waiter>>();

  /** Notes a violation. */
  violate(at: number, text: string): void {
    this.violations.push({ at, text });
  }

  /** Tells those who wait that something happened, maybe to one task. */
  changed(taskId = ""): void {
    for (const key of taskId === "" ? [""] : ["", taskId]) {
      const waiters = this.#waiters.get(key);
      if (waiters === undefined) continue;
      for (const waiter of waiters) if (waiter.settle()) waiters.delete(waiter);
      if (waiters.size === 0) this.#waiters.delete(key);
    }
  }

  /**
   * Waits until a check finds something.
   *
   * @param key Id of the only task it depends on, or empty.
   * @param what Completes the sentence "Waited for …".
   */
  wait<T>(
    key: string,
    what: string,
    timeoutMs: number,
    check: () => T | undefined,
  ): Promise<T> {
    const found = check();
    if (found !== undefined) return Promise.resolve(found);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    // A test that fails elsewhere never awaits it: that is no second failure.
    promise.catch(() => {});
    const waiters = this.#waiters.get(key) ?? new Set();
    this.#waiters.set(key, waiters);
    const fail = (error: Error) => {
      clearTimeout(timer);
      waiters.delete(waiter);
      reject(error);
    };
    const settle = () => {
      const value = check();
      if (value === undefined) return false;
      clearTimeout(timer);
      resolve(value);
      return true;
    };
    const waiter = { settle, fail };
    const timer = setTimeout(
      () =>
        fail(
          new Error(
            `Waited ${timeoutMs} ms for ${what}. ${this.describe()}`,
          ),
        ),
      timeoutMs,
    );
    waiters.add(waiter);
    return promise;
  }

  /** Ends all waiting. */
  close(): void {
    const error = new Error(`The agent was closed. ${this.describe()}`);
    for (const waiters of [...this.#waiters.values()]) {
      for (const waiter of [...waiters]) waiter.fail(error);
    }
  }

  /** The latest calls and all violations, for messages. */
  describe(): string {
    const shown = this.calls.slice(-CALLS_SHOWN_MAX).map((record) => {
      const status = record.call?.update?.status;
      return [
        `+${(record.at - this.#startedAt).toFixed()} ms`,
        record.type || "(malformed)",
        ...(status ? [status.task_id.value, status.state] : []),
        `-> ${record.status || "no answer"}`,
      ].join(" ");
    });
    const lines = this.calls.length === 0
      ? ["No call was received"]
      : [`Received ${this.calls.length} calls, at last:`, ...shown];
    for (const { text } of this.violations) lines.push(`Violation: ${text}`);
    return lines.join("\n  ");
  }
}
