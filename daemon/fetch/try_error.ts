/** What a failed try tells about the next one. */
export interface TryHints {
  /** The server asked to be left alone for so long, ms. @default {0} */
  readonly waitMs?: number;
  /** It got further than any before it: tries are counted anew. */
  readonly hasAdvanced?: boolean;
}

/** A try to fetch something has failed, as tries may. */
export class TryError extends Error {
  override readonly name = "TryError";

  /**
   * @param message For people; without user, password and query.
   * @param isPassing Whether it may go better the next time.
   */
  constructor(
    message: string,
    readonly isPassing: boolean,
    readonly hints: TryHints = {},
  ) {
    super(message);
  }
}
