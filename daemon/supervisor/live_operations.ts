import { AppError, assert } from "../../shared/errors.ts";
import type {
  ExecRequest,
  ExecResult,
} from "../../shared/manager_api/types.ts";
import { type Command, toSpec } from "../lifecycle/spec.ts";
import type { Launcher } from "../ports.ts";
import { describeFailure } from "./exec_failure.ts";
import { type Execs, refuseUnlessRunning } from "./execs.ts";
import type { Groups } from "./groups.ts";
import type { ProcessRunner } from "./process_runner.ts";
import type { Surroundings } from "./surroundings.ts";

/** Time that a reload command may take, ms. */
const RELOAD_MS_MAX = 60_000;
const SIGHUP = 1;

/** What these operations act upon. */
export interface LivePorts {
  readonly launcher: Pick<Launcher, "signal">;
  readonly execs: Pick<Execs, "run">;
  readonly surroundings: Pick<Surroundings, "of">;
  readonly groups: Pick<Groups, "forHelper">;
}

/** What can be asked of a process while it runs, and only then. */
export class LiveOperations {
  constructor(private readonly ports: LivePorts) {}

  /**
   * Sends a signal to the main process.
   *
   * @param signal Its number.
   * @throws {AppError} FAILED_PRECONDITION if there is none to be reached.
   */
  async signal(runner: ProcessRunner, signal: number): Promise<void> {
    refuseUnlessRunning(runner);
    const { id, phase } = runner.record;
    assert(
      phase.state === "running" && phase.tracked.main !== null,
      "a running process has a main process",
    );
    const { main } = phase.tracked;
    const sent = await this.ports.launcher.signal(String(signal), [main]);
    if (sent.includes(main.pid)) return;
    throw new AppError(
      "FAILED_PRECONDITION",
      `process ${id} cannot be signalled: pid ${main.pid} is gone`,
    );
  }

  /**
   * Has a process read its configuration again. A reload command that was
   * begun is not cut short if whoever asked for it goes away.
   *
   * @throws {AppError} FAILED_PRECONDITION unless the process runs, or if the
   * reload command failed; RESOURCE_EXHAUSTED.
   */
  async reload(runner: ProcessRunner): Promise<void> {
    const { id, info } = runner.record;
    const { reload } = toSpec(info);
    if (reload === null) {
      await this.signal(runner, SIGHUP);
    } else {
      const result = await this.ports.execs.run(runner, {
        ...await this.ports.surroundings.of(runner),
        command: reload,
        group: this.ports.groups.forHelper(runner),
        timeoutMs: RELOAD_MS_MAX,
      });
      const failure = describeFailure(result, RELOAD_MS_MAX);
      if (failure !== null) {
        throw new AppError(
          "FAILED_PRECONDITION",
          `process ${id} was not reloaded: its reload command ${failure}`,
        );
      }
    }
    runner.dispatch({ type: "reloaded" });
  }

  /**
   * Runs a command in the context of a process.
   *
   * @param request As {@linkcode parseExecRequest} checked it.
   * @param signal Ends the command.
   * @throws {AppError} FAILED_PRECONDITION unless the process runs, or if the
   * command cannot be started; RESOURCE_EXHAUSTED.
   */
  async exec(
    runner: ProcessRunner,
    request: ExecRequest,
    signal: AbortSignal,
  ): Promise<ExecResult> {
    const { User, WorkDir, Envs, Cmd } = request;
    const context = await this.ports.surroundings.of(
      runner,
      { user: User, workDir: WorkDir, environment: Envs },
    );
    const [path = "", ...args] = Cmd;
    const command: Command = [path, ...args];
    return await this.ports.execs.run(runner, {
      ...context,
      command,
      group: this.ports.groups.forHelper(runner),
      timeoutMs: request.Timeout * 1000,
    }, { signal });
  }
}
