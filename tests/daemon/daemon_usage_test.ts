import { assert, assertEquals } from "@std/assert";
import type { Usage } from "../../shared/manager_api/types.ts";
import { NO_CGROUP_V1 } from "../support/cgroups.ts";
import { TestDaemon } from "../support/test_daemon.ts";
import { eventually } from "./support/eventually.ts";

// What processes use, as a real daemon tells.

const MIB = 1024 * 1024;
const ENVS = ["PATH=/usr/bin"];

async function usageOf(daemon: TestDaemon, id: string): Promise<Usage | null> {
  return (await daemon.client.inspect(id)).Status.Usage ?? null;
}

Deno.test("daemon says what processes use", async () => {
  await using daemon = await TestDaemon.start();
  await daemon.create({
    Id: "busy",
    StartCmd: "sleep 1000 & while :; do :; done",
    Envs: ENVS,
  });
  await daemon.create({ Id: "idle", Argv: ["1000"] });
  await daemon.create({ Id: "over", StartCmd: "/usr/bin/true" });
  await daemon.waitForState("busy", "running");
  await daemon.waitForState("idle", "running");
  await daemon.waitForState("over", "stopped");
  const busy = await eventually("it was measured at work", async () => {
    const usage = await usageOf(daemon, "busy");
    return usage !== null && usage.CpuSeconds > 0.1 ? usage : null;
  });
  assertEquals(busy.Processes, 2);
  assert(busy.CpuPercent > 0 && busy.CpuPercent < 250, `${busy.CpuPercent}`);
  assert(busy.MemoryBytes > 0 && busy.MemoryPeakBytes >= busy.MemoryBytes);
  const statuses = await daemon.client.list();
  const [one, other, over] = statuses.map(({ Usage }) => Usage);
  assert(one !== null && other !== null);
  assertEquals(other?.Processes, 1);
  assertEquals(over, null);
  // It does not go back, and it stays with a daemon that is new.
  const cpuSeconds = one?.CpuSeconds ?? 0;
  assert(cpuSeconds >= busy.CpuSeconds);
  await daemon.restart();
  const after = await eventually(
    "it was measured again",
    () => usageOf(daemon, "busy"),
  );
  assert(after.CpuSeconds >= cpuSeconds);
  await daemon.client.stop("busy", 1);
  assertEquals(await usageOf(daemon, "busy"), null);
});

Deno.test({
  name: `daemon says what a process with limits uses${
    NO_CGROUP_V1 === null ? "" : ` (skipped: ${NO_CGROUP_V1})`
  }`,
  ignore: NO_CGROUP_V1 !== null,
  async fn() {
    await using daemon = await TestDaemon.start();
    const id = await daemon.create({
      Id: "p",
      // It has left its session, and had more memory than it has.
      StartCmd: "head -c 40000000 /dev/zero | tail -c 30000000 >/dev/null; " +
        "setsid sleep 1000 & sleep 1000; wait",
      Envs: ENVS,
      Resource: { Cpus: 1, Mem: 512, Disk: 0 },
    });
    await daemon.waitForState(id, "running");
    await eventually("both sleep", async () => {
      const usage = await usageOf(daemon, id);
      const isDone = usage !== null && usage.MemoryBytes < 10 * MIB &&
        usage.MemoryPeakBytes > 28 * MIB;
      return isDone && usage.Processes === 3 ? usage : null;
    });
  },
});

Deno.test("daemon lets nobody wait who asks for a status", async () => {
  await using daemon = await TestDaemon.start();
  const id = await daemon.create({ Id: "p", Argv: ["1000"] });
  await daemon.waitForState(id, "running");
  // Who does not wait has the next one told.
  assertEquals((await daemon.client.status(id)).Usage, null);
  const { Usage } = await eventually("it was measured", async () => {
    const status = await daemon.client.status(id);
    return status.Usage ? status : null;
  });
  assertEquals(Usage?.Processes, 1);
});
