import type { TaskView } from "../tasks/task.ts";
import type { TaskReport } from "../updates/status_update.ts";
import { encodeContainerInfo, toContainerInfo } from "./container_info.ts";

/**
 * What the scheduler is told of a task beside its state.
 *
 * `healthy` is for tasks with a health check alone, as Mesos wants it; but the
 * BCS scheduler takes its absence for illness and raises an alarm, so a BCS
 * task without a check is healthy. `data` is what BCS reads, and nobody else's.
 *
 * @param agent The host, as its agent names it; "" = not known.
 */
export function describeTask(
  view: TaskView,
  agent: { readonly hostname: string; readonly ip: string },
): Pick<TaskReport, "healthy" | "data"> {
  const { info, isBcs, process, status, consecutiveFailures } = view;
  if (!isBcs) {
    return view.healthy === undefined ? {} : { healthy: view.healthy };
  }
  const hasCheck = info.health_check !== undefined;
  const healthy = hasCheck ? view.healthy : true;
  const isChecked = hasCheck && healthy !== undefined;
  return {
    ...(healthy === undefined ? {} : { healthy }),
    ...(process === null || status === null ? {} : {
      data: encodeContainerInfo(toContainerInfo({
        task: info,
        process,
        status,
        agent,
        health: { healthy: healthy ?? false, isChecked, consecutiveFailures },
        oomKilled: status.Result === "oom-killed",
      })),
    }),
  };
}

/** The address in an agent's URL; "" if a name stands there. */
export function toIp(url: string): string {
  const { hostname } = new URL(url);
  return /^(\d+\.){3}\d+$|^\[/.test(hostname)
    ? hostname.replace(/^\[|\]$/g, "")
    : "";
}
