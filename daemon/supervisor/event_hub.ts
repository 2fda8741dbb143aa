import type { ProcessEvent } from "../../shared/manager_api/types.ts";

/** Passes stored events on to whoever follows them live. */
export class EventHub {
  readonly #followers = new Map<(event: ProcessEvent) => void, () => void>();

  /**
   * @param onEvent Called with each event.
   * @param onClose Called when there will be no more.
   * @returns Ends the following.
   */
  follow(
    onEvent: (event: ProcessEvent) => void,
    onClose: () => void = () => {},
  ): () => void {
    this.#followers.set(onEvent, onClose);
    return () => this.#followers.delete(onEvent);
  }

  /** Lets every follower go. */
  close(): void {
    for (const onClose of this.#followers.values()) onClose();
    this.#followers.clear();
  }

  /** Called by the supervisor after an event was stored. */
  publish(event: ProcessEvent): void {
    for (const follower of [...this.#followers.keys()]) follower(event);
  }
}
