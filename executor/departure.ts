import type { AgentError } from "./mesos/agent_error.ts";

/** Why an executor leaves that the agent has not told to. */
export interface Departure {
  readonly cause:
    /** No agent within the time that there is to wait for one. */
    | "away"
    | "unauthorized"
    | "forgotten"
    | "unacceptable";
  /** For people: what happened, in the agent's own words if it had any. */
  readonly message: string;
}

/** Exit codes of the executor that name such a cause. */
export const EXIT_CODES: Readonly<Record<Departure["cause"], number>> = {
  away: 3,
  unauthorized: 4,
  forgotten: 5,
  unacceptable: 6,
};

/**
 * What a refusal means for staying: null if another try may succeed.
 *
 * @see Mesos docs/executor-http-api.md
 */
export function toDeparture(
  { failure, message }: AgentError,
): Departure | null {
  return failure === "unavailable" || failure === "not-subscribed"
    ? null
    : { cause: failure, message };
}
