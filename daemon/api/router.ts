import { AppError } from "../../shared/errors.ts";
import {
  BASE_PATH,
  type Operation,
  ROUTES,
} from "../../shared/manager_api/routes.ts";

/** The operation that a request asks for, and its path parameters. */
export interface Match {
  readonly operation: Operation;
  readonly params: Readonly<Record<string, string>>;
}

/** A route as it is compared with paths. */
interface CompiledRoute {
  readonly operation: Operation;
  readonly method: string;
  readonly segments: readonly string[];
}

/** The routes by their number of segments: few are compared with a path. */
const BY_LENGTH = Map.groupBy(
  Object.entries(ROUTES).map(([operation, route]): CompiledRoute => ({
    operation: operation as Operation,
    method: route.method,
    segments: route.pattern.split("/").slice(1),
  })),
  ({ segments }) => segments.length,
);

/**
 * Finds the operation of a request.
 *
 * @param path The path as it came, percent-encoded.
 * @throws {AppError} NOT_FOUND, METHOD_NOT_ALLOWED, or INVALID_ARGUMENT for a
 * segment that is not valid percent-encoding.
 */
export function matchRoute(method: string, path: string): Match {
  const rest = path.startsWith(`${BASE_PATH}/`)
    ? path.slice(BASE_PATH.length + 1).split("/")
    : null;
  const candidates = rest === null ? [] : (BY_LENGTH.get(rest.length) ?? [])
    .filter(({ segments }) => fits(segments, rest));
  const route = candidates.find((candidate) => candidate.method === method);
  if (rest !== null && route !== undefined) {
    return {
      operation: route.operation,
      params: readParams(route.segments, rest),
    };
  }
  if (candidates.length > 0) {
    const allowed = candidates.map((candidate) => candidate.method).join(", ");
    throw new AppError(
      "METHOD_NOT_ALLOWED",
      `Method Not Allowed: ${path} takes ${allowed}`,
    );
  }
  throw new AppError("NOT_FOUND", `Page Not Found: ${path}`);
}

/** Whether a path of as many segments as the pattern is of its kind. */
function fits(pattern: readonly string[], path: readonly string[]): boolean {
  return pattern.every((segment, index) =>
    segment.startsWith(":") ? path[index] !== "" : segment === path[index]
  );
}

function readParams(
  pattern: readonly string[],
  path: readonly string[],
): Record<string, string> {
  const params: Record<string, string> = {};
  pattern.forEach((segment, index) => {
    if (!segment.startsWith(":")) return;
    const name = segment.slice(1);
    try {
      params[name] = decodeURIComponent(path[index] ?? "");
    } catch {
      throw new AppError(
        "INVALID_ARGUMENT",
        `${name}: must be valid percent-encoded UTF-8`,
      );
    }
  });
  return params;
}
