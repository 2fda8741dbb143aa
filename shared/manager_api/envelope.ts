import { AppError, type ErrorCode } from "../errors.ts";

/** The body of every answer: always these four keys, in this order. */
export interface Envelope {
  readonly result: boolean;
  /** 0 = success, else the operation's error code. */
  readonly code: number;
  readonly message: string;
  readonly data: unknown;
}

/** Error codes of the original's four operations, and one for all others. */
export const OPERATION_CODES = {
  create: 1405260,
  status: 1405261,
  stop: 1405262,
  delete: 1405263,
  other: 1405264,
} as const;

/** What an error code is on the wire: the only place with HTTP numbers. */
export const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  ALREADY_EXISTS: 409,
  FAILED_PRECONDITION: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

/** Wraps what an operation returned; nothing is `null`, as the original does. */
export function toSuccess(data: unknown): Envelope {
  return { result: true, code: 0, message: "success", data: data ?? null };
}

/** The original puts the daemon's name before the text of a failure. */
const SPEAKER = "(process-daemon):";

/** Wraps a failure. */
export function toFailure(code: number, message: string): Envelope {
  return {
    result: false,
    code,
    message: `${SPEAKER}${message}`,
    data: {},
  };
}

/**
 * Takes an answer apart: ours, or the original daemon's, whose errors come
 * with status 200.
 *
 * @returns The data of a success.
 * @throws {AppError} Of the class that the status stands for.
 */
export function fromEnvelope(status: number, body: string): unknown {
  let envelope: Partial<Envelope>;
  try {
    envelope = JSON.parse(body) ?? {};
  } catch (error) {
    // What the original says of a route that it does not have.
    throw new AppError(
      codeOf(status, ""),
      `The daemon answered ${status} with no JSON: ${body.slice(0, 200)}`,
      { cause: error },
    );
  }
  if (status === 200 && envelope.result === true && envelope.code === 0) {
    return envelope.data;
  }
  const message = envelope.message ?? `status ${status}`;
  throw new AppError(
    codeOf(status, message),
    message.startsWith(SPEAKER) ? message.slice(SPEAKER.length) : message,
  );
}

/** The original says only in words what kind of error it is. */
function codeOf(status: number, message: string): ErrorCode {
  if (status === 200 && message.endsWith(" not found")) return "NOT_FOUND";
  // Two classes have this status: the same words tell them apart.
  const isConflict = status === HTTP_STATUS.FAILED_PRECONDITION;
  if (
    (status === 200 || isConflict) && message.endsWith(" already existed")
  ) return "ALREADY_EXISTS";
  if (isConflict) return "FAILED_PRECONDITION";
  for (const [code, value] of Object.entries(HTTP_STATUS)) {
    if (value === status) return code as ErrorCode;
  }
  return "INTERNAL";
}
