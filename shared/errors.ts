/** One broken rule: which field, what was expected, what to do about it. */
export interface Problem {
  /** Path of the field, such as `Envs[2]` or `flag --socket`. */
  readonly field: string;
  /** The rule that was broken, and the value unless it is secret. */
  readonly rule: string;
}

/** Classes of failure that a caller can act on (containerd's errdefs). */
export type ErrorCode =
  | "INVALID_ARGUMENT"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "FAILED_PRECONDITION"
  | "PAYLOAD_TOO_LARGE"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "METHOD_NOT_ALLOWED"
  | "RESOURCE_EXHAUSTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DEADLINE_EXCEEDED";

/**
 * A failure with a class that crosses borders: thrown by the daemon's parts,
 * turned into an HTTP status by the API and back into the same class by the
 * client. Programming mistakes are {@linkcode InvariantError}s instead.
 */
export class AppError extends Error {
  override readonly name: string = "AppError";

  /**
   * @param code What kind of failure it is.
   * @param message What could not be done and why, for a human.
   * @param options `cause`: the error underneath.
   */
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Bad input: carries every broken rule at once, nothing was changed. */
export class InvalidInputError extends AppError {
  override readonly name = "InvalidInputError";

  /**
   * @param subject What was being read, such as `process definition`.
   * @param problems All broken rules; at least one.
   */
  constructor(subject: string, readonly problems: readonly Problem[]) {
    super(
      "INVALID_ARGUMENT",
      `Cannot accept the ${subject}: ` +
        problems.map(({ field, rule }) => `${field}: ${rule}`).join("; "),
    );
  }
}

/** A state that the code rules out was reached: a bug, never caught. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws an {@linkcode InvariantError} unless `condition` holds. */
export function assert(
  condition: unknown,
  message: string,
): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Marks a branch that the types rule out. */
export function unreachable(value: never): never {
  throw new InvariantError(`Unreachable value: ${JSON.stringify(value)}`);
}

/** The message of whatever was thrown, and of what caused it. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause === undefined) return error.message;
  const cause = messageOf(error.cause);
  return error.message.includes(cause)
    ? error.message
    : `${error.message}: ${cause}`;
}
