import type { BackgroundTasks } from "../../shared/background.ts";

/**
 * Sees exit files appear, for processes whose launcher is no child of this
 * daemon: those that an earlier one started.
 */
export class ExitWatcher {
  readonly #waiting = new Map<string, () => void>();
  #watcher: Deno.FsWatcher | null = null;

  /** @param root Folder that holds all run folders. */
  constructor(
    private readonly root: string,
    private readonly background: BackgroundTasks,
  ) {}

  /**
   * Calls `onExit` once when the exit file of a run folder appears. The
   * caller looks for a file that is there already, after this call.
   *
   * @returns Ends the watch.
   */
  watch(folder: string, onExit: () => void): () => void {
    this.#waiting.set(folder, onExit);
    this.#open();
    return () => this.#forget(folder);
  }

  #open(): void {
    if (this.#watcher !== null) return;
    try {
      this.#watcher = Deno.watchFs(this.root, { recursive: true });
    } catch {
      // The host may be out of watches. The end of a launcher is looked for
      // as well, only more slowly.
      return;
    }
    const watcher = this.#watcher;
    this.background.run("exit watcher", async () => {
      for await (const { paths } of watcher) {
        for (const path of paths) this.#onPath(path);
      }
    });
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = null;
  }

  #onPath(path: string): void {
    if (!path.endsWith("/exit")) return;
    const folder = path.slice(0, -"/exit".length);
    const onExit = this.#waiting.get(folder);
    if (onExit === undefined) return;
    this.#forget(folder);
    onExit();
  }

  #forget(folder: string): void {
    this.#waiting.delete(folder);
    if (this.#waiting.size === 0) this.close();
  }
}
