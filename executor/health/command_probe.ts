import { AppError, type ErrorCode } from "../../shared/errors.ts";
import type {
  ExecRequest,
  ExecResult,
} from "../../shared/manager_api/types.ts";
import type { CommandProbe, Outcome } from "./probe.ts";

/** Failures of the daemon, which say nothing about the process. */
const OUR_OWN: readonly ErrorCode[] = [
  "UNAVAILABLE",
  "RESOURCE_EXHAUSTED",
  "INTERNAL",
];

/**
 * Runs the command of a probe. It cannot be called off: the daemon ends it
 * when its time is over.
 *
 * @param exec Runs it. @throws {AppError}
 */
export async function probeCommand(
  { request }: CommandProbe,
  exec: (request: ExecRequest) => Promise<ExecResult>,
): Promise<Outcome> {
  try {
    return toOutcome(await exec(request), request.Timeout);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const type = OUR_OWN.includes(error.code) ? "skipped" : "failed";
    return { type, reason: error.message };
  }
}

function toOutcome(result: ExecResult, timeoutS: number): Outcome {
  if (result.TimedOut) {
    return { type: "failed", reason: `not done within ${timeoutS} s` };
  }
  if (!result.ExitKnown) {
    return { type: "failed", reason: "its exit code could not be observed" };
  }
  const { Signal: signal, ExitCode: exitCode } = result;
  return { type: "COMMAND", exitCode: signal === 0 ? exitCode : 128 + signal };
}
