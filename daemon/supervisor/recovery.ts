import { AppError } from "../../shared/errors.ts";
import { isAlive } from "../launch/prober.ts";
import { claim, readEnd, readIdentity } from "../launch/run_folder.ts";
import type { Effect, ProcessEvent } from "../lifecycle/events.ts";
import {
  type ProcessRecord,
  type Rung,
  type Tracked,
  trackedOf,
} from "../lifecycle/record.ts";
import { run } from "../lifecycle/running.ts";
import { isMainWaitedFor, sweep } from "../lifecycle/stop_ladder.ts";
import type { ProbeAnswer } from "../ports.ts";
import { type CommandPorts, track } from "./command_life.ts";
import type { Effects } from "./effects.ts";
import type { ProcessRunner } from "./process_runner.ts";

/** Wait between two tries to ask for all processes, ms. */
const PROBE_RETRY_MS = 500;
/** Processes that are taken up side by side: each waits for its files. */
const ADOPTED_AT_ONCE = 16;

/**
 * Takes up every process where an earlier daemon left it: what lives is
 * adopted, what ended meanwhile is reported, what was never begun is begun.
 */
export async function recover(
  runners: readonly ProcessRunner[],
  effects: Effects,
  ports: CommandPorts,
): Promise<void> {
  const unfinished: readonly Found[] = runners.map((runner) => ({
    runner,
    record: runner.record,
  })).filter(({ record }) => record.phase.state !== "stopped");
  const asked = unfinished.filter(({ record }) => isAsked(record));
  // At once: after a deadline or a request has come in between, nobody would
  // know any more that what was in hand is still to be gone on with.
  for (const { runner, record } of unfinished) {
    for (const effect of resume(record)) effects.perform(runner, effect);
  }
  const begun = unfinished.filter(({ record }) =>
    trackedOf(record.phase) !== null
  );
  const guard = async (runner: ProcessRunner, step: () => Promise<void>) => {
    try {
      await step();
    } catch (error) {
      // One that cannot be taken up harms only itself.
      if (!(error instanceof AppError)) throw error;
      const { id } = runner.record;
      ports.logger.error("not adopted", { id, reason: error.message });
    }
  };
  for (const found of asked) {
    await guard(found.runner, async () => {
      if (await wasBegun(found.runner, ports)) begun.push(found);
    });
  }
  const pids = begun.flatMap(({ runner }) =>
    identitiesOf(trackedOf(runner.record.phase))
  ).map(({ pid }) => pid);
  const answer = await probe([...new Set(pids)], ports);
  const left = begun.values();
  await Promise.all(Array.from({ length: ADOPTED_AT_ONCE }, async () => {
    for (const found of left) {
      await guard(found.runner, () => adopt(found, effects, ports, answer));
    }
  }));
}

/** A process to be taken up, and as the earlier daemon left it. */
interface Found {
  readonly runner: ProcessRunner;
  readonly record: ProcessRecord;
}

/** Without an answer nobody can be called lost: it is asked for again. */
async function probe(
  pids: readonly number[],
  { launcher, clock, logger }: CommandPorts,
): Promise<ProbeAnswer> {
  while (true) {
    try {
      return await launcher.probe(pids);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      logger.warn("probe failed", { reason: error.message });
      await clock.sleep(PROBE_RETRY_MS);
    }
  }
}

/** The daemon ended between asking the launcher and hearing from it. */
function isAsked({ phase }: ProcessRecord): boolean {
  return phase.state === "stopping"
    ? phase.tracked === null
    : phase.state === "starting" && phase.step === "launch";
}

/**
 * Whether what the launcher was asked for was begun: the run folder tells.
 * If not, it is begun anew, and that is not for this recovery to judge.
 */
async function wasBegun(
  runner: ProcessRunner,
  { folders, clock }: CommandPorts,
): Promise<boolean> {
  const folder = folders.run(runner.record);
  const launched = await claim(folder) ? null : await readIdentity(folder);
  if (launched === null || launched === "claimed") {
    runner.dispatch({ type: "claimed", nowMs: clock.nowMs() });
    return false;
  }
  runner.dispatch({ type: "launched", tracked: track(launched) });
  return true;
}

