import type { BackgroundTasks } from "../../shared/background.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Logger } from "../../shared/logger.ts";
import type {
  ExecRequest,
  ExecResult,
} from "../../shared/manager_api/types.ts";
import type { CheckStatusInfo, TaskInfo } from "../mesos/types.ts";
export interface HealthChange {
  readonly healthy: boolean;
  readonly consecutiveFailures: number;
  readonly isKillDue: boolean;
  readonly message: string;
}
export interface CheckPorts {
  readonly clock: Clock;
  readonly background: BackgroundTasks;
  readonly logger: Logger;
  readonly exec: (request: ExecRequest) => Promise<ExecResult>;
  readonly onHealth: (change: HealthChange) => void;
  readonly onCheck: (status: CheckStatusInfo) => void;
}
export class TaskChecks {
  constructor(
    _definition: Pick<TaskInfo, "health_check" | "check">,
    _ports: CheckPorts,
  ) {}
  start(): void {}
  pause(): void {}
  resume(): void {}
  stop(): void {}
}
