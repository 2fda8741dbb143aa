import { assertEquals, assertRejects } from "@std/assert";
import { AppError } from "../../shared/errors.ts";
import type { Limits, Resource } from "../../shared/manager_api/types.ts";
import {
  isInGroup,
  NO_CGROUP_V1,
  NO_PIDS_V1,
  readGroup,
} from "../support/cgroups.ts";
import { type DaemonOptions, TestDaemon } from "../support/test_daemon.ts";
import { eventually } from "./support/eventually.ts";

// Limits of processes, under a real daemon and by the kernel of this host.

const MIB = 1024 * 1024;
const SLEEP = { StartCmd: "/usr/bin/sleep", Argv: ["1000"] };

function resource(Cpus: number, Mem: number): Resource {
  return { Cpus, Mem, Disk: 0 };
}

function testLimits(
  name: string,
  run: (daemon: TestDaemon, group: string) => Promise<void>,
  options: DaemonOptions = {},
  unless = NO_CGROUP_V1,
): void {
  Deno.test({
    name: `${name}${unless === null ? "" : ` (skipped: ${unless})`}`,
    ignore: unless !== null,
    async fn() {
      await using daemon = await TestDaemon.start(options);
      await run(daemon, `${daemon.cgroup}/1.1`);
    },
  });
}

/** Waits until nothing is left of a group. */
async function groupIsGone(group: string): Promise<void> {
  await eventually(
    "the group is gone",
    () =>
      readGroup("cpu", group, "cpu.shares") === null &&
      readGroup("memory", group, "tasks") === null &&
      readGroup("pids", group, "tasks") === null,
  );
}

async function refusal(change: Promise<void>): Promise<string> {
  const { message } = await assertRejects(() => change, AppError);
  return message.replace(/^.*cannot be changed: /, "");
}

testLimits("daemon has the kernel enforce limits", async (daemon, group) => {
  const said = `${daemon.workDir}/said`;
  const id = await daemon.create({
    Id: "p",
    ...SLEEP,
    Resource: resource(0.5, 64),
    LimitResources: resource(2, 0),
    StopCmd: `exec cat /proc/self/cgroup >${said}`,
    StopTimeout: 2,
    Envs: ["PATH=/usr/bin"],
  });
  const { Pid, Message } = await daemon.waitForState(id, "running");
  assertEquals(Message, "process p is running");
  assertEquals(isInGroup(Pid, group), true);
  assertEquals(readGroup("cpu", group, "cpu.shares"), "512");
  assertEquals(readGroup("cpu", group, "cpu.cfs_quota_us"), "200000");
  const bytes = readGroup("memory", group, "memory.limit_in_bytes");
  assertEquals(bytes, `${64 * MIB}`);
  await daemon.client.stop(id, 0);
  const lines = (await Deno.readTextFile(said)).split("\n")
    .filter((line) => line.endsWith(group));
  assertEquals(lines.map((line) => line.split(":")[1]).sort(), [
    "cpu",
    "memory",
  ]);
  await groupIsGone(group);
});

testLimits(
  "daemon says that memory was the end of it",
  async (daemon, group) => {
    const id = await daemon.create({
      Id: "p",
      StartCmd: "/usr/bin/tail",
      Argv: ["/dev/zero"],
      Resource: resource(1, 32),
    });
    const { Result, Signal, Message } = await daemon.waitForState(
      id,
      "stopped",
    );
    assertEquals([Result, Signal, Message], [
      "oom-killed",
      9,
      "process p was killed as it had used up its memory: it was ended by " +
      "signal 9 (SIGKILL)",
    ]);
    await groupIsGone(group);
  },
);

testLimits(
  "daemon says so of a process that nobody waits for",
  async (daemon) => {
    const pidFile = `${daemon.workDir}/pid`;
    const fifo = `${daemon.workDir}/go`;
    await new Deno.Command("/usr/bin/mkfifo", { args: [fifo] }).output();
    const id = await daemon.create({
      Id: "p",
      PidFile: pidFile,
      StartCmd: "setsid sh -c 'read go <go; exec tail /dev/zero' & " +
        `echo $! >${pidFile}`,
      Envs: ["PATH=/usr/bin"],
      Resource: resource(1, 32),
    });
    await daemon.waitForState(id, "running");
    await Deno.writeTextFile(fifo, "go\n");
    const { Result, ExitKnown } = await daemon.waitForState(id, "stopped");
    assertEquals([Result, ExitKnown], ["oom-killed", false]);
  },
);

testLimits("setLimits holds at once and stays", async (daemon, group) => {
  const id = await daemon.create({
    Id: "p",
    ...SLEEP,
    Resource: resource(1, 64),
  });
  await daemon.waitForState(id, "running");
  const quota = () => readGroup("cpu", group, "cpu.cfs_quota_us");
  const memory = () => readGroup("memory", group, "memory.limit_in_bytes");
  assertEquals([quota(), memory()], ["-1", `${64 * MIB}`]);
  await daemon.client.setLimits(id, { Cpus: 0.5 });
  assertEquals([quota(), memory()], ["50000", `${64 * MIB}`]);
  await daemon.client.setLimits(id, { Mem: 128 });
  assertEquals([quota(), memory()], ["50000", `${128 * MIB}`]);
  await daemon.restart();
  const { Info } = await daemon.client.inspect(id);
  assertEquals(Info.LimitResources, resource(0.5, 128));
  // Those of this run of the daemon act on what an earlier one started.
  await daemon.client.setLimits(id, { Cpus: -1, Mem: 32 });
  assertEquals([quota(), memory()], ["-1", `${32 * MIB}`]);
  // Several at once: what is stored is what holds.
  await Promise.all(
    [1, 2, 3, 4].map((Cpus) => daemon.client.setLimits(id, { Cpus })),
  );
  const { LimitResources } = (await daemon.client.inspect(id)).Info;
  assertEquals(quota(), `${(LimitResources?.Cpus ?? 0) * 100_000}`);
  await daemon.client.stop(id, 1);
  await daemon.client.setLimits(id, { Mem: -1 });
  assertEquals(
    (await daemon.client.inspect(id)).Info.LimitResources?.Mem,
    -1,
  );
});

