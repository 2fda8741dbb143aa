import { simpleCrowd } from "./definitions.ts";
import { sizeOf } from "./proc.ts";
import { BenchDaemon } from "./service.ts";
import { type Figure, summarize } from "./statistics.ts";

/** Starts that fail. */
const FAILURES = 10_000;
/** So many fill the history of events, of which the latest 10,000 are kept. */
const WARM_UP = 3_000;

/**
 * Measures what is left on disk of processes that could not be started and
 * were deleted. The database is as large as its history, which is bounded: it
 * is filled first, and must not grow from there on.
 *
 * @param program Folder of the bundled daemon.
 * @param root Empty folder.
 */
export async function benchFailures(
  program: string,
  root: string,
): Promise<Record<string, Figure>> {
  const daemon = new BenchDaemon(program, root);
  const answerBeforeMs = await daemon.start();
  const folders = ["data", "log", "workspace", "run"]
    .map((name) => `${root}/${name}`);
  await fail(daemon, "first", WARM_UP);
  const before = await sizeOf(...folders);
  await fail(daemon, "then", FAILURES);
  const after = await sizeOf(...folders);
  const { answerMs } = await daemon.replace();
  await daemon.stop();
  return {
    failed_creates_leftover_bytes: summarize([after - before], "B"),
    failed_creates_restart_ratio: summarize([answerMs / answerBeforeMs], ""),
  };
}

async function fail(
  daemon: BenchDaemon,
  prefix: string,
  count: number,
): Promise<void> {
  const infos = simpleCrowd(prefix, count);
  await daemon.forEach(infos, async (info) => {
    await daemon.client.create({ ...info, StartCmd: "/no/such/program" });
    while ((await daemon.client.status(info.Id)).Status !== "stopped") {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await daemon.client.delete(info.Id);
  });
}
