/** Most messages that are remembered. */
const MESSAGES_MAX = 1_000;
/** Most characters of them, keys and answers together. */
const LENGTH_MAX = 524_288;

/**
 * Remembers messages and how they were answered, so that a repeated one is
 * not carried out again. The oldest are forgotten first, but never one that
 * is still at work. A message too long to be remembered holds a file; to
 * write the same file again does no harm.
 */
export class MessageMemory {
  readonly #atWork = new Set<string>();
  /** By key, oldest first. */
  readonly #answers = new Map<string, readonly string[]>();
  #length = 0;

  /** What became of a message. */
  recall(key: string): "unknown" | "at work" | readonly string[] {
    if (this.#atWork.has(key)) return "at work";
    return this.#answers.get(key) ?? "unknown";
  }

  /** A message is at work from now on. */
  begin(key: string): void {
    this.#atWork.add(key);
  }

  /** It was answered. */
  end(key: string, answers: readonly string[]): void {
    this.#atWork.delete(key);
    this.#answers.set(key, answers);
    this.#length += lengthOf(key, answers);
    for (const [oldest, forgotten] of this.#answers) {
      const fits = this.#answers.size <= MESSAGES_MAX &&
        this.#length <= LENGTH_MAX;
      if (fits) return;
      this.#answers.delete(oldest);
      this.#length -= lengthOf(oldest, forgotten);
    }
  }
}

function lengthOf(key: string, answers: readonly string[]): number {
  return answers.reduce((sum, { length }) => sum + length, key.length);
}
