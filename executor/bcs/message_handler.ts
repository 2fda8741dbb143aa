import type { BackgroundTasks } from "../../shared/background.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Logger } from "../../shared/logger.ts";
import type { ManagerClient } from "../../shared/manager_api/client.ts";
import type { TaskStatus } from "../mesos/types.ts";
export interface MessagePorts {
  readonly manager: Pick<
    ManagerClient,
    "restart" | "reload" | "signal" | "exec" | "writeFile" | "setLimits"
  >;
  readonly taskIds: () => readonly string[];
  readonly statusOf: (taskId: string) => TaskStatus | null;
  readonly send: (data: string) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly background: BackgroundTasks;
}
export class MessageHandler {
  constructor(_ports: MessagePorts) {}
  handle(_data: string): void {}
}
