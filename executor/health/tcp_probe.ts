import { connect } from "./connect.ts";
import { type Outcome, type TcpProbe, toNetworkOutcome } from "./probe.ts";

/**
 * Connects, and closes the connection at once.
 *
 * @param signal Of this probe alone: gives up; the outcome is a failure then.
 */
export async function probeTcp(
  { hostname, port }: TcpProbe,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    using _conn = await connect({ hostname, port }, signal);
    return { type: "TCP", succeeded: true };
  } catch (error) {
    const outcome = toNetworkOutcome(error);
    if (signal.aborted || outcome.type === "skipped") return outcome;
    return { type: "TCP", succeeded: false };
  }
}
