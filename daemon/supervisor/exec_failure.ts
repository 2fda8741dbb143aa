import type { ExecResult } from "../../shared/manager_api/types.ts";
import { describeExit } from "../lifecycle/exit_text.ts";
import type { Exit } from "../lifecycle/record.ts";
import { lastLinesOf } from "./last_lines.ts";

/**
 * What is wrong with how a command beside a process went, with the last lines
 * of what it wrote; null = nothing.
 *
 * @param timeoutMs The time that it had.
 */
export function describeFailure(
  result: ExecResult,
  timeoutMs: number,
): string | null {
  if (
    !result.TimedOut && result.ExitKnown && result.ExitCode === 0 &&
    result.Signal === 0
  ) return null;
  const exit: Exit = !result.ExitKnown
    ? { kind: "unknown" }
    : result.Signal > 0
    ? { kind: "signalled", signal: result.Signal }
    : { kind: "exited", code: result.ExitCode };
  const lines = lastLinesOf(result.Stderr) || lastLinesOf(result.Stdout);
  return (result.TimedOut
    ? `took over ${Math.ceil(timeoutMs / 1000)} s`
    : describeExit(exit)) + (lines === "" ? "" : `: ${lines}`);
}
