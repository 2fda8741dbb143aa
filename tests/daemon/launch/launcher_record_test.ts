import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { encodeLaunch } from "../../../daemon/launch/encode_request.ts";
import {
  claim,
  readEnd,
  readIdentity,
} from "../../../daemon/launch/run_folder.ts";
import { eventually } from "../support/eventually.ts";
import { bootId, isAlive, listProcesses, readStat } from "../support/proc.ts";
import { fullDisk } from "../../support/full_disk.ts";
import {
  exists,
  IS_ROOT,
  readIfThere,
  sh,
  testShells,
} from "./launch_bench.ts";

// The two files that a launcher leaves: who was started, and how it ended.

const NEEDS_ROOT = IS_ROOT ? null : "needs root, to have a full disk";

testShells("publishes the identity that /proc confirms", async (bench) => {
  const launch = await bench.launch({ command: ["/usr/bin/sleep", "1000"] });
  const { command, launcher } = await launch.identity();
  const ticks = (pid: number) => readStat(pid)?.startTicks;
  assertEquals(command, {
    bootId: bootId(),
    pid: command.pid,
    startTicks: ticks(command.pid) ?? -1,
  });
  assertEquals(launcher, {
    bootId: bootId(),
    pid: launch.child.pid,
    startTicks: ticks(launch.child.pid) ?? -1,
  });
  const { folder } = launch.request;
  assertEquals(
    await Deno.readTextFile(`${folder}/identity`),
    `1 ${command.bootId} ${command.pid} ${command.startTicks} ` +
      `${launcher.pid} ${launcher.startTicks}\n`,
  );
  assertEquals(await readIdentity(folder), { command, launcher });
  assertEquals(await readEnd(folder), null);
});

testShells("says identity and exec, then no more", async (bench) => {
  const launch = await bench.launch({ command: ["/usr/bin/sleep", "1000"] });
  const answers = await launch.answers;
  assertEquals(answers.map((line) => line.split(" ")[0]), ["identity", "exec"]);
});

testShells("publishes the identity before the workload runs", async (bench) => {
  const folder = `${bench.dir}/run`;
  const launch = await bench.launch({
    folder,
    command: ["/usr/bin/cat", `${folder}/identity`],
  });
  assertEquals(await launch.end(), "1 exited 0 no", await launch.stderr());
  assertEquals(
    await launch.stdout(),
    await Deno.readTextFile(`${folder}/identity`),
  );
});

for (
  const { how, text, record, bash } of [
    { how: "exit code 0", text: "exit 0", record: "1 exited 0 no" },
    { how: "exit code 3", text: "exit 3", record: "1 exited 3 no" },
    { how: "exit code 126", text: "exit 126", record: "1 exited 126 no" },
    { how: "exit code 128", text: "exit 128", record: "1 exited 128 no" },
    {
      how: "exit code 137, which is not signal 9",
      text: "exit 137",
      record: "1 exited 137 no",
      // Its list of jobs does not tell the two apart.
      bash: "1 signalled 9 no",
    },
    {
      how: "exit code 255",
      text: "exit 255",
      record: "1 exited 255 no",
      bash: "1 signalled 127 no",
    },
    { how: "SIGHUP", text: "kill -1 $$", record: "1 signalled 1 no" },
    { how: "SIGINT", text: "kill -2 $$", record: "1 signalled 2 no" },
    { how: "SIGKILL", text: "kill -9 $$", record: "1 signalled 9 no" },
    { how: "SIGPIPE", text: "kill -13 $$", record: "1 signalled 13 no" },
    { how: "SIGTERM", text: "kill -15 $$", record: "1 signalled 15 no" },
    {
      how: "a real-time signal",
      text: "kill -40 $$",
      record: "1 signalled 40 no",
    },
    {
      how: "SIGSEGV with a core dump",
      text: "ulimit -c unlimited; kill -11 $$",
      record: "1 signalled 11 no",
    },
    {
      how: "SIGABRT",
      text: "ulimit -c 0; kill -6 $$",
      record: "1 signalled 6 no",
    },
  ]
) {
  testShells(`records ${how}`, async (bench) => {
    const launch = await bench.launch({ command: sh(text) });
    assertEquals(
      await launch.end(),
      bench.shell.name === "bash" && bash !== undefined ? bash : record,
    );
    const end = await readEnd(launch.request.folder);
    assertEquals(end?.isSessionEmpty, true);
  });
}

testShells("records a child that is left in its group", async (bench) => {
  const launch = await bench.launch({
    command: sh("sleep 1000 & echo $!; exit 3"),
  });
  assertEquals(await launch.end(), "1 exited 3 yes");
  assert(isAlive(Number(await launch.stdout())));
  assertEquals((await readEnd(launch.request.folder))?.isSessionEmpty, false);
});

