/**
 * The figures of ARCHITECTURE.md, measured on what an installation runs: the
 * bundles, with their own permissions.
 *
 * Usage, after `deno task build`:
 *   main.ts [--runs N] [--only KEY,KEY] [--json FILE]
 *
 * A figure that misses its bound is told, and is no error; one that cannot be
 * measured is told why. Expensive figures have fewer samples: each line says
 * of how many it is the median.
 */
import { messageOf } from "../../shared/errors.ts";
import { parseArgs } from "../../shared/std/parse_args.ts";
import { benchDaemon } from "./daemon_bench.ts";
import { benchExecutor } from "./executor_bench.ts";
import { benchFailures } from "./failure_bench.ts";
import { benchPackages } from "./package_bench.ts";
import { benchRequests } from "./request_bench.ts";
import { endRunning } from "./service.ts";
import { benchMany, benchManyForking, benchStarts } from "./scale_bench.ts";
import { type Bound, type Figure, formatFigure } from "./statistics.ts";
import { benchStop } from "./stop_bench.ts";

const PROJECT = decodeURIComponent(new URL("../..", import.meta.url).pathname)
  .replace(/\/$/, "");
const encoder = new TextEncoder();

function print(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

const flags = parseArgs(Deno.args, { string: ["json", "only", "runs"] });
const runs = Number(flags["runs"] ?? 20);
/** Samples of what takes seconds each, and tens of seconds. */
const [fewRuns, fewestRuns] = [Math.min(runs, 5), Math.min(runs, 3)];
const root = await Deno.makeTempDir({ prefix: "bcs-process-bench-" });
const programs = {
  daemon: `${root}/installed/daemon`,
  executor: `${root}/installed/executor`,
};

/** What is measured together, each in an empty folder of its own. */
const SUITES = {
  daemon: (dir: string) => benchDaemon(programs.daemon, dir, runs),
  json: (dir: string) => benchExecutor(programs, dir, runs, "json"),
  protobuf: (dir: string) => benchExecutor(programs, dir, runs, "protobuf"),
  stop: (dir: string) => benchStop(programs.daemon, dir, runs),
  starts: (dir: string) => benchStarts(programs.daemon, dir, fewRuns),
  many: (dir: string) => benchMany(programs.daemon, dir, fewestRuns),
  forking: (dir: string) => benchManyForking(programs.daemon, dir, fewestRuns),
  requests: (dir: string) => benchRequests(programs.daemon, dir, fewRuns),
  packages: (dir: string) => benchPackages(programs.daemon, dir, fewestRuns),
  failures: (dir: string) => benchFailures(programs.daemon, dir),
};

/** Every figure, in the order of printing: where it comes from, its bound. */
const FIGURES: Readonly<
  Record<string, readonly [suite: keyof typeof SUITES, bound: Bound]>
> = {
  create_to_running_ms: ["daemon", { atMost: 12 }],
  kill_to_stopped_ms: ["daemon", { atMost: 8 }],
  kill_to_stopped_forking_ms: ["daemon", { atMost: 300 }],
  launch_group_to_running_ms: ["json", { atMost: 40 }],
  kill_to_failed_ms: ["json", { atMost: 25 }],
  executor_exec_to_subscribe_ms: ["json", { atMost: 60 }],
  executor_rss_mib: ["json", { atMost: 46 }],
  executor_exec_to_subscribe_protobuf_ms: ["protobuf", { atMost: 100 }],
  executor_rss_protobuf_mib: ["protobuf", { atMost: 52 }],
  daemon_exec_to_answer_ms: ["daemon", { atMost: 150 }],
  daemon_rss_idle_mib: ["daemon", { atMost: 52 }],
  stop_after_50ms_ms: ["stop", { atMost: 70 }],
  start_200_s: ["starts", { atMost: 1.2 }],
  start_1000_s: ["starts", { atMost: 6 }],
  spawn_loop_ratio: ["starts", {}],
  idle_cpu_1000_percent: ["many", { atMost: 0.5 }],
  idle_cpu_1000_forking_percent: ["forking", { atMost: 2 }],
  idle_write_bytes: ["many", { atMost: 0 }],
  rss_1000_mib: ["many", { atMost: 80 }],
  pss_per_process_kib: ["many", { atMost: 250 }],
  status_rps_1: ["requests", { atLeast: 8_000 }],
  status_rps_16: ["requests", { atLeast: 26_000 }],
  restart_1000_first_answer_ms: ["many", { atMost: 300 }],
  restart_1000_adopted_ms: ["many", { atMost: 1_500 }],
  package_rss_delta_mib: ["packages", { atMost: 32 }],
  package_vs_curl_ratio: ["packages", { atLeast: 0.7 }],
  failed_creates_leftover_bytes: ["failures", { atMost: 0 }],
  // What the bounds above do not ask for, and would not like to get worse.
  failed_creates_database_growth_kib: ["failures", { atMost: 256 }],
  failed_creates_restart_ratio: ["failures", {}],
  idle_cpu_1000_adopted_percent: ["many", { atMost: 2 }],
  kill_to_stopped_1000_forking_ms: ["forking", { atMost: 300 }],
  restart_1000_forking_adopted_ms: ["forking", { atMost: 1_500 }],
};

const keys = typeof flags["only"] === "string"
  ? flags["only"].split(",")
  : Object.keys(FIGURES);
const unknown = keys.filter((key) => !(key in FIGURES));
if (unknown.length > 0) {
  print(`There is no figure ${unknown}; there are ${Object.keys(FIGURES)}`);
  Deno.exit(2);
}
const measured: Record<string, Figure> = {};
try {
  // As an installation does: away from the project and its configuration.
  await new Deno.Command("/usr/bin/cp", {
    args: ["-r", `${PROJECT}/dist`, `${root}/installed`],
  }).output();
  print(
    `deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} cores, ` +
      `load ${Deno.loadavg()[0]?.toFixed(2)}`,
  );
  const suites = new Set(keys.map((key) => FIGURES[key]?.[0] ?? "daemon"));
  for (const suite of suites) {
    const dir = `${root}/${suite}`;
    await Deno.mkdir(dir);
    try {
      Object.assign(measured, await SUITES[suite](dir));
    } catch (error) {
      print(`${suite} NOT MEASURED: ${messageOf(error)}`);
      await endRunning();
    }
  }
  for (const key of keys) {
    const figure = measured[key];
    if (figure === undefined) continue;
    print(formatFigure(key, figure, FIGURES[key]?.[1] ?? {}));
  }
  if (typeof flags["json"] === "string") {
    const kept = keys.filter((key) => key in measured)
      .map((key) => [key, measured[key]]);
    await Deno.writeTextFile(
      flags["json"],
      `${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`,
    );
  }
} finally {
  await Deno.remove(root, { recursive: true });
}
Deno.exit(0);
