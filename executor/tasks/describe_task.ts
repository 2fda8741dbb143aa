import type { AgentInfo } from "../../proto/mesos_types.ts";
import type { TaskView } from "./task.ts";
export function describeTask(
  _view: TaskView,
  _agent: AgentInfo | undefined,
): string | undefined {
  return undefined;
}
