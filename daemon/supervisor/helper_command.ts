import { AppError, assert } from "../../shared/errors.ts";
import type { Clock } from "../../shared/clock.ts";
import { claim, readEnd, readIdentity } from "../launch/run_folder.ts";
import type { Launched } from "../launch/run_folder.ts";
import type { ProcessEvent } from "../lifecycle/events.ts";
import type { ProcessRecord } from "../lifecycle/record.ts";
import { type Command, toSpec } from "../lifecycle/spec.ts";
import type { LaunchAnswer, Launcher } from "../ports.ts";
import type { Folders } from "./folders.ts";
import type { Groups } from "./groups.ts";
import type { ProcessRunner } from "./process_runner.ts";
import type { Surroundings } from "./surroundings.ts";

/** What running a stop or kill command takes. */
export interface HelperPorts {
  readonly launcher: Pick<Launcher, "run">;
  readonly clock: Clock;
  readonly folders: Folders;
  readonly surroundings: Pick<Surroundings, "of">;
  readonly groups: Pick<Groups, "forHelper">;
}

/** Runs StopCmd or KillCmd as the process itself is run, and reports its end. */
export async function runHelper(
  runner: ProcessRunner,
  which: "stop" | "kill",
  ports: HelperPorts,
  report: (event: ProcessEvent) => void,
): Promise<void> {
  const { record } = runner;
  const { folders, clock } = ports;
  const command = toSpec(record.info)[which];
  assert(command !== null, "a helper is run only if it was given");
  let succeeded = false;
  try {
    const { folder, begun } = await makeHelperFolder(record, which, folders);
    if (begun !== null) {
      report({ type: "helperStarted", session: begun.command });
      // An earlier daemon started it: it counts until the deadline.
      succeeded = true;
    } else {
      let isHeard = false;
      for await (const answer of launchHelper(runner, folder, command, ports)) {
        if (answer.type !== "launched") continue;
        isHeard = true;
        const session = answer.launched.command;
        report({ type: "helperStarted", session });
      }
      const unheard = isHeard ? null : await endStarts(folder);
      if (unheard !== null) {
        report({ type: "helperStarted", session: unheard.command });
      }
      const end = await readEnd(folder);
      succeeded = end?.exit.kind === "exited" && end.exit.code === 0;
    }
  } catch (error) {
    // The ladder goes on: a stop must not hang on its own helper.
    if (!(error instanceof AppError)) throw error;
  }
  report({ type: "helperEnded", which, succeeded, nowMs: clock.nowMs() });
}

/** Starts a command of a process as the process itself is started. */
export async function* launchHelper(
  runner: ProcessRunner,
  folder: string,
  command: Command,
  { folders, launcher, surroundings, groups }: Omit<HelperPorts, "clock">,
): AsyncGenerator<LaunchAnswer> {
  yield* launcher.run({
    ...folders.logs(runner.record),
    ...await surroundings.of(runner),
    folder,
    command,
    group: groups.forHelper(runner),
  });
}

/**
 * Makes a folder to run a command of a process in.
 *
 * @param name Of the command: `NAME.1` is its folder, or the next number if
 * an earlier daemon made that and got no further.
 * @returns The folder, or the one in which an earlier daemon has begun it.
 */
export async function makeHelperFolder(
  record: ProcessRecord,
  name: string,
  folders: Folders,
): Promise<{ readonly folder: string; readonly begun: Launched | null }> {
  // A restart by a command of its own leaves a generation without a start.
  await Deno.mkdir(folders.run(record), { recursive: true, mode: 0o700 });
  for (let attempt = 1;; attempt++) {
    const folder = folders.helper(record, `${name}.${attempt}`);
    try {
      await Deno.mkdir(folder, { mode: 0o700 });
      return { folder, begun: null };
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
    const begun = await endStarts(folder);
    if (begun !== null) return { folder, begun };
  }
}

/**
 * Makes sure that nothing is started in a run folder from now on, also by a
 * launcher that was not heard of.
 *
 * @returns What was started there before; null = nothing.
 */
export async function endStarts(folder: string): Promise<Launched | null> {
  const begun = await claim(folder) ? null : await readIdentity(folder);
  return begun === "claimed" ? null : begun;
}
