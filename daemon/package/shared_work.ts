import type { BackgroundTasks } from "../../shared/background.ts";
import { AppError } from "../../shared/errors.ts";

/** What a work has brought. */
export interface Outcome<T> {
  /** Each who waits has one of their own. */
  take(): T;
}

/** One who waits for a work. */
interface Waiter<T> {
  readonly resolve: (outcome: T) => void;
  readonly reject: (error: unknown) => void;
  readonly onProgress: (bytes: number, total: number) => void;
}

interface Work<T> {
  readonly waiters: Set<Waiter<T>>;
  readonly unwanted: AbortController;
  bytes: number;
  total: number;
}

/** What to do, and whom it is the same for. */
export interface WorkOrder<T> {
  /** Who asks for the same is served by the same work. */
  readonly id: string;
  /** Works of one lane are done one after the other. */
  readonly lane: string;
  /**
   * Does it. What it holds until everybody has taken theirs, it defers to the
   * stack.
   *
   * @param unwanted Aborted when nobody waits for it any more.
   */
  readonly perform: (
    unwanted: AbortSignal,
    onProgress: (bytes: number, total: number) => void,
    held: DisposableStack,
  ) => Promise<Outcome<T>>;
}

/** Does for all who ask at the same time what each of them asks for. */
export class SharedWork<T> {
  readonly #works = new Map<string, Work<T>>();
  /** The last work of each lane; never rejected. */
  readonly #lanes = new Map<string, Promise<void>>();

  constructor(private readonly background: BackgroundTasks) {}

  /**
   * Waits for a work that is under way, or starts it.
   *
   * @param signal Aborted when the caller does not want it any more; the work
   * goes on if somebody else does.
   * @param unwanted Makes what the caller is rejected with then.
   */
  join(
    order: WorkOrder<T>,
    signal: AbortSignal,
    onProgress: (bytes: number, total: number) => void,
    unwanted: () => Error,
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (signal.aborted) {
      reject(unwanted());
      return promise;
    }
    const waiter = { resolve, reject, onProgress };
    const work = this.#works.get(order.id) ?? this.#start(order);
    work.waiters.add(waiter);
    if (work.bytes > 0) onProgress(work.bytes, work.total);
    const leave = () => {
      work.waiters.delete(waiter);
      reject(unwanted());
      if (work.waiters.size > 0) return;
      this.#forget(order.id, work);
      work.unwanted.abort();
    };
    signal.addEventListener("abort", leave, { once: true });
    return promise.finally(() => signal.removeEventListener("abort", leave));
  }

  #start(order: WorkOrder<T>): Work<T> {
    const work: Work<T> = {
      waiters: new Set(),
      unwanted: new AbortController(),
      bytes: 0,
      total: 0,
    };
    this.#works.set(order.id, work);
    const before = this.#lanes.get(order.lane);
    const done = Promise.withResolvers<void>();
    this.#lanes.set(order.lane, done.promise);
    this.background.run("package", async () => {
      try {
        await before;
        await this.#perform(order, work);
      } finally {
        if (this.#lanes.get(order.lane) === done.promise) {
          this.#lanes.delete(order.lane);
        }
        done.resolve();
      }
    });
    return work;
  }

  async #perform(order: WorkOrder<T>, work: Work<T>): Promise<void> {
    using held = new DisposableStack();
    try {
      const outcome = await order.perform(
        work.unwanted.signal,
        (bytes, total) => {
          work.bytes = bytes;
          work.total = total;
          for (const { onProgress } of work.waiters) onProgress(bytes, total);
        },
        held,
      );
      for (const { resolve } of work.waiters) resolve(outcome.take());
    } catch (error) {
      for (const { reject } of work.waiters) reject(error);
      if (!(error instanceof AppError)) throw error;
    } finally {
      // Whoever asks from now on asks anew.
      work.waiters.clear();
      this.#forget(order.id, work);
    }
  }

  #forget(id: string, work: Work<T>): void {
    if (this.#works.get(id) === work) this.#works.delete(id);
  }
}
