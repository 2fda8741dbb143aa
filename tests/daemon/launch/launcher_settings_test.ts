import { assertEquals, assertMatch } from "@std/assert";
import { encodeLaunch } from "../../../daemon/launch/encode_request.ts";
import type { ProcessSettings } from "../../../daemon/lifecycle/settings.ts";
import type { UserIds } from "../../../daemon/ports.ts";
import { readProc, readStatus } from "../support/proc.ts";
import {
  IS_ROOT,
  type LaunchBench,
  NOBODY,
  SELF,
  testShells,
} from "./launch_bench.ts";

// What the kernel keeps for each process: looked at from outside, in /proc.

const NEEDS_ROOT = IS_ROOT ? null : "needs root, to have more and to drop it";
/** CAP_SYS_RESOURCE: a container's root may be without. */
const NEEDS_RESOURCE =
  (BigInt(`0x${readStatus(Deno.pid, "CapEff")}`) >> 24n & 1n) === 1n
    ? null
    : "needs CAP_SYS_RESOURCE, to raise limits";
const SLEEP = ["/usr/bin/sleep", "1000"] as const;
const USUAL = { umask: "022", nice: 0, oomScoreAdj: 0, rlimits: {} };
/** What the daemon may have been started with, and the workload must not get. */
const ODD = [
  ...["/usr/bin/env", "--ignore-signal=HUP", "--ignore-signal=USR1"],
  ...["/usr/bin/choom", "-n", "7", "--", "/usr/bin/nice", "-n", "3"],
];

function niceOf(pid: number): number {
  const fields = readProc(pid, "stat")?.split(") ").at(-1)?.split(" ");
  return Number(fields?.[16]);
}

function scoreOf(pid: number): number {
  return Number(readProc(pid, "oom_score_adj"));
}

/** Soft and hard, such as `100 100`; the name as /proc/PID/limits has it. */
function limitOf(pid: number, name: string): string {
  const line = readProc(pid, "limits")?.split("\n")
    .find((each) => each.startsWith(name)) ?? "";
  return line.slice(name.length).trim().split(/ +/).slice(0, 2).join(" ");
}

/** Starts something with settings; the launcher runs as it says. */
async function start(
  bench: LaunchBench,
  settings: Partial<ProcessSettings>,
  { user, by = [] }: {
    readonly user?: UserIds;
    readonly by?: readonly string[];
  } = {},
) {
  const request = await bench.request({
    user: user ?? null,
    command: SLEEP,
    settings: { ...USUAL, ...settings },
  });
  if (by.includes("--clear-groups")) await Deno.chmod(request.folder, 0o777);
  const text = `${encodeLaunch(request).join("\n")}\n`;
  return await bench.send(request, text, by);
}

testShells("gives a workload none of its own oddities", async (bench) => {
  const launch = await start(bench, {}, { by: ODD });
  const { pid } = await launch.executed("sleep");
  assertEquals(readStatus(pid, "Umask"), "0022");
  for (const name of ["SigIgn", "SigBlk"]) {
    // The two of the C library aside, that no program can set.
    const mask = BigInt(`0x${readStatus(pid, name)}`) & ~(0b11n << 31n);
    assertEquals(mask, 0n, name);
  }
  // Without root a nice value cannot go down: there it stays as it is.
  const nice = niceOf(Deno.pid) + 3;
  assertEquals([niceOf(pid), scoreOf(pid)], [IS_ROOT ? 0 : nice, 0]);
  assertEquals([niceOf(launch.child.pid), scoreOf(launch.child.pid)], [
    nice,
    7,
  ]);
});

