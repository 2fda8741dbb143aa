import { assertEquals } from "@std/assert";
import type { GroupLimits } from "../../../daemon/lifecycle/limits.ts";
import { isInGroup, NO_CGROUP_V1, readGroup } from "../../support/cgroups.ts";
import { eventually } from "../support/eventually.ts";
import { fakeRoot, LIMITS, limitsLine, MIB, testGroup } from "./group_bench.ts";
import {
  exists,
  IS_ROOT,
  NOBODY,
  readIfThere,
  sh,
  testShells,
} from "./launch_bench.ts";

// Control groups: version 1 by the kernel of this host, version 2 by a folder
// that looks like one.

/** A program that takes all the memory that it gets. */
const HOG = ["/usr/bin/tail", "/dev/zero"] as const;

testShells("starts a process with its limits", async (bench) => {
  await using group = testGroup();
  const launch = await bench.launch({
    command: sh(
      "cat /sys/fs/cgroup/memory/$0/memory.limit_in_bytes; exec sleep 1000"
        .replace("$0", group.name),
    ),
    environment: ["PATH=/usr/bin"],
    user: NOBODY,
    group: group.request(),
  });
  const { pid } = await launch.executed("sleep");
  assertEquals(isInGroup(pid, group.name), true);
  // They were there before it was.
  assertEquals(await launch.stdout(), `${64 * MIB}\n`);
  const read = (controller: "cpu" | "memory", file: string) =>
    readGroup(controller, group.name, file);
  assertEquals(read("cpu", "cpu.shares"), "512");
  assertEquals(read("cpu", "cpu.cfs_period_us"), "100000");
  assertEquals(read("cpu", "cpu.cfs_quota_us"), "50000");
  // The launcher that waits for it stays outside.
  assertEquals(read("memory", "cgroup.procs"), `${pid}`);

  const change = (limits: Partial<GroupLimits>) =>
    bench.ask("limit", [
      `group ${group.name}`,
      limitsLine({ ...LIMITS, ...limits }),
    ]);
  assertEquals(await change({ cpuQuotaUs: -1, memoryBytes: 32 * MIB }), []);
  assertEquals(read("cpu", "cpu.cfs_quota_us"), "-1");
  assertEquals(
    read("memory", "memory.limit_in_bytes"),
    `${32 * MIB}`,
  );
  assertEquals(await change({ memoryBytes: -1, cpuShares: -1 }), []);
  assertEquals(read("cpu", "cpu.shares"), "512");
  Deno.kill(pid, "SIGKILL");
  assertEquals(await launch.end(), "1 signalled 9 no");
  assertEquals(await bench.ask("ungroup", [`group ${group.name}`]), []);
  assertEquals(read("cpu", "cpu.shares"), null);
  assertEquals(read("memory", "memory.limit_in_bytes"), null);
  assertEquals(await bench.ask("ungroup", [`group ${group.name}`]), []);
}, NO_CGROUP_V1);

testShells("records that the kernel killed for memory", async (bench) => {
  await using group = testGroup();
  const launch = await bench.launch({ command: HOG, group: group.request() });
  assertEquals(await launch.end(), "1 signalled 9 no oom");
  assertEquals(await bench.ask("oom", [`group ${group.name}`]), ["oom"]);
}, NO_CGROUP_V1);

testShells("leaves a group alone that somebody is in", async (bench) => {
  await using group = testGroup();
  const launch = await bench.launch({
    command: ["/usr/bin/sleep", "1000"],
    group: group.request(),
  });
  const { pid } = await launch.executed("sleep");
  assertEquals(await bench.ask("ungroup", [`group ${group.name}`]), [
    `error the group ${group.name} still has processes in it`,
  ]);
  assertEquals(isInGroup(pid, group.name), true);
  assertEquals(await bench.ask("oom", [`group ${group.name}`]), []);
  Deno.kill(pid, "SIGKILL");
  await launch.end();
}, NO_CGROUP_V1);

testShells("changes no limit to less than is used", async (bench) => {
  await using group = testGroup();
  const launch = await bench.launch({
    // Memory that cannot be taken back.
    command: sh(
      "x=$(head -c 40000000 /dev/zero | tr '\\0' x); exec 0<&-; " +
        "echo ready; while :; do sleep 1000; done",
    ),
    environment: ["PATH=/usr/bin"],
    group: group.request({ limits: { ...LIMITS, memoryBytes: 256 * MIB } }),
  });
  const { command } = await launch.identity();
  await eventually("the memory is used", () => launch.stdout());
  assertEquals(
    await bench.ask("limit", [
      `group ${group.name}`,
      limitsLine({ ...LIMITS, memoryBytes: 32 * MIB }),
    ]),
    [
      "error the kernel refuses the limits in /sys/fs/cgroup/memory/" +
      group.name,
    ],
  );
  assertEquals(readGroup("cpu", group.name, "cpu.shares"), "512");
  Deno.kill(-command.pid, "SIGKILL");
  await launch.end();
}, NO_CGROUP_V1);

