/** Has what concerns one task done in order, different tasks in parallel. */
export class TaskTurns {
  /** Of each task with work, the end of the last that was given. */
  readonly #last = new Map<string, Promise<unknown>>();

  /**
   * Runs `run` once everything given before for this task is over, however it
   * went. Its place is taken when this is called.
   */
  async take<T>(taskId: string, run: () => Promise<T>): Promise<T> {
    const before = this.#last.get(taskId) ?? Promise.resolve();
    const turn = before.then(run);
    // A failure is the caller's to see, not the next one's.
    const over = turn.then(() => {}, () => {});
    this.#last.set(taskId, over);
    try {
      return await turn;
    } finally {
      if (this.#last.get(taskId) === over) this.#last.delete(taskId);
    }
  }
}