testShells("sets what anybody may", async (bench) => {
  const launch = await start(bench, {
    umask: "077",
    nice: 5,
    oomScoreAdj: 500,
    rlimits: { NoFile: 100, Core: 4_096, NProc: 10_000 },
  });
  const { pid } = await launch.executed("sleep");
  assertEquals(readStatus(pid, "Umask"), "0077");
  assertEquals([niceOf(pid), scoreOf(pid)], [5, 500]);
  assertEquals(limitOf(pid, "Max open files"), "100 100");
  assertEquals(limitOf(pid, "Max core file size"), "4096 4096");
  assertEquals(limitOf(pid, "Max processes"), "10000 10000");
  // Who waits for it stays as it was.
  const { launcher } = await launch.identity();
  assertEquals([niceOf(launcher.pid), scoreOf(launcher.pid)], [
    niceOf(Deno.pid),
    scoreOf(Deno.pid),
  ]);
  const names = ["Max open files", "Max core file size", "Max processes"];
  for (const name of names) {
    assertEquals(
      limitOf(launcher.pid, name).split(" ")[1],
      limitOf(Deno.pid, name).split(" ")[1],
    );
  }
});

testShells("leaves limits as they are that are not given", async (bench) => {
  const by = ["/usr/bin/prlimit", "--nofile=200:300", "--core=0:0"];
  const launch = await start(bench, { rlimits: { NProc: 5_000 } }, { by });
  const { pid } = await launch.executed("sleep");
  assertEquals(limitOf(pid, "Max open files"), "200 300");
  assertEquals(limitOf(pid, "Max core file size"), "0 0");
  assertEquals(limitOf(pid, "Max processes"), "5000 5000");
});

testShells("sets what takes root before it is dropped", async (bench) => {
  const launch = await start(bench, {
    nice: -7,
    oomScoreAdj: 300,
    rlimits: { NoFile: 100 },
  }, { user: NOBODY });
  const { pid } = await launch.executed("sleep");
  assertEquals(readStatus(pid, "Uid")?.split("\t")[0], "65534");
  assertEquals([niceOf(pid), scoreOf(pid)], [-7, 300]);
  assertEquals(limitOf(pid, "Max open files"), "100 100");
}, NEEDS_ROOT);

testShells("raises what may be raised", async (bench) => {
  const by = ["/usr/bin/prlimit", "--nofile=100:100", "--core=0:0"];
  const launch = await start(bench, {
    oomScoreAdj: -300,
    rlimits: { NoFile: -1, Core: -1, NProc: -1 },
  }, { by });
  const { pid } = await launch.executed("sleep");
  assertEquals(scoreOf(pid), -300);
  const most = Deno.readTextFileSync("/proc/sys/fs/nr_open").trim();
  assertEquals(limitOf(pid, "Max open files"), `${most} ${most}`);
  assertEquals(limitOf(pid, "Max core file size"), "unlimited unlimited");
  assertEquals(limitOf(pid, "Max processes"), "unlimited unlimited");
}, NEEDS_RESOURCE);

testShells("starts nothing whose settings cannot be had", async (bench) => {
  await Deno.chmod(bench.dir, 0o777);
  const drop = IS_ROOT
    ? ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    : [];
  const by = [...drop, "/usr/bin/prlimit", "--nofile=100:100"];
  const user = IS_ROOT ? NOBODY : SELF;
  const most = Number(Deno.readTextFileSync("/proc/sys/fs/nr_open"));
  for (
    const [settings, answer] of [
      [{ nice: -5 }, /^error the daemon may not set Nice to -5$/],
      [
        { oomScoreAdj: -500 },
        /^error the daemon may not set OomScoreAdj to -500$/,
      ],
      [
        { rlimits: { NoFile: 101 } },
        /^error cannot set Rlimits: .*NOFILE.*not permitted$/,
      ],
      [
        { rlimits: { NoFile: 63 } },
        /^error Rlimits.NoFile must be at least 64: /,
      ],
      [
        { rlimits: { NoFile: most + 1 } },
        RegExp(
          `^error Rlimits.NoFile must be at most ${most}, the host's fs.nr_open`,
        ),
      ],
    ] as const
  ) {
    const launch = await start(bench, settings, { user, by });
    const answers = await launch.answers;
    assertMatch(answers.join("\n"), answer);
    assertEquals(await launch.end(), "");
  }
});
