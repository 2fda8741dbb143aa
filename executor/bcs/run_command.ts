import { boundText } from "../../shared/bound_text.ts";
import type { ExecResult } from "../../shared/manager_api/types.ts";
import {
  type ActionPorts,
  failureOf,
  notRunning,
  type Reply,
} from "./action.ts";
import type {
  BcsMessage,
  CommandInspection,
  CommandRequest,
} from "./bcs_message.ts";
import { toShellExitCode } from "./shell_exit_code.ts";
import type { KeyedTurns } from "../../shared/keyed_turns.ts";

/** Time that a command beside a process may take, seconds. */
const COMMAND_S_MAX = 60;
/** Longest output of it that the scheduler takes, UTF-8 bytes. */
const OUTPUT_BYTES_MAX = 1_024;
/** Longest text about it, UTF-8 bytes. */
const TEXT_BYTES_MAX = 4_096;

/**
 * Runs a command beside a task's process, in the task's turn.
 *
 * @returns One answer of type 13, whatever happens: the scheduler finds its
 * command by ID and TaskId (bk-bcs scheduler/message.go
 * ProcessCommandMessage), and without an answer that stays "staging".
 */
export async function runCommand(
  message: BcsMessage<12>,
  { manager, taskIds }: ActionPorts,
  turns: KeyedTurns,
): Promise<readonly Reply[]> {
  const { TaskId, Cmd, Env, User, WorkingDir } = message.RequestCommandTask;
  const problems = findProblems(message.RequestCommandTask, taskIds());
  if (problems.length > 0) {
    return [toCommandFailure(message, problems.join("; "))];
  }
  let result: ExecResult | undefined;
  const reason = await turns.take(TaskId, () =>
    failureOf(async () => {
      result = await manager.exec(TaskId, {
        Cmd,
        Envs: Env,
        User,
        WorkDir: WorkingDir,
        Timeout: COMMAND_S_MAX,
      });
    }));
  if (result === undefined) {
    return [toCommandFailure(message, reason ?? "")];
  }
  if (result.TimedOut) {
    return [toCommandFailure(
      message,
      `the command was killed as it took more than ${COMMAND_S_MAX} s`,
    )];
  }
  if (!result.ExitKnown) {
    return [toCommandFailure(message, "it is not known how the command ended")];
  }
  return [
    toReply(message, { Status: "success", Message: "" }, toInspection(result)),
  ];
}

function findProblems(
  { TaskId, Cmd, Privileged }: CommandRequest,
  taskIds: readonly string[],
): string[] {
  return [
    ...(taskIds.includes(TaskId) ? [] : [notRunning(TaskId)]),
    ...(Cmd.length > 0 ? [] : ["Cmd must name a program"]),
    ...(Privileged ? ["Privileged must be false"] : []),
  ];
}

function toInspection(
  { ExitCode, Signal, Stdout, Stderr }: ExecResult,
): CommandInspection {
  return {
    exitCode: toShellExitCode(ExitCode, Signal),
    stdout: boundText(Stdout, OUTPUT_BYTES_MAX),
    stderr: boundText(Stderr, OUTPUT_BYTES_MAX),
  };
}

/** Answers a command that did not run to its end. */
export function toCommandFailure(
  message: BcsMessage<12>,
  reason: string,
): Reply {
  return toReply(message, { Status: "failed", Message: reason });
}

function toReply(
  { RequestCommandTask: { ID, TaskId, ContainerId } }: BcsMessage<12>,
  { Status, Message }: Pick<Reply, "Status" | "Message">,
  CommInspect: CommandInspection | null = null,
): Reply {
  const text = boundText(Message, TEXT_BYTES_MAX);
  return {
    Status,
    Message: text,
    Type: 13,
    ResponseCommandTask: {
      ID,
      TaskId,
      ContainerId,
      Status: Status === "success" ? "finish" : "failed",
      Message: text,
      CommInspect,
    },
  };
}
