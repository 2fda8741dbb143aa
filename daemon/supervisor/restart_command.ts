import { AppError, assert } from "../../shared/errors.ts";
import { isAlive, type Prober } from "../launch/prober.ts";
import { type EndRecord, readEnd } from "../launch/run_folder.ts";
import type { ProcessEvent } from "../lifecycle/events.ts";
import { describeExit } from "../lifecycle/exit_text.ts";
import { type Identity, trackedOf } from "../lifecycle/record.ts";
import { toSpec } from "../lifecycle/spec.ts";
import type { Launcher } from "../ports.ts";
import {
  endStarts,
  type HelperPorts,
  launchHelper,
  makeHelperFolder,
} from "./helper_command.ts";
import { readLastLines } from "./last_lines.ts";
import type { ProcessRunner } from "./process_runner.ts";

/** Wait between two tries to ask for the main process, ms. */
const PROBE_RETRY_MS = 500;
/** What the names of its run folders begin with. */
const FOLDER_PREFIX = "restart.";

/** What running a restart command takes. */
export interface RestartPorts extends HelperPorts {
  readonly launcher: Pick<Launcher, "run" | "probe">;
  readonly prober: Pick<Prober, "watch">;
}

/**
 * Runs RestartCmd as the process itself is run, and reports its end. One that
 * an earlier daemon began is waited for.
 *
 * @param askedMs When the restart was asked for: names its run folder.
 */
export async function runRestart(
  runner: ProcessRunner,
  askedMs: number,
  ports: RestartPorts,
  report: (event: ProcessEvent) => void,
): Promise<void> {
  const { record } = runner;
  const command = toSpec(record.info).restart;
  assert(command !== null, "a restart command is run only if it was given");
  let failure: string | null;
  try {
    const { folder, begun } = await makeHelperFolder(
      record,
      `${FOLDER_PREFIX}${askedMs}`,
      ports.folders,
    );
    let session = begun?.command;
    let refusal = "";
    if (begun !== null) {
      report({ type: "helperStarted", session: begun.command });
      await untilGone(begun.launcher, ports);
    } else {
      for await (const answer of launchHelper(runner, folder, command, ports)) {
        if (answer.type === "refused") refusal = answer.message;
        if (answer.type !== "launched") continue;
        session = answer.launched.command;
        report({ type: "helperStarted", session });
      }
      if (!session) {
        session = (await endStarts(folder))?.command;
        if (session) report({ type: "helperStarted", session });
      }
    }
    const end = await readEnd(folder);
    // Its launcher is gone without a word: it may be there all the same.
    if (end === null && session) await untilGone(session, ports);
    const { stderrPath } = ports.folders.logs(record);
    failure = describeFailure(end, refusal || readLastLines(stderrPath));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    failure = `its restart command could not be run: ${error.message}`;
  }
  await reportEnd(runner, failure, ports, report);
}

/**
 * Sees to it that no restart command of an earlier daemon is at work, now that
 * the process is to be stopped: who tracks its session kills it.
 */
export async function endRestart(
  runner: ProcessRunner,
  ports: RestartPorts,
  report: (event: ProcessEvent) => void,
): Promise<void> {
  const parent = ports.folders.run(runner.record);
  for (const { name } of await readFolder(parent)) {
    if (!name.startsWith(FOLDER_PREFIX)) continue;
    const folder = `${parent}/${name}`;
    const begun = await endStarts(folder);
    if (begun === null) continue;
    if (await readEnd(folder) !== null) continue;
    report({ type: "helperStarted", session: begun.command });
    await untilGone(begun.command, ports);
  }
  await reportEnd(runner, null, ports, report);
}

async function reportEnd(
  runner: ProcessRunner,
  failure: string | null,
  { launcher, clock }: RestartPorts,
  report: (event: ProcessEvent) => void,
): Promise<void> {
  const isMainAlive = await lookForMain();
  report({ type: "restartEnded", failure, isMainAlive, nowMs: clock.nowMs() });

  async function lookForMain(): Promise<boolean> {
    while (true) {
      const main = trackedOf(runner.record.phase)?.main;
      if (!main) return false;
      try {
        return isAlive(main, await launcher.probe([main.pid]));
      } catch (error) {
        // Without an answer nobody can be called gone: it is asked again.
        if (!(error instanceof AppError)) throw error;
        await clock.sleep(PROBE_RETRY_MS);
      }
    }
  }
}

function untilGone(
  identity: Identity,
  { prober }: RestartPorts,
): Promise<void> {
  return new Promise((resolve) => prober.watch(identity, resolve));
}

function describeFailure(
  end: EndRecord | null,
  reason: string,
): string | null {
  const exit = end?.exit ?? { kind: "unknown" };
  if (exit.kind === "exited" && exit.code === 0) return null;
  return `its restart command ${describeExit(exit)}` +
    (reason === "" ? "" : `: ${reason}`);
}

async function readFolder(path: string): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
