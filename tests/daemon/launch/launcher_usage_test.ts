import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Identity } from "../../../daemon/lifecycle/record.ts";
import { isInGroup, NO_CGROUP_V1, readGroup } from "../../support/cgroups.ts";
import { writeProgram } from "../../support/temp_dir.ts";
import { eventually } from "../support/eventually.ts";
import {
  bootId,
  membersOf,
  readProc,
  readStat,
  readStatus,
} from "../support/proc.ts";
import { fakeRoot, testGroup } from "./group_bench.ts";
import {
  HOSTILE_NAMES,
  type LaunchBench,
  sh,
  startNamed,
  testShells,
} from "./launch_bench.ts";

// What processes use: those of /proc by the kernel of this host, control groups
// also by folders that look like some. busybox brings an awk of its own.

interface Used {
  readonly cpuUs: number;
  readonly memory: number;
  readonly peak: number;
  readonly processes: number;
}

function testAwks(
  name: string,
  run: (bench: LaunchBench) => Promise<void>,
  unless: string | null = null,
): void {
  testShells(name, async (bench) => {
    const { name, path } = bench.shell;
    if (name === "busybox") {
      const script = `${bench.dir}/usage.sh`;
      const text = await Deno.readTextFile(script);
      assertStringIncludes(text, '"$tools/awk"');
      await writeProgram(script, text.replace('"$tools/awk"', `${path} awk`));
    }
    await run(bench);
  }, unless);
}

/** Measures; the answer by number. */
async function measure(
  bench: LaunchBench,
  lines: readonly string[],
): Promise<Map<number, Used>> {
  const [at = "", ...answer] = await bench.ask("usage", lines);
  const [word, seconds] = at.split(" ");
  assertEquals(word, "at", at);
  const uptime = parseFloat(Deno.readTextFileSync("/proc/uptime"));
  assert(Math.abs(uptime - Number(seconds)) < 60, at);
  return new Map(answer.map((line) => {
    const [word, ...fields] = line.split(" ");
    assertEquals([word, fields.length], ["usage", 5], line);
    const [number = 0, cpuUs = 0, memory = 0, peak = 0, processes = 0] = fields
      .map(Number);
    return [number, { cpuUs, memory, peak, processes }];
  }));
}

function session({ bootId, pid, startTicks }: Identity): string {
  return `session ${bootId} ${pid} ${startTicks}`;
}

/** CPU time of one process and of its children that ended, ms. */
function cpuMs(pid: number): number {
  const text = readProc(pid, "stat") ?? "";
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, each) => sum + Number(each), 0) * 10;
}

function bytes(pid: number, name: string): number {
  return parseInt(readStatus(pid, name) ?? "0") * 1024;
}

function sum(pids: readonly number[], of: (pid: number) => number): number {
  return pids.reduce((total, pid) => total + of(pid), 0);
}

testAwks("measures all of a session", async (bench) => {
  const launch = await bench.launch({
    // One that sleeps, one that ended, one that works until it is stopped.
    command: sh(
      "sleep 1000 & head -c 100000000 /dev/zero | wc -c >/dev/null; " +
        "head -c 500000000 /dev/zero | wc -c; echo done; wait",
    ),
    environment: ["PATH=/usr/bin"],
  });
  const { command } = await launch.identity();
  await eventually("the work is done", () => launch.stdout());
  await eventually("two are left", () => membersOf(command.pid).length === 2);
  const members = membersOf(command.pid);
  const [used] = (await measure(bench, ["process 7", session(command)]))
    .values();
  assertEquals(used, {
    cpuUs: sum(members, cpuMs) * 1000,
    memory: sum(members, (pid) => bytes(pid, "VmRSS")),
    peak: sum(members, (pid) => bytes(pid, "VmHWM")),
    processes: 2,
  });
  // Of children that have ended.
  assert(cpuMs(command.pid) > 0);
});

testAwks("measures many, whatever they are called", async (bench) => {
  const lines: string[] = [];
  const expected: number[][] = [];
  for (const [number, name] of HOSTILE_NAMES.entries()) {
    const command = await startNamed(bench, name);
    lines.push(`process ${number}`, session(command));
    const members = membersOf(command.pid);
    expected.push([number, 2, sum(members, (pid) => bytes(pid, "VmRSS"))]);
  }
  const used = await measure(bench, lines);
  assertEquals(
    [...used].map((
      [number, { processes, memory }],
    ) => [number, processes, memory]),
    expected,
  );
});

testAwks("adds up the sessions of one process", async (bench) => {
  const one = await startNamed(bench, "a");
  const other = await startNamed(bench, "b");
  const used = await measure(bench, [
    "process 1",
    session(one),
    session(other),
  ]);
  assertEquals([...used.values()].map(({ processes }) => processes), [4]);
});

testAwks("measures who is left of a session", async (bench) => {
  const launch = await bench.launch({ command: sh("/usr/bin/sleep 1000 &") });
  const { command } = await launch.identity();
  assertEquals(await launch.end(), "1 exited 0 yes");
  assertEquals(readStat(command.pid), null);
  const used = await measure(bench, ["process 1", session(command)]);
  assertEquals(used.get(1)?.processes, 1);
});

