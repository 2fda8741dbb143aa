import { assertEquals } from "@std/assert";
import type { GroupLimits } from "../../../daemon/lifecycle/limits.ts";
import { NO_MEMSW_V1, NO_PIDS_V1, readGroup } from "../../support/cgroups.ts";
import { eventually } from "../support/eventually.ts";
import { fakeRoot, LIMITS, limitsLine, MIB, testGroup } from "./group_bench.ts";
import { NOBODY, sh, testShells, toLine } from "./launch_bench.ts";

// Limits that not every host has: of processes and threads, and of swap.

testShells("limits the number of processes", async (bench) => {
  await using group = testGroup();
  const launch = await bench.launch({
    // The first ones live; a shell that cannot fork may give up.
    command: sh("for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; wait"),
    environment: ["PATH=/usr/bin"],
    user: NOBODY,
    group: group.request({ limits: { ...LIMITS, pids: 7 } }),
  });
  await launch.identity();
  const read = (file: string) => readGroup("pids", group.name, file);
  await eventually(
    "no more are allowed",
    () => read("pids.events") !== "max 0",
  );
  const current = Number(read("pids.current"));
  assertEquals(current === 6 || current === 7, true, `${current}`);
  assertEquals(read("pids.max"), "7");
  const change = (pids: number) =>
    bench.ask("limit", [
      `group ${group.name}`,
      limitsLine({ ...LIMITS, pids }),
    ]);
  assertEquals(await change(5), []);
  assertEquals(read("pids.max"), "5");
  assertEquals(await change(-1), []);
  assertEquals(read("pids.max"), "max");
  const { command } = await launch.identity();
  const sweep = ["signal KILL", toLine(command)];
  assertEquals(await bench.ask("sessions", sweep), ["left"]);
  await launch.end();
  assertEquals(await bench.ask("ungroup", [`group ${group.name}`]), []);
  assertEquals(read("pids.max"), null);
}, NO_PIDS_V1);

testShells("counts no processes unless it must", async (bench) => {
  await using group = testGroup();
  const launch = await bench.launch({
    command: ["/usr/bin/sleep", "1000"],
    group: group.request(),
  });
  const { pid } = await launch.executed("sleep");
  assertEquals(readGroup("pids", group.name, "pids.max"), null);
  const change = (limits: Partial<GroupLimits>) =>
    bench.ask("limit", [
      `group ${group.name}`,
      limitsLine({ ...LIMITS, ...limits }),
    ]);
  assertEquals(await change({ pids: 5, memoryBytes: 32 * MIB }), [
    "error it was started without a limit of processes, stop it first",
  ]);
  const bytes = readGroup("memory", group.name, "memory.limit_in_bytes");
  assertEquals(bytes, `${64 * MIB}`);
  assertEquals(await change({ pids: -1, cpuQuotaUs: 70_000 }), []);
  assertEquals(readGroup("cpu", group.name, "cpu.cfs_quota_us"), "70000");
  Deno.kill(pid, "SIGKILL");
  await launch.end();
}, NO_PIDS_V1);

testShells("starts nothing that it cannot count", async (bench) => {
  const root = await fakeRoot(bench, "cpu memory");
  const limits = { ...LIMITS, pids: 9 };
  const group = { name: "a/1.1", limits, isRequired: true };
  const why = `this host has no pids controller in ${root}`;
  const refused = await bench.launch({ group });
  assertEquals(await refused.answers, [
    `error its limits cannot be enforced: ${why}`,
  ]);
  const launch = await bench.launch({ group: { ...group, isRequired: false } });
  assertEquals((await launch.answers)[0], `unlimited ${why}`);
  assertEquals(await launch.end(), "1 exited 0 no");
  assertEquals([...Deno.readDirSync(root)].length, 1);
});

testShells("leaves swap no way around a limit of memory", async (bench) => {
  await using group = testGroup();
  const launch = await bench.launch({
    command: ["/usr/bin/sleep", "1000"],
    group: group.request(),
  });
  const { pid } = await launch.executed("sleep");
  const state = () =>
    ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"].map((file) =>
      readGroup("memory", group.name, file)
    );
  assertEquals(state(), Array(2).fill(`${64 * MIB}`));
  for (const bytes of [128 * MIB, 32 * MIB, 48 * MIB]) {
    const line = limitsLine({ ...LIMITS, memoryBytes: bytes });
    assertEquals(await bench.ask("limit", [`group ${group.name}`, line]), []);
    assertEquals(state(), Array(2).fill(`${bytes}`));
  }
  Deno.kill(pid, "SIGKILL");
  await launch.end();
}, NO_MEMSW_V1);