testShells("records a child that is left in its session", async (bench) => {
  const ready = `${bench.dir}/ready`;
  // timeout(1) puts itself into a process group of its own.
  const launch = await bench.launch({
    command: sh(
      `/usr/bin/timeout 1000 sh -c 'echo $$ >${ready}; exec sleep 1000' &
      until [ -s ${ready} ]; do sleep 0.01; done; exit 0`,
    ),
  });
  assertEquals(await launch.end(), "1 exited 0 yes");
  const stat = readStat((await Deno.readTextFile(ready)).trim());
  const { command } = await launch.identity();
  assertEquals(stat?.session, command.pid);
  assertNotEquals(stat?.group, command.pid);
});

testShells("does not count a child of another session", async (bench) => {
  const launch = await bench.launch({
    command: sh("/usr/bin/setsid sleep 1000 & wait; exit 0"),
  });
  const { command } = await launch.identity();
  const child = await eventually(
    "the child has a session of its own",
    () =>
      listProcesses().find(({ parent, session }) =>
        parent === command.pid && session !== command.pid
      ),
  );
  Deno.kill(command.pid, "SIGKILL");
  assertEquals(await launch.end(), "1 signalled 9 no");
  assert(isAlive(child.pid));
});

testShells("outlives who asked for it, and signals", async (bench) => {
  const go = `${bench.dir}/go`;
  const launch = await bench.launch({
    command: sh(`until [ -e ${go} ]; do sleep 0.01; done; exit 7`),
  });
  const { launcher } = await launch.identity();
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) {
    launch.child.kill(signal);
  }
  await Deno.writeTextFile(go, "");
  assertEquals(await launch.end(), "1 exited 7 no");
  assertEquals(launcher.pid, launch.child.pid);
});

testShells("starts although nobody hears the answer", async (bench) => {
  const request = await bench.request({
    command: ["/usr/bin/touch", `${bench.dir}/ran`],
  });
  const child = bench.spawn("run");
  await child.stdout.cancel();
  const writer = child.stdin.getWriter();
  await writer.write(
    new TextEncoder().encode(`${encodeLaunch(request).join("\n")}\n`),
  );
  await writer.close();
  await child.status;
  assertEquals(
    (await readIfThere(`${request.folder}/exit`)).trim(),
    "1 exited 0 no",
  );
  assertEquals(await exists(`${bench.dir}/ran`), true);
});

testShells("works for a requester that is gone", async (bench) => {
  // The requester ends at once; its launcher is then a child of init.
  const request = await bench.request({ command: sh("exit 5") });
  const input = `${bench.dir}/request`;
  await Deno.writeTextFile(input, `${encodeLaunch(request).join("\n")}\n`);
  await new Deno.Command("/bin/sh", {
    args: [
      "-c",
      `"$0" run x <"$1" >/dev/null & kill -9 $$`,
      bench.launcher,
      input,
    ],
    clearEnv: true,
  }).output();
  const record = await eventually(
    "there is an exit record",
    () => readIfThere(`${request.folder}/exit`),
  );
  assertEquals(record, "1 exited 5 no\n");
});

testShells("refuses to use a run folder twice", async (bench) => {
  const folder = `${bench.dir}/run`;
  const first = await bench.launch({ folder, command: sh("exit 3") });
  assertEquals(await first.end(), "1 exited 3 no");
  const second = await bench.launch({
    folder,
    command: ["/usr/bin/touch", `${bench.dir}/ran`],
  });
  assertEquals(await second.answers, ["error this run folder was used before"]);
  await second.child.status;
  assertEquals(await exists(`${bench.dir}/ran`), false);
});

testShells("leaves the records of a used run folder alone", async (bench) => {
  const folder = `${bench.dir}/run`;
  const first = await bench.launch({ folder, command: sh("exit 3") });
  await first.end();
  const records = () =>
    Promise.all(
      ["identity", "exit"].map((name) => readIfThere(`${folder}/${name}`)),
    );
  const before = await records();
  const second = await bench.launch({ folder });
  await second.child.status;
  assertEquals(await records(), before);
});

testShells("starts nothing in a folder that was claimed", async (bench) => {
  const folder = `${bench.dir}/run`;
  assertEquals(await claim(folder), true);
  const launch = await bench.launch({
    folder,
    command: ["/usr/bin/touch", `${bench.dir}/ran`],
  });
  await launch.child.status;
  assertEquals(await exists(`${bench.dir}/ran`), false);
  assertEquals(await readIdentity(folder), "claimed");
  assertEquals(await claim(folder), false);
});

testShells("starts nothing that it cannot publish", async (bench) => {
  const folder = `${bench.dir}/full`;
  await Deno.mkdir(folder);
  await using _ = await fullDisk(folder);
  const launch = await bench.launch({ folder: `${folder}/run` });
  assertEquals(await launch.answers, [
    "error cannot write in the run folder",
  ]);
  assertEquals(await launch.end(), "");
  assertEquals(await readIdentity(`${folder}/run`), null);
}, NEEDS_ROOT);