testShells("limits by version 2 as well", async (bench) => {
  const root = await fakeRoot(bench, "cpuset cpu io memory pids");
  const name = "a/b/1.1";
  const group = { name, limits: LIMITS, isRequired: true };
  const read = (path: string) => readIfThere(`${root}/${path}`);
  const launch = await bench.launch({ group });
  assertEquals(await launch.end(), "1 exited 0 no");
  for (const above of ["", "a/", "a/b/"]) {
    assertEquals(
      await read(`${above}cgroup.subtree_control`),
      "+cpu +memory +pids",
    );
  }
  const files = [
    "memory.max",
    "memory.swap.max",
    "cpu.weight",
    "cpu.max",
    "pids.max",
    "cgroup.procs",
  ];
  const state = () => Promise.all(files.map((file) => read(`${name}/${file}`)));
  assertEquals(await state(), [
    `${64 * MIB}`,
    "0",
    "20",
    "50000 100000",
    "max",
    "0",
  ]);
  // Whoever is in there is killed together.
  assertEquals(await read(`${name}/memory.oom.group`), "1");
  const unlimited = {
    cpuShares: 262_144,
    cpuQuotaUs: -1,
    memoryBytes: -1,
    pids: 77,
  };
  assertEquals(
    await bench.ask("limit", [`group ${name}`, limitsLine(unlimited)]),
    [],
  );
  assertEquals(await state(), [
    "max",
    "max",
    "10000",
    "max 100000",
    "77",
    "0",
  ]);
  await bench.ask("limit", [
    `group ${name}`,
    limitsLine({ ...unlimited, cpuShares: 2 }),
  ]);
  assertEquals(await read(`${name}/cpu.weight`), "1");

  // To give less than is used would kill: it is asked for back first.
  const use = (bytes: number | string) =>
    Deno.writeTextFile(`${root}/${name}/memory.current`, `${bytes}\n`);
  await use(100 * MIB);
  assertEquals(
    await bench.ask("limit", [`group ${name}`, limitsLine(LIMITS)]),
    [`error it uses ${100 * MIB} bytes of memory already`],
  );
  assertEquals(await read(`${name}/memory.reclaim`), `${36 * MIB}`);
  assertEquals(await read(`${name}/memory.max`), "max");
  await use(64 * MIB);
  assertEquals(
    await bench.ask("limit", [`group ${name}`, limitsLine(LIMITS)]),
    [],
  );
  assertEquals(await read(`${name}/memory.max`), `${64 * MIB}`);

  for (const kills of [0, 2]) {
    await Deno.writeTextFile(
      `${root}/${name}/memory.events`,
      `low 0\nhigh 0\nmax 12\noom 1\noom_kill ${kills}\noom_group_kill 0\n`,
    );
    const oom = kills === 0 ? [] : ["oom"];
    assertEquals(await bench.ask("oom", [`group ${name}`]), oom);
    const next = await bench.launch({
      group: { ...group, limits: null },
      command: sh("kill -9 $$"),
    });
    assertEquals(await next.end(), ["1 signalled 9 no", ...oom].join(" "));
  }
  // Unlike the kernel's, such a folder has to be empty.
  await Deno.remove(`${root}/${name}`, { recursive: true });
  await Deno.mkdir(`${root}/${name}`);
  assertEquals(await bench.ask("ungroup", [`group ${name}`]), []);
  assertEquals(await exists(`${root}/${name}`), false);
});

testShells("starts in no group of somebody else's", async (bench) => {
  await using group = testGroup();
  const command = ["/usr/bin/sleep", "1000"] as const;
  const other = await bench.launch({ group: group.request(), command });
  await other.executed("sleep");
  const limits = { ...LIMITS, memoryBytes: 32 * MIB };
  const why = `somebody is in the group ${group.name} already`;
  const refused = await bench.launch({ group: group.request({ limits }) });
  assertEquals(await refused.answers, [
    `error its limits cannot be enforced: ${why}`,
  ]);
  const alone = await bench.launch({
    group: group.request({ limits, isRequired: false }),
  });
  assertEquals((await alone.answers)[0], `unlimited ${why}`);
  const read = () => readGroup("memory", group.name, "memory.limit_in_bytes");
  assertEquals(read(), `${64 * MIB}`);
  // What it counted is no kill of who comes next.
  Deno.kill((await other.identity()).command.pid, "SIGKILL");
  await other.end();
  const hog = await bench.launch({ group: group.request(), command: HOG });
  assertEquals(await hog.end(), "1 signalled 9 no oom");
  const next = await bench.launch({
    group: group.request({ limits }),
    command: sh("kill -9 $$"),
  });
  assertEquals(await next.end(), "1 signalled 9 no");
  assertEquals(read(), `${32 * MIB}`);
}, NO_CGROUP_V1);

