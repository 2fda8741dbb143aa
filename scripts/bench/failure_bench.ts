import { simpleCrowd } from "./definitions.ts";
import { sizeOf } from "./proc.ts";
import { BenchDaemon } from "./service.ts";
import { type Figure, summarize } from "./statistics.ts";

/** Starts that fail. */
const FAILURES = 10_000;
/** So many fill the history, of which the latest 10,000 events are kept. */
const WARM_UP = 2_500;

/**
 * Measures what is left on disk of processes that could not be started and
 * were deleted. The database is counted by itself: it is as large as the
 * history that it keeps, so that is filled first, and it must not grow then.
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
  const measure = async () => {
    const all = await sizeOf(
      ...["data", "log", "workspace", "run"].map((name) => `${root}/${name}`),
    );
    const database = await sizeOf(
      ...["", "-wal"].map((suffix) => `${root}/data/processes.db${suffix}`),
    );
    return { database, others: all - database };
  };
  await fail(daemon, "warm", WARM_UP);
  const before = await measure();
  await fail(daemon, "then", FAILURES);
  const after = await measure();
  const { answerMs } = await daemon.replace();
  await daemon.stop();
  return {
    failed_creates_leftover_bytes: summarize(
      [after.others - before.others],
      "B",
    ),
    failed_creates_database_growth_kib: summarize(
      [(after.database - before.database) / 1024],
      "KiB",
    ),
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
