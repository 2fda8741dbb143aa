import type { ProcessInfo } from "../../shared/manager_api/types.ts";
import { forking, SIMPLE, simpleCrowd } from "./definitions.ts";
import {
  childrenOf,
  readCpuMs,
  readPssKib,
  readRssMib,
  readWrittenBytes,
  sizeOf,
} from "./proc.ts";
import { BenchDaemon } from "./service.ts";
import { type Figure, summarize } from "./statistics.ts";

/** Processes of a host that has many. */
const MANY = 1_000;
/** Processes of a host that gets a whole group at once. */
const SOME = 200;
/** Time after which V8 has given back what so many starts took, ms. */
const SETTLE_MS = 10_000;
/** Time over which idleness is measured, ms. */
const IDLE_MS = 10_000;
/** Launchers whose memory is read. */
const LAUNCHERS_READ = 50;

/** What every measurement is given. */
type Bench = (
  /** Folder of the bundled daemon. */
  program: string,
  /** Empty folder. */
  root: string,
  /** How many samples. */
  runs: number,
) => Promise<Record<string, Figure>>;

/** Measures starts of many processes, beside a loop that only spawns. */
export const benchStarts: Bench = async (program, root, runs) => {
  const daemon = new BenchDaemon(program, root);
  await daemon.start();
  const some: number[] = [];
  const many: number[] = [];
  const ratios: number[] = [];
  for (let run = 0; run < runs; run++) {
    const someMs = await daemon.startAll(simpleCrowd(`some-${run}`, SOME));
    await daemon.endAll();
    some.push(someMs / 1000);
    ratios.push(someMs / await spawnLoop());
    const manyMs = await daemon.startAll(simpleCrowd(`many-${run}`, MANY));
    await daemon.endAll();
    many.push(manyMs / 1000);
  }
  await daemon.stop();
  return {
    start_200_s: summarize(some, "s"),
    start_1000_s: summarize(many, "s"),
    spawn_loop_ratio: summarize(ratios, ""),
  };
};

/** Measures a daemon with many simple processes, and the next one with them. */
export const benchMany: Bench = async (program, root, runs) => {
  const daemon = new BenchDaemon(program, root);
  await daemon.start();
  const many = simpleCrowd("many", MANY);
  await daemon.startAll(many);
  await sleep(SETTLE_MS);
  const pss: number[] = [];
  for (const pid of (await childrenOf(daemon.pid)).slice(0, LAUNCHERS_READ)) {
    pss.push(await readPssKib(pid));
  }
  const idle = await measureIdle(daemon, runs);
  const answers: number[] = [];
  const adoptions: number[] = [];
  for (let run = 0; run < runs; run++) {
    const { answerMs, adoptedMs } = await daemon.replace();
    answers.push(answerMs);
    adoptions.push(adoptedMs);
  }
  await sleep(SETTLE_MS);
  const adopted = await measureIdle(daemon, runs);
  await daemon.endAll();
  await daemon.stop();
  return {
    idle_cpu_1000_percent: idle.cpu,
    idle_cpu_1000_adopted_percent: adopted.cpu,
    idle_write_bytes: idle.written,
    rss_1000_mib: idle.rss,
    pss_per_process_kib: summarize(pss, "KiB"),
    restart_1000_first_answer_ms: summarize(answers, "ms"),
    restart_1000_adopted_ms: summarize(adoptions, "ms"),
  };
};

/** Measures a daemon with many processes that went into the background. */
export const benchManyForking: Bench = async (program, root, runs) => {
  const daemon = new BenchDaemon(program, root);
  await daemon.start();
  const many: ProcessInfo[] = Array.from(
    { length: MANY },
    (_, index) => forking(`many-${index}`, root),
  );
  await daemon.startAll(many);
  await sleep(SETTLE_MS);
  const idle = await measureIdle(daemon, runs);
  const ends: number[] = [];
  for (let run = 0; run < runs; run++) {
    const { Id, Pid } = await daemon.client.status(`many-${run}`);
    const killedMs = performance.now();
    Deno.kill(Pid, "SIGKILL");
    await daemon.until(Id, "stopped");
    ends.push(performance.now() - killedMs);
  }
  const adoptions: number[] = [];
  for (let run = 0; run < runs; run++) {
    adoptions.push((await daemon.replace()).adoptedMs);
  }
  await daemon.endAll();
  await daemon.stop();
  return {
    idle_cpu_1000_forking_percent: idle.cpu,
    kill_to_stopped_1000_forking_ms: summarize(ends, "ms"),
    restart_1000_forking_adopted_ms: summarize(adoptions, "ms"),
  };
};

async function measureIdle(
  daemon: BenchDaemon,
  runs: number,
): Promise<{ cpu: Figure; written: Figure; rss: Figure }> {
  const cpu: number[] = [];
  const rss: number[] = [];
  const written: number[] = [];
  for (let run = 0; run < runs; run++) {
    const read = async () => ({
      cpuMs: await readCpuMs(daemon.pid),
      written: await readWrittenBytes(daemon.pid) +
        await sizeOf(`${daemon.root}/data`),
      atMs: performance.now(),
    });
    const before = await read();
    await sleep(IDLE_MS);
    const after = await read();
    const share = (after.cpuMs - before.cpuMs) / (after.atMs - before.atMs);
    cpu.push(share * 100);
    written.push(after.written - before.written);
    rss.push(await readRssMib(daemon.pid));
  }
  return {
    cpu: summarize(cpu, "%"),
    written: summarize(written, "B"),
    rss: summarize(rss, "MiB"),
  };
}

/** Starts the same program as often, and nothing more; ms. */
async function spawnLoop(): Promise<number> {
  const startMs = performance.now();
  const children = Array.from(
    { length: SOME },
    () =>
      new Deno.Command(SIMPLE.StartCmd, {
        args: [...SIMPLE.Argv ?? []],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn(),
  );
  const elapsedMs = performance.now() - startMs;
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(children.map(({ status }) => status));
  return elapsedMs;
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
