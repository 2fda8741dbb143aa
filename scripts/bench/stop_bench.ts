import { SIMPLE } from "./definitions.ts";
import { BenchDaemon } from "./service.ts";
import { type Figure, summarize } from "./statistics.ts";

/** Becomes a sleep of 50 ms when it is asked to end; forks nothing. */
const ENDS_AFTER_50_MS = "trap 'exec /bin/sleep 0.05' TERM; read -r _ <>fifo";

/**
 * Measures the stop of a process that takes 50 ms of its own to end.
 *
 * @param program Folder of the bundled daemon.
 * @param root Empty folder.
 * @param runs How many samples.
 */
export async function benchStop(
  program: string,
  root: string,
  runs: number,
): Promise<Record<string, Figure>> {
  await new Deno.Command("/usr/bin/mkfifo", { args: [`${root}/fifo`] })
    .output();
  const daemon = new BenchDaemon(program, root);
  await daemon.start();
  const stops: number[] = [];
  for (let run = 0; run < runs; run++) {
    const id = `stop-${run}`;
    await daemon.client.create({
      ...SIMPLE,
      Id: id,
      WorkDir: root,
      StartCmd: "/bin/sh",
      Argv: ["-c", ENDS_AFTER_50_MS],
    });
    await daemon.until(id, "running");
    // Until the shell is in its trap's reach.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const startMs = performance.now();
    await daemon.client.stop(id, 10);
    stops.push(performance.now() - startMs);
    await daemon.client.delete(id);
  }
  await daemon.stop();
  return { stop_after_50ms_ms: summarize(stops, "ms") };
}
