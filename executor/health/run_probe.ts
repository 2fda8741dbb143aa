import type { Clock } from "../../shared/clock.ts";
import type {
  ExecRequest,
  ExecResult,
} from "../../shared/manager_api/types.ts";
import type { CheckPlan } from "./check_definition.ts";
import { probeCommand } from "./command_probe.ts";
import { probeHttp } from "./http_probe.ts";
import type { Outcome } from "./probe.ts";
import { probeTcp } from "./tcp_probe.ts";

/** What probes need of their surroundings. */
export interface ProbePorts {
  readonly clock: Clock;
  /** Runs a command in the task's context. @throws {AppError} */
  readonly exec: (request: ExecRequest) => Promise<ExecResult>;
}

/**
 * Probes once, within the time that the plan grants.
 *
 * @param signal Gives up; the outcome then means nothing. A command goes on
 * for its time.
 */
export async function runProbe(
  { probe, timeoutMs }: Pick<CheckPlan, "probe" | "timeoutMs">,
  { clock, exec }: ProbePorts,
  signal: AbortSignal,
): Promise<Outcome> {
  // The daemon keeps this time; without the daemon no time means anything.
  if (probe.type === "COMMAND") return await probeCommand(probe, exec);
  const over = new AbortController();
  const abort = () => over.abort();
  const timer = clock.after(timeoutMs, abort);
  signal.addEventListener("abort", abort);
  try {
    const outcome = probe.type === "HTTP"
      ? await probeHttp(probe, over.signal)
      : await probeTcp(probe, over.signal);
    return over.signal.aborted
      ? { type: "failed", reason: `not done within ${timeoutMs / 1000} s` }
      : outcome;
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", abort);
  }
}
