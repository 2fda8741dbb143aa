import type { CheckStatusInfo } from "../mesos/types.ts";
import type { Outcome, Probe } from "./probe.ts";

/**
 * Decides what a check's status is after one probe. Pure.
 *
 * @param type The check's type.
 * @param last The status so far.
 * @returns `last` itself if there is nothing new to report.
 * @see Mesos src/checks/checker.cpp
 */
export function nextCheckStatus(
  type: Probe["type"],
  last: CheckStatusInfo,
  outcome: Outcome,
): CheckStatusInfo {
  if (outcome.type === "skipped") return last;
  const status = toCheckStatus(type, outcome);
  return JSON.stringify(status) === JSON.stringify(last) ? last : status;
}

/**
 * Writes a result as Mesos does: empty if the probe failed.
 *
 * @param outcome null = there was no probe yet.
 */
export function toCheckStatus(
  type: Probe["type"],
  outcome: Outcome | null,
): CheckStatusInfo {
  switch (type) {
    case "COMMAND":
      return {
        type,
        command: outcome?.type === type ? { exit_code: outcome.exitCode } : {},
      };
    case "HTTP":
      return {
        type,
        http: outcome?.type === type ? { status_code: outcome.statusCode } : {},
      };
    case "TCP":
      return {
        type,
        tcp: outcome?.type === type ? { succeeded: outcome.succeeded } : {},
      };
  }
}
