import { AppError, assert } from "../../shared/errors.ts";
import type { Limits } from "../../shared/manager_api/types.ts";
import {
  type ActionPorts,
  failureOf,
  notRunning,
  type Reply,
} from "./action.ts";
import type {
  BcsMessage,
  BcsMessageType,
  TaskResources,
} from "./bcs_message.ts";
import { toProcessFile } from "./process_file.ts";
import { runCommand, toCommandFailure } from "./run_command.ts";
import type { KeyedTurns } from "../../shared/keyed_turns.ts";

const FIXED_ENVIRONMENT =
  "the environment of a running process cannot be changed: send the variable " +
  "with the task";

type Action<T extends BcsMessageType> = (
  message: BcsMessage<T>,
  ports: ActionPorts,
  turns: KeyedTurns,
) => readonly Reply[] | Promise<readonly Reply[]>;

/** What is done about each type of message; null = it is itself an answer. */
const ACTIONS: { readonly [T in BcsMessageType]: Action<T> | null } = {
  0: refuse("the type of the message is not known"),
  1: forEachTask(writeFile),
  2: forEachTask(sendSignal),
  3: refuse(FIXED_ENVIRONMENT),
  4: forEachTask(writeFile),
  5: (message, ports, turns) =>
    message.Secret.Type === 2
      ? forEachTask(writeFile)(message, ports, turns)
      : refuse(FIXED_ENVIRONMENT)(message),
  6: queryStatus,
  7: refuse(FIXED_ENVIRONMENT),
  8: updateResources,
  9: refuse("not supported: a process has no image to commit"),
  10: forEachTask((_message, { manager }, id) => manager.reload(id)),
  11: forEachTask((_message, { manager }, id) => manager.restart(id, 0)),
  12: runCommand,
  13: null,
  14: null,
};

/** Whether a type is one of answers: to answer these could go on for ever. */
export function isAnswerType(type: number): boolean {
  return Object.entries(ACTIONS).some(([known, action]) =>
    Number(known) === type && action === null
  );
}

/**
 * Carries out a message that is no answer. What concerns one task waits for
 * its turn, taken when this is called.
 *
 * @returns What to answer.
 * @throws Only what is a bug: that the daemon refuses is a reply.
 */
export async function carryOut<T extends BcsMessageType>(
  message: BcsMessage<T> & { readonly Type: T },
  ports: ActionPorts,
  turns: KeyedTurns,
): Promise<readonly Reply[]> {
  const action: Action<T> | null = ACTIONS[message.Type];
  assert(action !== null, "An answer was taken for something to do");
  return await action(message, ports, turns);
}

/** A failure in the form that a message of this type is answered in. */
export function toFailure(message: BcsMessage, reason: string): Reply {
  return message.Type === 12
    ? toCommandFailure(message, reason)
    : { Status: "failed", Message: reason };
}

function refuse(reason: string): (message: BcsMessage) => readonly Reply[] {
  return (message) => [toFailure(message, reason)];
}

/** Does something for the task that a message is meant for, or for all. */
function forEachTask<T extends BcsMessageType>(
  act: (
    message: BcsMessage<T>,
    ports: ActionPorts,
    taskId: string,
  ) => Promise<void>,
) {
  return async (
    message: BcsMessage<T>,
    ports: ActionPorts,
    turns: KeyedTurns,
  ): Promise<readonly Reply[]> => {
    const { TaskID }: Pick<BcsMessage, "TaskID"> = message;
    const ids = TaskID?.value ? [TaskID.value] : ports.taskIds();
    return await runSteps(
      ids.map((taskId) => ({ taskId, run: () => act(message, ports, taskId) })),
      ports,
      turns,
    );
  };
}

interface Step {
  readonly taskId: string;
  readonly run: () => Promise<void>;
}

/** Nothing is done if one of the tasks is not there. */
async function runSteps(
  steps: readonly Step[],
  { taskIds, isEnding }: ActionPorts,
  turns: KeyedTurns,
): Promise<readonly Reply[]> {
  if (steps.length === 0) {
    return [{ Status: "failed", Message: "no task of this executor runs" }];
  }
  const running = new Set(taskIds());
  const unknown = steps.filter(({ taskId }) => !running.has(taskId))
    .map(({ taskId }) => notRunning(taskId));
  const failures = unknown.length > 0 ? unknown : await Promise.all(
    steps.map(({ taskId, run }) =>
      turns.take(taskId, async () => {
        // It may have ended meanwhile, and must not be started anew.
        if (isEnding(taskId)) return notRunning(taskId);
        const reason = await failureOf(run);
        return reason === null ? null : `task "${taskId}": ${reason}`;
      })
    ),
  );
  const Message = failures.filter((failure) => failure !== null).join("; ");
  return [{ Status: Message === "" ? "success" : "failed", Message }];
}

async function writeFile(
  message: BcsMessage<1 | 4 | 5>,
  { manager }: ActionPorts,
  taskId: string,
): Promise<void> {
  const file = toProcessFile(message);
  assert(file !== null, "A message with a variable reached a file's action");
  await manager.writeFile(taskId, file);
}

/**
 * The original signals whatever in the container has the name (`killall`).
 * Here there is one process to signal; a name that is not its own would have
 * the wrong one signalled.
 */
async function sendSignal(
  { Sig: { Signal, ProcessName } }: BcsMessage<2>,
  { manager }: ActionPorts,
  taskId: string,
): Promise<void> {
  if (ProcessName !== "") {
    const { Info } = await manager.inspect(taskId);
    if (Info.ProcessName !== ProcessName) {
      throw new AppError(
        "FAILED_PRECONDITION",
        `Cannot signal "${ProcessName}" as the process is ` +
          `"${Info.ProcessName}"`,
      );
    }
  }
  await manager.signal(taskId, String(Signal));
}

/**
 * One answer per task. It does not wait for a turn, as it changes nothing. The
 * scheduler takes the data of a status, a BcsContainerInfo, and by TaskID
 * (bk-bcs scheduler/update.go UpdateTaskStatus).
 */
function queryStatus(
  { TaskID }: BcsMessage<6>,
  { taskIds, statusOf }: ActionPorts,
): readonly Reply[] {
  const ids = TaskID?.value ? [TaskID.value] : taskIds();
  if (ids.length === 0) {
    return [{ Status: "failed", Message: "no task of this executor runs" }];
  }
  return ids.map((value): Reply => {
    const status = statusOf(value);
    if (status?.data) {
      return {
        Status: "success",
        Message: "",
        Type: 14,
        TaskID: { value },
        TaskStatus: status.data,
      };
    }
    const reason = status === null
      ? notRunning(value)
      : `task "${value}" has not run yet`;
    return { Status: "failed", Message: reason, TaskID: { value } };
  });
}

function updateResources(
  { UpdateTaskResources: { Resources } }: BcsMessage<8>,
  ports: ActionPorts,
  turns: KeyedTurns,
): Promise<readonly Reply[]> {
  return runSteps(
    Resources.map((resources) => ({
      taskId: resources.TaskId,
      run: () => ports.manager.setLimits(resources.TaskId, toLimits(resources)),
    })),
    ports,
    turns,
  );
}

function toLimits({ Cpu, Mem }: TaskResources): Limits {
  return {
    ...(Cpu !== null && { Cpus: Cpu }),
    ...(Mem !== null && { Mem }),
  };
}
