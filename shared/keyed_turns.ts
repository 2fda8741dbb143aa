/** Has what concerns one thing done in order, different things in parallel. */
export class KeyedTurns {
  /** Of each key with work, the end of the last that was given. */
  readonly #last = new Map<string, Promise<unknown>>();

  /**
   * Runs `run` once everything given before for this key is over, however it
   * went. Its place is taken when this is called.
   */
  async take<T>(key: string, run: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const turn = before.then(run);
    // A failure is the caller's to see, not the next one's.
    const over = turn.then(() => {}, () => {});
    this.#last.set(key, over);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === over) this.#last.delete(key);
    }
  }
}
