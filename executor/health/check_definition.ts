import type { Problem } from "../../shared/errors.ts";
import type { CheckInfo, CheckStatusInfo, TaskInfo } from "../mesos/types.ts";
export function findCheckProblems(
  _definition: Pick<TaskInfo, "health_check" | "check">,
): Problem[] {
  return [];
}
export function initialCheckStatus(
  check: CheckInfo | undefined,
): CheckStatusInfo | undefined {
  return check ? { type: check.type ?? "COMMAND" } : undefined;
}
