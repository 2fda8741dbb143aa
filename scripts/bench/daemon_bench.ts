import type { ProcessInfo } from "../../shared/manager_api/types.ts";
import { forking, SIMPLE } from "./definitions.ts";
import { readRssMib } from "./proc.ts";
import { BenchDaemon } from "./service.ts";
import { type Figure, summarize } from "./statistics.ts";

/** Time that a daemon is left alone before its memory is read, ms. */
const IDLE_MS = 1_000;

/**
 * Measures a daemon by itself.
 *
 * @param program Folder of the bundled daemon.
 * @param root Empty folder.
 * @param runs How many samples of each figure.
 */
export async function benchDaemon(
  program: string,
  root: string,
  runs: number,
): Promise<Record<string, Figure>> {
  const answers: number[] = [];
  const memory: number[] = [];
  for (let run = 0; run < runs; run++) {
    const daemon = new BenchDaemon(program, root);
    answers.push(await daemon.start());
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    memory.push(await readRssMib(daemon.pid));
    await daemon.stop();
  }
  const daemon = new BenchDaemon(program, root);
  await daemon.start();
  const starts: number[] = [];
  const ends: number[] = [];
  const forkingEnds: number[] = [];
  for (let run = 0; run < runs; run++) {
    const simple = { ...SIMPLE, Id: `simple-${run}` };
    const { startMs, endMs } = await startAndKill(daemon, simple);
    starts.push(startMs);
    ends.push(endMs);
  }
  for (let run = 0; run < runs; run++) {
    const info = forking(`forking-${run}`, root);
    forkingEnds.push((await startAndKill(daemon, info)).endMs);
  }
  await daemon.stop();
  return {
    create_to_running_ms: summarize(starts, "ms"),
    kill_to_stopped_ms: summarize(ends, "ms"),
    kill_to_stopped_forking_ms: summarize(forkingEnds, "ms"),
    daemon_exec_to_answer_ms: summarize(answers, "ms"),
    daemon_rss_idle_mib: summarize(memory, "MiB"),
  };
}

async function startAndKill(
  daemon: BenchDaemon,
  info: ProcessInfo,
): Promise<{ startMs: number; endMs: number }> {
  const createdMs = performance.now();
  await daemon.client.create(info);
  const { Status } = await daemon.until(info.Id, "running");
  const runningMs = performance.now();
  // A process in the middle of its life, not one that is still starting.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const killedMs = performance.now();
  Deno.kill(Status.Pid, "SIGKILL");
  await daemon.until(info.Id, "stopped");
  const stoppedMs = performance.now();
  await daemon.client.delete(info.Id);
  return { startMs: runningMs - createdMs, endMs: stoppedMs - killedMs };
}
