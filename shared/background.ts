/**
 * The only place where a promise may stay un-awaited. A rejection is a bug of
 * the task and ends the service loudly: state is on disk, processes live on.
 */
export class BackgroundTasks {
  readonly #running = new Set<Promise<void>>();

  /** @param onFailure Told of a task that was rejected; must not throw. */
  constructor(
    private readonly onFailure: (name: string, error: unknown) => void,
  ) {}

  /** Starts `task` and keeps hold of it. `name` goes into the failure. */
  run(name: string, task: () => Promise<void>): void {
    const promise = Promise.try(task).catch((error) =>
      this.onFailure(name, error)
    )
      .finally(() => this.#running.delete(promise));
    this.#running.add(promise);
  }

  /** Resolves when no task is left, also of those started meanwhile. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