async function adopt(
  { runner, record: found }: Found,
  effects: Effects,
  ports: CommandPorts,
  answer: ProbeAnswer,
): Promise<void> {
  const report = runner.reporter();
  const { record } = runner;
  // Begun anew since: that has been seen to already.
  if (record.generation !== found.generation) return;
  const tracked = trackedOf(runner.record.phase);
  if (tracked === null) return;
  if (tracked.main !== null && !isMainWaitedFor(tracked)) {
    effects.perform(runner, { type: "watchMain", main: tracked.main });
  }
  if (tracked.commandEnded) return;
  const isThere = isAlive(tracked.command, answer) ||
    isAlive(tracked.launcher, answer);
  if (!isThere && await readEnd(ports.folders.run(record)) === null) {
    report(lost(runner.record, tracked, answer, ports.clock.nowMs()));
    return;
  }
  report({ type: "executed", nowMs: ports.clock.nowMs() });
  await effects.adopt(runner, tracked, report);
}

/** Neither the command nor its launcher is alive, and there is no record. */
function lost(
  record: ProcessRecord,
  tracked: Tracked,
  { bootId }: ProbeAnswer,
  nowMs: number,
): ProcessEvent {
  const isSameBoot = tracked.command.bootId === bootId;
  return {
    type: "ended",
    exit: { kind: "unknown" },
    isSessionEmpty: !isSameBoot,
    reason: isSameBoot
      ? "its launcher ended without a record"
      : "the host was restarted",
    nowMs: Math.max(nowMs, record.startedMs),
  };
}

/**
 * What a phase has in hand, done again: each of these effects may be carried
 * out twice. A second SIGTERM is the lesser evil: had the first never been
 * sent, the process would be killed without having been asked.
 */
function resume(record: ProcessRecord): readonly Effect[] {
  const { phase } = record;
  switch (phase.state) {
    case "staging":
      return [{ type: "prepare" }];
    case "starting":
      if (phase.step === "restart-command") {
        return [{ type: "runRestart", askedMs: phase.askedMs }];
      }
      if (phase.step === "check") return [{ type: "check" }];
      return phase.step === "pid-file"
        ? [{ type: "findMain", deadlineMs: phase.deadlineMs }]
        : [];
    case "stopping":
      if (phase.tracked === null) return [];
      return [
        ...(typeof phase.seekUntilMs === "number"
          ? [{ type: "findMain", deadlineMs: phase.seekUntilMs } as const]
          : []),
        // Has it begun, or does it yet? Until that is heard nobody is gone.
        ...(phase.awaitedHelper &&
            phase.rung !== `${phase.awaitedHelper}-command`
          ? [{ type: "runHelper", which: phase.awaitedHelper } as const]
          : []),
        ...resumeStop(phase.rung, phase.tracked, record.exit !== null),
      ];
    case "running":
      return run(record, phase.tracked).effects;
    case "stopped":
      return [];
  }
}

function resumeStop(
  rung: Rung,
  tracked: Tracked,
  hasEnded: boolean,
): readonly Effect[] {
  // What waits for the launcher is told, or its deadline comes.
  if (rung === "launch") return [];
  if (rung === "restart-command") return [{ type: "endRestart" }];
  if (rung === "stop-command") return [{ type: "runHelper", which: "stop" }];
  if (rung === "kill-command") return [{ type: "runHelper", which: "kill" }];
  if (rung === "sigkill") return [sweep(tracked, "KILL")];
  const target = tracked.main ??
    (tracked.commandEnded ? null : tracked.command);
  return [
    hasEnded || target === null
      ? sweep(tracked, "TERM")
      : { type: "signal", target },
  ];
}

function identitiesOf(tracked: Tracked | null) {
  return tracked === null ? [] : [tracked.command, tracked.launcher];
}