testAwks("counts no process that has ended", async (bench) => {
  const launch = await bench.launch({
    // It becomes a program that never waits for its child.
    command: sh("/usr/bin/true & exec /usr/bin/sleep 1000"),
  });
  const { pid, ...rest } = await launch.executed("sleep");
  await eventually(
    "its child has ended",
    () =>
      [...Deno.readDirSync("/proc")].some(({ name }) => {
        const stat = /^\d+$/.test(name) ? readStat(name) : null;
        return stat?.session === pid && stat.state === "Z";
      }),
  );
  const used = await measure(bench, ["process 1", session({ pid, ...rest })]);
  assertEquals(used.get(1)?.processes, 1);
});

testAwks("measures no stranger", async (bench) => {
  const command = await startNamed(bench, "a");
  const { pid, startTicks } = command;
  const used = await measure(bench, [
    "process 1",
    session({ ...command, startTicks: startTicks + 1 }),
    "process 2",
    session({ ...command, bootId: "0-0" }),
    "process 3",
    session({ bootId: bootId(), pid: 4_194_304, startTicks: 1 }),
  ]);
  assertEquals([...used], []);
  assertEquals(readStat(pid)?.startTicks, startTicks);
});

testAwks("measures a group by version 1", async (bench) => {
  await using group = testGroup();
  const { name } = group;
  const launch = await bench.launch({
    // The second one leaves its session, not its group.
    command: sh("setsid sleep 1000 & echo ready; exec sleep 1000"),
    environment: ["PATH=/usr/bin"],
    group: group.request(),
  });
  const { pid } = await launch.executed("sleep");
  await eventually(
    "both sleep",
    () =>
      (readGroup("memory", name, "cgroup.procs") ?? "").split("\n")
        .every((pid) => readProc(pid, "comm") === "sleep\n"),
  );
  assertEquals(isInGroup(pid, name), true);
  const read = () =>
    ["memory.usage_in_bytes", "memory.max_usage_in_bytes"]
      .map((file) => Number(readGroup("memory", name, file)));
  // What they use settles only some time after they began to sleep.
  await eventually("what is measured is what the kernel says", async () => {
    const before = read();
    const [used] = (await measure(bench, ["process 1", `group ${name}`]))
      .values();
    assertEquals(used?.processes, 2);
    const measured = [used?.memory, used?.peak];
    return [before, read()].every((each) => each.join() === measured.join());
  });
}, NO_CGROUP_V1);

/** Folders that look like a host's control groups. */
async function fakeGroups(
  bench: LaunchBench,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const root = await fakeRoot(bench, null);
  for (const [path, text] of Object.entries(files)) {
    const folder = `${root}/${path.slice(0, path.lastIndexOf("/"))}`;
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(`${root}/${path}`, `${text}\n`);
  }
}

testAwks("measures a group by version 2", async (bench) => {
  await fakeGroups(bench, {
    "a/1.1/memory.current": "123456789012",
    "a/1.1/memory.peak": "223456789012",
    "a/1.1/cpu.stat": "usage_usec 987654321012\nuser_usec 5\nsystem_usec 6",
    "a/1.1/cgroup.procs": "1\n2\n3",
    // Kernels before 5.19 know no peak.
    "a/2.1/memory.current": "5",
    "a/2.1/cpu.stat": "usage_usec 7",
    "a/2.1/cgroup.procs": "1",
  });
  const answer = await bench.ask("usage", [
    "process 1",
    "group a/1.1",
    "process 2",
    "group a/2.1",
    "process 3",
    "group a/3.1",
  ]);
  assertEquals(answer.slice(1), [
    "usage 1 987654321012 123456789012 223456789012 3",
    "usage 2 7 5 0 1",
  ]);
});

testAwks("takes CPU time from version 1 where it is counted", async (bench) => {
  await fakeGroups(bench, {
    "memory/a/1.1/memory.usage_in_bytes": "5",
    "memory/a/1.1/memory.max_usage_in_bytes": "6",
    "memory/a/1.1/cgroup.procs": "1\n2",
    "cpu/a/1.1/cpuacct.usage": "987654321012345",
  });
  const answer = await bench.ask("usage", ["process 1", "group a/1.1"]);
  assertEquals(answer.slice(1), ["usage 1 987654321012 5 6 2"]);
});

testAwks("measures nothing by a request that is wrong", async (bench) => {
  await fakeGroups(bench, {
    "x/memory.current": "5",
    "x/cpu.stat": "usage_usec 0",
    "x/cgroup.procs": "1",
  });
  for (
    const line of [
      "process",
      "process x",
      "process 1 2",
      "group ",
      "group ..",
      "group a/../x",
      "group ./x",
      "group x y",
      "group $x",
      "session 1 2",
      `session ${bootId()} 1 x`,
      `session ${bootId()} -1 1`,
      "",
      "usage 1 1 1 1 1",
    ]
  ) {
    assertEquals(
      await bench.ask("usage", ["process 1", line]),
      ["error the request has no process to measure where it must stand"],
      line,
    );
  }
  assertEquals(await bench.ask("usage", ["group x"]), [
    "error the request has no process to measure where it must stand",
  ]);
  assertEquals(await bench.askBare("usage", ["process 1"]), [
    "error the request was cut",
  ]);
  const [at, ...used] = await bench.ask("usage", ["process 1", "group x"]);
  assertEquals([at?.slice(0, 3), used], ["at ", ["usage 1 0 5 0 1"]]);
});
