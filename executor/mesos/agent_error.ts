/** What a failed call means for the executor. */
export type AgentFailure =
  /** Not now: the agent is away, recovering or overloaded. */
  | "unavailable"
  /** The agent does not regard us as subscribed. */
  | "not-subscribed"
  /** The token is missing, wrong, or another executor's. */
  | "unauthorized"
  /** The agent knows neither the framework nor this executor any more. */
  | "forgotten"
  /** The agent does not take what we say: it will not take it later either. */
  | "unacceptable";

/** The agent refused a call or could not be reached. */
export class AgentError extends Error {
  override readonly name = "AgentError";

  /**
   * @param failure What it means.
   * @param message The call, the status and the agent's own words.
   */
  constructor(
    readonly failure: AgentFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Statuses by which a server, or a proxy before it, asks for another try. */
const TRY_AGAIN = new Set([404, 408, 429]);

/**
 * Reads the meaning out of an answer.
 *
 * @param status The HTTP status; not the one that means success.
 * @param body The agent's words.
 * @see Mesos src/slave/http.cpp `Http::executor`
 */
export function classifyAnswer(status: number, body: string): AgentFailure {
  // 404 comes before the agent has installed its routes, 503 until it has
  // recovered; 501 is said of a call that it does not know.
  if (TRY_AGAIN.has(status)) return "unavailable";
  if (status >= 500) return status === 501 ? "unacceptable" : "unavailable";
  if (status === 401) return "unauthorized";
  if (status === 403) {
    return body.includes("not subscribed") ? "not-subscribed" : "unauthorized";
  }
  return status === 400 && body.includes("cannot be found")
    ? "forgotten"
    : "unacceptable";
}
