import { connect } from "./connect.ts";
import { type Outcome, type TcpProbe, toNetworkOutcome } from "./probe.ts";

/**
 * Connects, and closes the connection at once.
 *
 * @param signal Gives up; the outcome is a failure then.
 */
export async function probeTcp(
  { hostname, port }: TcpProbe,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    (await connect({ hostname, port }, signal)).close();
    return { type: "TCP", succeeded: true };
  } catch (error) {
    const outcome = toNetworkOutcome(error);
    if (signal.aborted || outcome.type === "skipped") return outcome;
    return { type: "TCP", succeeded: false };
  }
}
