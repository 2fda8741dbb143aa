/**
 * The figures of ARCHITECTURE.md, measured on what an installation runs: the
 * bundles, with their own permissions.
 *
 * Usage, after `deno task build`: main.ts [--runs N] [--json FILE]
 */
import { parseArgs } from "../../shared/std/parse_args.ts";
import { benchDaemon } from "./daemon_bench.ts";
import { benchExecutor } from "./executor_bench.ts";
import { type Figure, formatFigure } from "./statistics.ts";

/** What every median has to keep, in the order of printing. */
const BOUNDS = {
  create_to_running_ms: 12,
  kill_to_stopped_ms: 8,
  kill_to_stopped_forking_ms: 300,
  launch_group_to_running_ms: 40,
  kill_to_failed_ms: 25,
  executor_exec_to_subscribe_ms: 60,
  executor_rss_mib: 46,
  executor_exec_to_subscribe_protobuf_ms: 100,
  executor_rss_protobuf_mib: 52,
  daemon_exec_to_answer_ms: 150,
  daemon_rss_idle_mib: 52,
} as const;

const PROJECT = decodeURIComponent(new URL("../..", import.meta.url).pathname)
  .replace(/\/$/, "");
const encoder = new TextEncoder();

function print(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

const flags = parseArgs(Deno.args, { string: ["json", "runs"] });
const runs = Number(flags["runs"] ?? 20);
const root = await Deno.makeTempDir({ prefix: "bcs-process-bench-" });
try {
  // As an installation does: away from the project and its configuration.
  await new Deno.Command("/usr/bin/cp", {
    args: ["-r", `${PROJECT}/dist`, `${root}/installed`],
  }).output();
  const programs = {
    daemon: `${root}/installed/daemon`,
    executor: `${root}/installed/executor`,
  };
  const place = async (name: string) => {
    await Deno.mkdir(`${root}/${name}`);
    return `${root}/${name}`;
  };
  print(
    `deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} cores, ` +
      `medians of ${runs}`,
  );
  const measured: Record<string, Figure> = {
    ...await benchDaemon(programs.daemon, await place("a"), runs),
    ...await benchExecutor(programs, await place("b"), runs, "json"),
    ...await benchExecutor(programs, await place("c"), runs, "protobuf"),
  };
  const figures: Record<string, Figure> = {};
  for (const [key, bound] of Object.entries(BOUNDS)) {
    const figure = measured[key];
    if (figure === undefined) throw new Error(`${key} was not measured`);
    figures[key] = figure;
    print(formatFigure(key, figure, bound));
  }
  if (typeof flags["json"] === "string") {
    await Deno.writeTextFile(
      flags["json"],
      `${JSON.stringify(figures, null, 2)}\n`,
    );
  }
} finally {
  await Deno.remove(root, { recursive: true });
}
Deno.exit(0);
