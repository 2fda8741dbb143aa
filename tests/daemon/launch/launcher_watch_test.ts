import { assertEquals, assertMatch } from "@std/assert";
import { bootId, readStat } from "../support/proc.ts";
import { type LaunchBench, testShells } from "./launch_bench.ts";

// The request that goes on: watch.

/** Starts something, and says its pid and how probe describes it. */
async function start(bench: LaunchBench): Promise<[number, string]> {
  const launch = await bench.launch({ command: ["/usr/bin/sleep", "1000"] });
  const { pid, startTicks } = await launch.executed("sleep");
  return [pid, `process ${pid} S ${startTicks} ${pid} `];
}

testShells(
  "watch tells of who is missing, and of who is asked for",
  async (bench) => {
    const [one] = await start(bench);
    const [two, ofTwo] = await start(bench);
    const ended = new Deno.Command("/usr/bin/true").spawn();
    await ended.status;
    const boot = `boot ${bootId()}`;
    assertEquals(
      await bench.askBare("watch", [
        "look",
        `pids ${one} ${ended.pid} ${two}`,
        "look",
        `look ${two} ${ended.pid}`,
        `pids ${two}`,
        "look",
      ]),
      [
        ...[boot, "end"],
        ...[boot, `gone ${ended.pid}`, "end"],
        ...[boot, `gone ${ended.pid}`, ofTwo, `gone ${ended.pid}`, "end"],
        ...[boot, "end"],
      ],
    );
  },
);

testShells("watch takes numbers and nothing else", async (bench) => {
  for (const request of ["pids $(id)", "look 1 -1", "look 1;2", "what 1"]) {
    const [answer = ""] = await bench.askBare("watch", [request, "look 1"]);
    assertMatch(answer, /^error /);
  }
});

testShells("leaves the session of whoever starts it", async (bench) => {
  const child = bench.spawn("watch");
  const reader = child.stdout.getReader();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("bcs-launcher 1\nlook\n"));
  await reader.read();
  const { session, group } = readStat(child.pid) ?? {};
  assertEquals([session, group], [child.pid, child.pid]);
  await writer.close();
  await reader.cancel();
});
