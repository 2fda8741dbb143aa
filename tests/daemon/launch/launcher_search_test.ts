import { assertEquals } from "@std/assert";
import { readEnd } from "../../../daemon/launch/run_folder.ts";
import { writeProgram } from "../../support/temp_dir.ts";
import { eventually } from "../support/eventually.ts";
import { bootId, isAlive, readStat } from "../support/proc.ts";
import {
  HOSTILE_NAMES,
  type LaunchBench,
  sh,
  startNamed,
  testShells,
  toLine,
} from "./launch_bench.ts";

// Hosts of many processes: who is left is searched for by one request for all.

/** Makes the launcher take any host for a crowded one. */
async function crowd(bench: LaunchBench): Promise<void> {
  const script = await Deno.readTextFile(bench.launcher);
  await Deno.writeTextFile(
    bench.launcher,
    script.replace("\ncrowd=1000\n", "\ncrowd=1\n"),
  );
}

/** Starts a session of which one is left, in a group of its own. */
async function leaveOne(bench: LaunchBench) {
  const ready = `${bench.dir}/ready`;
  const launch = await bench.launch({
    command: sh(
      `/usr/bin/timeout 1000 sh -c 'echo $$ >${ready}; exec sleep 1000' &
      until [ -s ${ready} ]; do sleep 0.01; done; exit 0`,
    ),
  });
  const record = await launch.end();
  const { command } = await launch.identity();
  return { record, command, folder: launch.request.folder };
}

testShells("does not search for survivors in a crowd", async (bench) => {
  await crowd(bench);
  const { record, folder } = await leaveOne(bench);
  assertEquals(record, "1 exited 0 unknown");
  assertEquals((await readEnd(folder))?.isSessionEmpty, null);
});

testShells("sees survivors of a group in a crowd", async (bench) => {
  await crowd(bench);
  const launch = await bench.launch({ command: sh("sleep 1000 & exit 3") });
  assertEquals(await launch.end(), "1 exited 3 yes");
});

testShells("searches many sessions at once", async (bench) => {
  const { command: left } = await leaveOne(bench);
  const ended = await bench.launch({ command: sh("exit 0") });
  await ended.end();
  const { command: gone } = await ended.identity();
  const named = await startNamed(bench, HOSTILE_NAMES[0] ?? "");
  assertEquals(isAlive(left.pid), false);
  const answer = await bench.ask("search", [
    toLine(gone),
    toLine(left),
    toLine({ ...left, bootId: "another-boot" }),
    toLine(named),
  ]);
  assertEquals(
    answer.toSorted(),
    ["end", `left ${left.pid}`, `left ${named.pid}`].toSorted(),
  );
});

testShells("does not count a zombie that is left", async (bench) => {
  // A parent of another session that does not wait for it.
  const launch = await bench.launch({
    command: sh("/usr/bin/setsid sleep 1000 & echo $!; exec sleep 1000"),
  });
  await launch.executed("sleep");
  const pid = Number(await launch.stdout());
  const stat = await eventually("it leads a session", () => {
    const stat = readStat(pid);
    return stat?.session === pid ? stat : null;
  });
  const { startTicks } = stat;
  const line = toLine({ bootId: bootId(), pid, startTicks });
  assertEquals(await bench.ask("search", [line]), [`left ${pid}`, "end"]);
  Deno.kill(pid, "SIGKILL");
  await eventually("it is a zombie", () => readStat(pid)?.state === "Z");
  assertEquals(await bench.ask("search", [line]), ["end"]);
});

testShells("refuses a search that was cut or is none", async (bench) => {
  const { command } = await leaveOne(bench);
  const refusal = [
    "error the request has no identity where it must stand",
  ];
  assertEquals(await bench.askBare("search", [toLine(command)]), refusal);
  assertEquals(await bench.ask("search", ["session 1"]), refusal);
  assertEquals(await bench.ask("search", ["identity x 1; 2"]), refusal);
});

testShells("calls nobody gone whose search was killed", async (bench) => {
  const { command } = await leaveOne(bench);
  const script = `${bench.launcher.replace(/[^/]*$/, "")}search.sh`;
  const grep = `${bench.dir}/grep`;
  // It has seen one process when it ends.
  await writeProgram(
    grep,
    "#!/bin/sh\nprintf 'State:\\tS (sleeping)\\nNSsid:\\t1\\n'\nkill -KILL $$\n",
  );
  const text = await Deno.readTextFile(script);
  await Deno.writeTextFile(script, text.replace('"$tools/grep"', `"${grep}"`));
  assertEquals(await bench.ask("search", [toLine(command)]), [
    "error the search was cut",
  ]);
});
