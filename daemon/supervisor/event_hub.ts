import type { ProcessEvent } from "../../shared/manager_api/types.ts";

/** Passes stored events on to whoever follows them live. */
export class EventHub {
  readonly #followers = new Set<(event: ProcessEvent) => void>();

  /** @returns Ends the following. */
  follow(onEvent: (event: ProcessEvent) => void): () => void {
    this.#followers.add(onEvent);
    return () => this.#followers.delete(onEvent);
  }

  /** Called by the supervisor after an event was stored. */
  publish(event: ProcessEvent): void {
    for (const follower of [...this.#followers]) follower(event);
  }
}
