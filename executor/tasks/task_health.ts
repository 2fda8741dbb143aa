import { initialCheckStatus } from "../health/check_definition.ts";
import {
  type CheckPorts,
  type HealthChange,
  TaskChecks,
} from "../health/task_checks.ts";
import type { CheckStatusInfo, TaskInfo } from "../mesos/types.ts";
import type { ControlPorts } from "./process_control.ts";

/** What watching a task's health takes. */
export interface HealthPorts
  extends Pick<ControlPorts, "manager">, Omit<CheckPorts, "exec" | "onCheck"> {
  /** Told when the result of the check is another; it is to be seen here. */
  readonly onCheck: () => void;
}

/**
 * What the checks of one task have found, for every status of it, and when
 * they rest: while there is nobody to tell, or nothing to look at.
 */
export class TaskHealth {
  #healthy: boolean | undefined;
  #consecutiveFailures = 0;
  #checkStatus: CheckStatusInfo | undefined;
  #isConnected = true;
  #isRunning = false;
  /** Null until the process runs, and for a task that asks for none. */
  #checks: TaskChecks | null = null;

  constructor(
    private readonly taskId: string,
    private readonly info: Pick<TaskInfo, "health_check" | "check">,
    private readonly ports: HealthPorts,
  ) {
    this.#checkStatus = initialCheckStatus(info.check);
  }

  /** Absent until the health check has said so. */
  get healthy(): boolean | undefined {
    return this.#healthy;
  }

  /** Of the health check; 0 while healthy. */
  get consecutiveFailures(): number {
    return this.#consecutiveFailures;
  }

  /** Present for a task with a check, before its first result too. */
  get checkStatus(): CheckStatusInfo | undefined {
    return this.#checkStatus;
  }

  /** The process runs anew: what was known is not true of it. */
  restart(): void {
    this.#healthy = undefined;
    this.#consecutiveFailures = 0;
    this.#checkStatus = initialCheckStatus(this.info.check);
    const { health_check, check } = this.info;
    if (health_check === undefined && check === undefined) return;
    this.#checks ??= this.#createChecks();
    this.#checks.start();
    this.#rest();
  }

  setConnected(isConnected: boolean): void {
    this.#isConnected = isConnected;
    this.#rest();
  }

  setRunning(isRunning: boolean): void {
    this.#isRunning = isRunning;
    this.#rest();
  }

  /** For good. */
  stop(): void {
    this.#checks?.stop();
  }

  #createChecks(): TaskChecks {
    const { ports, taskId } = this;
    return new TaskChecks(this.info, {
      ...ports,
      exec: (request) => ports.manager.exec(taskId, request),
      onHealth: (change: HealthChange) => {
        this.#healthy = change.healthy;
        this.#consecutiveFailures = change.consecutiveFailures;
        ports.onHealth(change);
      },
      onCheck: (status) => {
        this.#checkStatus = status;
        ports.onCheck();
      },
    });
  }

  #rest(): void {
    if (this.#isConnected && this.#isRunning) this.#checks?.resume();
    else this.#checks?.pause();
  }
}
