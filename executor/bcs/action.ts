import { AppError } from "../../shared/errors.ts";
import type { ManagerClient } from "../../shared/manager_api/client.ts";
import type { TaskStatus } from "../mesos/types.ts";
import type { CommandResponse } from "./bcs_message.ts";

/** What a message is carried out with. */
export interface ActionPorts {
  readonly manager: Pick<
    ManagerClient,
    | "inspect"
    | "restart"
    | "reload"
    | "signal"
    | "exec"
    | "writeFile"
    | "setLimits"
  >;
  /** Ids of the tasks whose processes run. */
  readonly taskIds: () => readonly string[];
  /** Whether a task is over, or will be soon. */
  readonly isEnding: (taskId: string) => boolean;
  /** The latest status of a task as reported; null if it is not ours. */
  readonly statusOf: (taskId: string) => TaskStatus | null;
}

/** What an answer says beside what it echoes of its message. */
export interface Reply {
  readonly Status: "success" | "failed";
  /** What went wrong, for people; "" = nothing. */
  readonly Message: string;
  /** The answer's own type. @default the message's */
  readonly Type?: 13 | 14;
  /** The task that it is about. @default the message's */
  readonly TaskID?: { readonly value: string };
  readonly ResponseCommandTask?: CommandResponse;
  readonly TaskStatus?: string;
}

/**
 * Runs what the daemon may refuse.
 *
 * @returns Why it was refused; null if it was not.
 * @throws Only what is a bug.
 */
export async function failureOf(
  run: () => Promise<void>,
): Promise<string | null> {
  try {
    await run();
    return null;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error.message;
  }
}

/** Says that a message names a task that cannot take it. */
export function notRunning(taskId: string): string {
  return `task "${taskId}" does not run in this executor`;
}
