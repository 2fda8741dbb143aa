/** What a failed call means for the executor. */
export type AgentFailure =
  /** Not now: the agent is away, recovering or overloaded. */
  | "unavailable"
  /** The agent does not regard us as subscribed. */
  | "not-subscribed"
  /** The agent does not know us any more, or never lets us in. */
  | "rejected";

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

/**
 * Reads the meaning out of an answer.
 *
 * @see Mesos src/slave/http.cpp `Http::executor`
 */
export function classifyAnswer(status: number, body: string): AgentFailure {
  // 404 comes before the agent has installed its routes.
  if (status === 503 || status === 404 || status >= 500) return "unavailable";
  if (status === 403 && body.includes("not subscribed")) {
    return "not-subscribed";
  }
  return "rejected";
}
