import { AppError, assert } from "../../shared/errors.ts";
import type { Clock } from "../../shared/clock.ts";
import { claim, readEnd, readIdentity } from "../launch/run_folder.ts";
import { toSpec } from "../lifecycle/spec.ts";
import type { Launcher } from "../ports.ts";
import type { Folders } from "./folders.ts";
import type { ProcessRunner } from "./process_runner.ts";
import type { Staging } from "./staging.ts";

/** What running a stop or kill command takes. */
export interface HelperPorts {
  readonly launcher: Pick<Launcher, "run">;
  readonly clock: Clock;
  readonly folders: Folders;
  readonly staging: Staging;
}

/** Runs StopCmd or KillCmd as the process itself is run, and reports its end. */
export async function runHelper(
  runner: ProcessRunner,
  which: "stop" | "kill",
  ports: HelperPorts,
): Promise<void> {
  const { record } = runner;
  const { folders, launcher, clock, staging } = ports;
  const spec = toSpec(record.info);
  const command = which === "stop" ? spec.stop : spec.kill;
  assert(command !== null, "a helper is run only if it was given");
  let succeeded = false;
  try {
    const folder = await makeFolder(runner, which, ports);
    if (folder === null) {
      // An earlier daemon started it: it counts until the deadline.
      return runner.dispatch({
        type: "helperEnded",
        which,
        succeeded: true,
        nowMs: clock.nowMs(),
      });
    }
    const answers = launcher.run({
      ...folders.logs(record),
      folder,
      user: spec.user,
      workDir: spec.workDir,
      environment: await staging.environmentOf(runner),
      command,
    });
    for await (const answer of answers) {
      if (answer.type !== "launched") continue;
      const session = answer.launched.command;
      runner.dispatch({ type: "helperStarted", session });
    }
    const end = await readEnd(folder);
    succeeded = end?.exit.kind === "exited" && end.exit.code === 0;
  } catch (error) {
    // The ladder goes on: a stop must not hang on its own helper.
    if (!(error instanceof AppError)) throw error;
  }
  runner.dispatch({
    type: "helperEnded",
    which,
    succeeded,
    nowMs: clock.nowMs(),
  });
}

/** A folder to run a helper in; null if an earlier daemon has run it. */
async function makeFolder(
  runner: ProcessRunner,
  which: "stop" | "kill",
  { folders }: HelperPorts,
): Promise<string | null> {
  for (let attempt = 1;; attempt++) {
    const folder = folders.helper(runner.record, which, attempt);
    try {
      await Deno.mkdir(folder, { mode: 0o700 });
      return folder;
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
    const begun = await claim(folder) ? null : await readIdentity(folder);
    if (begun !== null && begun !== "claimed") {
      runner.dispatch({ type: "helperStarted", session: begun.command });
      return null;
    }
  }
}
