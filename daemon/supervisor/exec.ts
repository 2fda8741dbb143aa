import type { BackgroundTasks } from "../../shared/background.ts";
import type { Clock } from "../../shared/clock.ts";
import { AppError, messageOf } from "../../shared/errors.ts";
import type { ExecResult } from "../../shared/manager_api/types.ts";
import {
  claim,
  type EndRecord,
  readEnd,
  readIdentity,
} from "../launch/run_folder.ts";
import type { SessionSearch } from "../launch/session_search.ts";
import type { Command } from "../lifecycle/spec.ts";
import type { CommandContext, GroupRequest, Launcher } from "../ports.ts";
import { isTooMuch, readOutput, WRITTEN_BYTES_MAX } from "./exec_output.ts";
import { killSessions } from "./kill_sessions.ts";
import { removeFolder } from "./remove_folder.ts";

/** Time between two looks at how much a command has written, ms. */
const SIZE_INTERVAL_MS = 200;
/** How long the end of a killed command is waited for, ms. */
const KILLED_MS_MAX = 2_000;

/** A command to run beside a process. */
export interface ExecCommand extends CommandContext {
  readonly command: Command;
  /** The control group that it joins; null = none. */
  readonly group: GroupRequest | null;
  /** Time until all of it is killed, ms. */
  readonly timeoutMs: number;
}

/** Why a command is killed. */
export type KillReason =
  /** Its time is over. */
  | "timeout"
  /** It writes without end. */
  | "output"
  /** Nobody waits for it, or the process that it belongs to does not run. */
  | "unwanted";

/** What running a command takes. */
export interface ExecPorts {
  readonly launcher: Pick<Launcher, "run" | "signal" | "sweep">;
  readonly sessions: Pick<SessionSearch, "isEmpty">;
  readonly clock: Clock;
  readonly background: BackgroundTasks;
}

/**
 * One command in a run folder and a session of its own. When it has ended,
 * for whatever reason, nobody of that session is left and the folder is gone.
 */
export class Exec {
  readonly #answer = Promise.withResolvers<ExecResult>();
  readonly #over = new AbortController();
  #hasEnded = false;
  #reason: KillReason | null = null;
  #killed: Promise<void> | null = null;

  /** @param folder Does not exist yet. */
  constructor(
    private readonly folder: string,
    private readonly request: ExecCommand,
    private readonly ports: ExecPorts,
  ) {}

  /**
   * How it went. Rejects with FAILED_PRECONDITION if it could not be started,
   * or was not wanted any more.
   */
  get answer(): Promise<ExecResult> {
    return this.#answer.promise;
  }

  /**
   * Runs the command; resolves when nothing is left of it.
   *
   * @param onOver Called then, before the answer is given.
   */
  async run(onOver: () => void): Promise<void> {
    const { clock } = this.ports;
    const timer = clock.after(
      this.request.timeoutMs,
      () => this.kill("timeout"),
    );
    try {
      const result = await this.#carryOut();
      onOver();
      this.#answer.resolve(result);
    } catch (error) {
      onOver();
      this.#answer.reject(error);
      if (!(error instanceof AppError)) throw error;
    } finally {
      timer.cancel();
    }
  }

  /** Kills all of it. Of several reasons the first counts. */
  kill(reason: KillReason): void {
    if (this.#hasEnded || this.#reason !== null) return;
    this.#reason = reason;
    this.#killAll(null);
  }

  async #carryOut(): Promise<ExecResult> {
    await this.#makeFolder();
    const watched = this.#watchSize();
    try {
      const refusal = await this.#launch();
      const end = await readEnd(this.folder);
      // Whoever it left behind, and itself should its launcher have died.
      if (end === null || !await this.#isEmpty(end)) this.#killAll(end);
      await this.#killed;
      this.#refuse(refusal);
      return this.#toResult(end);
    } finally {
      this.#over.abort();
      await watched;
      await removeFolder(this.folder, this.ports.clock);
    }
  }

  async #makeFolder(): Promise<void> {
    try {
      await Deno.mkdir(this.folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      // The disk may be full: that is no bug of ours.
      throw new AppError(
        "INTERNAL",
        `Cannot make ${this.folder}: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  /** @returns Why it was not started; "" = it was. */
  async #launch(): Promise<string> {
    let refusal = "";
    const answers = this.ports.launcher.run({
      ...this.request,
      folder: this.folder,
      stdoutPath: this.#pathOf("stdout"),
      stderrPath: this.#pathOf("stderr"),
    });
    try {
      for await (const answer of answers) {
        if (answer.type === "refused") refusal = answer.message;
      }
    } catch (error) {
      // Only its launcher is not understood: it may run all the same.
      await (this.#killed ?? this.#kill());
      throw error;
    } finally {
      this.#hasEnded = true;
    }
    return refusal;
  }

  async #isEmpty(end: EndRecord): Promise<boolean> {
    const begun = await readIdentity(this.folder);
    return begun !== null && begun !== "claimed" &&
      await this.ports.sessions.isEmpty(end, begun.command);
  }

  #killAll(end: EndRecord | null): void {
    const { background, clock } = this.ports;
    const { signal } = this.#over;
    this.#killed ??= this.#kill();
    background.run(`kill in ${this.folder}`, async () => {
      await clock.sleep(KILLED_MS_MAX, signal);
      // What hangs is no reason to let the caller wait.
      if (!signal.aborted) this.#conclude(end);
    });
  }

  async #kill(): Promise<void> {
    const { launcher, clock } = this.ports;
    // Either it can never be begun any more, or it is known who was.
    const begun = await claim(this.folder)
      ? null
      : await readIdentity(this.folder);
    if (begun === null || begun === "claimed") return;
    await killSessions([begun.command], launcher, clock);
  }

  async #watchSize(): Promise<void> {
    const { signal } = this.#over;
    while (true) {
      await this.ports.clock.sleep(SIZE_INTERVAL_MS, signal);
      if (signal.aborted) return;
      if (["stdout", "stderr"].some((name) => isTooMuch(this.#pathOf(name)))) {
        return this.kill("output");
      }
    }
  }

  #conclude(end: EndRecord | null): void {
    try {
      this.#refuse("");
      this.#answer.resolve(this.#toResult(end));
    } catch (error) {
      this.#answer.reject(error);
    }
  }

  #refuse(refusal: string): void {
    if (this.#reason === "unwanted") {
      throw new AppError(
        "FAILED_PRECONDITION",
        "The command was killed as it was not waited for any more, or its " +
          "process was not running any more",
      );
    }
    if (refusal !== "" && this.#reason === null) {
      throw new AppError(
        "FAILED_PRECONDITION",
        `Cannot run "${this.request.command[0]}": ${refusal}`,
      );
    }
  }

  #toResult(end: EndRecord | null): ExecResult {
    const exit = end?.exit ?? { kind: "unknown" };
    const stdout = readOutput(this.#pathOf("stdout"));
    const stderr = readOutput(this.#pathOf("stderr"));
    const note = this.#reason === "output"
      ? `\nbcs-process: killed as it wrote over ${WRITTEN_BYTES_MAX} bytes\n`
      : "";
    return {
      TimedOut: this.#reason === "timeout",
      ExitKnown: exit.kind !== "unknown",
      ExitCode: exit.kind === "exited" ? exit.code : 0,
      Signal: exit.kind === "signalled" ? exit.signal : 0,
      Stdout: stdout.text,
      Stderr: `${stderr.text}${note}`,
      Truncated: stdout.isTruncated || stderr.isTruncated,
    };
  }

  #pathOf(name: string): string {
    return `${this.folder}/${name}`;
  }
}
