/** Has work that belongs to one thing done one after the other. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Waits for its turn; a failure of who was before does not matter. */
  async take<T>(key: string, act: () => Promise<T>): Promise<T> {
    const done = (this.#last.get(key) ?? Promise.resolve()).then(act);
    const settled = done.then(() => {}, () => {});
    this.#last.set(key, settled);
    try {
      return await done;
    } finally {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    }
  }
}
