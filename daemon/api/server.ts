import { AppError, messageOf } from "../../shared/errors.ts";
import {
  HTTP_STATUS,
  OPERATION_CODES,
  toFailure,
  toSuccess,
} from "../../shared/manager_api/envelope.ts";
import type { Operation } from "../../shared/manager_api/routes.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Handler } from "./handlers.ts";
import { matchRoute } from "./router.ts";

const JSON_HEADERS = { "content-type": "application/json" };

/**
 * Makes the API out of its operations: request in, response out, no socket.
 * The one place where an error becomes an answer.
 */
export function createApi(
  handlers: Readonly<Record<Operation, Handler>>,
  logger: Logger,
): (request: Request) => Promise<Response> {
  return async (request) => {
    let operation: Operation | null = null;
    try {
      const url = readUrl(request.url);
      const match = matchRoute(request.method, url.pathname);
      operation = match.operation;
      const data = await handlers[operation]({
        request,
        params: match.params,
        // Few operations ask for it, and it takes as long as all the rest.
        get query() {
          return url.searchParams;
        },
      });
      return data instanceof Response ? data : answer(200, toSuccess(data));
    } catch (error) {
      return answerError(error, operation, logger);
    }
  };
}

/** Its host is what the caller says it is. */
function readUrl(text: string): URL {
  try {
    return new URL(text);
  } catch (error) {
    throw new AppError("INVALID_ARGUMENT", messageOf(error), { cause: error });
  }
}

function answerError(
  error: unknown,
  operation: Operation | null,
  logger: Logger,
): Response {
  const code = operation !== null && operation in OPERATION_CODES
    ? OPERATION_CODES[operation as keyof typeof OPERATION_CODES]
    : OPERATION_CODES.other;
  if (error instanceof AppError && error.code !== "INTERNAL") {
    return answer(HTTP_STATUS[error.code], toFailure(code, error.message));
  }
  logger.error("request failed", { operation, error: messageOf(error) });
  return answer(
    HTTP_STATUS.INTERNAL,
    toFailure(code, `internal error: ${messageOf(error)}`),
  );
}

function answer(status: number, envelope: unknown): Response {
  return new Response(JSON.stringify(envelope), {
    status,
    headers: JSON_HEADERS,
  });
}