testLimits(
  "a fork bomb stays within its limit and can be stopped",
  async (daemon, group) => {
    const id = await daemon.create({
      Id: "p",
      // Whoever cannot fork tries again, for ever. Not without its limit.
      StartCmd: `grep -q ':pids:/${group}$' /proc/self/cgroup && ` +
        `exec perl -e '$SIG{TERM} = "IGNORE"; while (1) { fork }'`,
      Envs: ["PATH=/usr/bin"],
      StopTimeout: 1,
      LimitResources: { ...resource(0, 0), Pids: 60 },
    });
    const read = (file: string) => readGroup("pids", group, file);
    await eventually("it fills its limit", () => read("pids.current") === "60");
    assertEquals(read("pids.max"), "60");
    // The host can do as before.
    const beside = await daemon.create({ Id: "beside", ...SLEEP });
    await daemon.waitForState(beside, "running");
    await daemon.client.setLimits(id, { Pids: 40 });
    assertEquals(read("pids.max"), "40");
    await daemon.client.stop(id, 1);
    await groupIsGone(group);
  },
  {},
  NO_PIDS_V1,
);

testLimits("setLimits changes nothing where it cannot", async (daemon) => {
  const limits: Limits = { Mem: 64 };
  const plain = await daemon.create({ Id: "plain", ...SLEEP });
  await daemon.waitForState(plain, "running");
  assertEquals(readGroup("cpu", daemon.cgroup, "cpu.shares"), null);
  assertEquals(
    await refusal(daemon.client.setLimits(plain, limits)),
    "it was started without any, stop it first",
  );
  const { LimitResources } = (await daemon.client.inspect(plain)).Info;
  assertEquals(LimitResources, null);
});

testLimits("daemon warns of limits that it cannot enforce", async (daemon) => {
  const id = await daemon.create({
    Id: "p",
    ...SLEEP,
    Resource: resource(1, 64),
  });
  const { Message, Pid } = await daemon.waitForState(id, "running");
  const why = "the daemon may not make a group in /sys/fs/cgroup";
  assertEquals(
    Message,
    `process p is running; its limits are not enforced: ${why}`,
  );
  assertEquals(daemon.log.includes("limits not enforced"), true);
  assertEquals(isInGroup(Pid, ""), isInGroup(Deno.pid, ""));
  assertEquals(await refusal(daemon.client.setLimits(id, { Mem: 64 })), why);
}, { flags: { cgroup: "cgroup.procs" } });

testLimits(
  "daemon refuses a start without limits if it must",
  async (daemon) => {
    const Resource = resource(1, 64);
    const id = await daemon.create({ Id: "p", ...SLEEP, Resource });
    const { Result, Message } = await daemon.waitForState(id, "stopped");
    assertEquals([Result, Message], [
      "start-failed",
      "process p failed to start: its limits cannot be enforced: the daemon " +
      "may not make a group in /sys/fs/cgroup",
    ]);
  },
  { flags: { cgroup: "cgroup.procs", limits: "require" } },
);

testLimits(
  "daemon enforces no limits if it is told so",
  async (daemon, group) => {
    const Resource = resource(1, 64);
    const id = await daemon.create({ Id: "p", ...SLEEP, Resource });
    const { Message } = await daemon.waitForState(id, "running");
    assertEquals(Message, "process p is running");
    assertEquals(readGroup("cpu", group, "cpu.shares"), null);
    assertEquals(
      await refusal(daemon.client.setLimits(id, { Mem: 64 })),
      "the daemon enforces none (limits=off)",
    );
  },
  { flags: { limits: "off" } },
);

testLimits(
  "a daemon that crashed leaves no group behind",
  async (daemon, group) => {
    const Resource = resource(1, 64);
    const id = await daemon.create({ Id: "p", ...SLEEP, Resource });
    const { Pid } = await daemon.waitForState(id, "running");
    await daemon.kill9();
    Deno.kill(Pid, "SIGKILL");
    await daemon.run();
    await daemon.waitForState(id, "stopped");
    await groupIsGone(group);
  },
);

testLimits(
  "a start removes the group that a daemon which died had left",
  async (daemon, group) => {
    const Resource = resource(0.5, 64);
    const id = await daemon.create({ Id: "p", ...SLEEP, Resource });
    await daemon.waitForState(id, "running");
    await daemon.client.stop(id, 1);
    await groupIsGone(group);
    for (const controller of ["cpu", "memory"]) {
      await Deno.mkdir(`/sys/fs/cgroup/${controller}/${group}`);
    }
    await daemon.client.restart(id, 1);
    const { Pid } = await daemon.client.status(id);
    assertEquals(isInGroup(Pid, `${daemon.cgroup}/1.2`), true);
    await groupIsGone(group);
  },
);