testShells("joins a group as it is, and makes none", async (bench) => {
  await using group = testGroup();
  const request = group.request({ limits: null, isRequired: false });
  const alone = await bench.launch({ group: request });
  assertEquals(await alone.end(), "1 exited 0 no");
  assertEquals(readGroup("cpu", group.name, "cpu.shares"), null);
  const main = await bench.launch({
    group: group.request(),
    command: ["/usr/bin/sleep", "1000"],
  });
  await main.executed("sleep");
  const line = limitsLine({ ...LIMITS, memoryBytes: 48 * MIB });
  await bench.ask("limit", [`group ${group.name}`, line]);
  const beside = await bench.launch({
    group: request,
    command: ["/usr/bin/sleep", "1000"],
  });
  const { pid } = await beside.executed("sleep");
  assertEquals(isInGroup(pid, group.name), true);
  const bytes = readGroup("memory", group.name, "memory.limit_in_bytes");
  assertEquals(bytes, `${48 * MIB}`);
}, NO_CGROUP_V1);

testShells("starts without limits only where it may", async (bench) => {
  const root = await fakeRoot(bench, "cpuset io pids");
  const group = { name: "a/1.1", limits: LIMITS, isRequired: false };
  const why = `this host has no cpu and memory controllers in ${root}`;
  const launch = await bench.launch({ group, command: sh("echo ran") });
  assertEquals((await launch.answers)[0], `unlimited ${why}`);
  assertEquals(await launch.end(), "1 exited 0 no");
  assertEquals(await launch.stdout(), "ran\n");
  const refused = await bench.launch({ group: { ...group, isRequired: true } });
  assertEquals(await refused.answers, [
    `error its limits cannot be enforced: ${why}`,
  ]);
  assertEquals(await refused.end(), "");
  assertEquals(
    await bench.ask("limit", ["group a/1.1", limitsLine(LIMITS)]),
    [`error ${why}`],
  );
  assertEquals(await bench.ask("ungroup", ["group a/1.1"]), []);
  assertEquals(await bench.ask("oom", ["group a/1.1"]), []);
  assertEquals([...Deno.readDirSync(root)].map(({ name }) => name), [
    "cgroup.controllers",
  ]);
});

testShells("says that it may not make groups", async (bench) => {
  const root = await fakeRoot(bench, "cpu memory");
  const by = ["/usr/bin/setpriv", "--reuid", "nobody", "--clear-groups"];
  await Deno.chmod(bench.dir, 0o777);
  const folder = `${bench.dir}/theirs`;
  await Deno.mkdir(folder);
  await Deno.chmod(folder, 0o777);
  const group = `group a/1.1\n${limitsLine(LIMITS)}`;
  const request = await bench.request({ folder });
  const launch = await bench.send(
    request,
    [
      "bcs-launcher 1",
      `folder ${folder}`,
      "user 65534 65534",
      `stdout ${folder}/out`,
      `stderr ${folder}/err`,
      "settings 0 0 - - -",
      "may-limit",
      group,
      "begin",
      "dir /",
      "umask 022",
      "env 0",
      "argv 1",
      "=/usr/bin/true",
      "end",
      "",
    ].join("\n"),
    by,
  );
  assertEquals(
    (await launch.answers)[0],
    `unlimited the daemon may not make a group in ${root}`,
  );
  assertEquals(await launch.end(), "1 exited 0 no");
}, IS_ROOT ? null : "needs root, to be somebody else");

testShells("refuses a group that is none", async (bench) => {
  const root = await fakeRoot(bench, "cpu memory");
  for (
    const name of ["", "/", "/a", "a/", "a//b", "..", "a/..", "../a", ".", "*"]
  ) {
    assertEquals(
      await bench.ask("ungroup", [`group ${name}`]),
      ["error the request names no group"],
      name,
    );
  }
  for (
    const limits of [
      "",
      "1 2 3",
      "1 2 3 4 5",
      "a 2 3 4",
      "1 -- 3 4",
      "$(x) 1 1 1",
      "1 1 1 max",
    ]
  ) {
    assertEquals(
      await bench.ask("limit", ["group a", `limits ${limits}`]),
      ["error the request has no limits where they must stand"],
      limits,
    );
  }
  assertEquals(
    await bench.ask("limit", ["group a", limitsLine(LIMITS)]),
    ["error the group a does not exist"],
  );
  assertEquals([...Deno.readDirSync(root)].length, 1);
});
