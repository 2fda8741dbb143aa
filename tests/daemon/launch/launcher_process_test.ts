import type { UserIds } from "../../../daemon/ports.ts";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { encodeLaunch } from "../../../daemon/launch/encode_request.ts";
import {
  membersOf,
  readProc,
  readProcLink,
  readStat,
  readStatus,
} from "../support/proc.ts";
import { writeProgram } from "../../support/temp_dir.ts";
import { exists, IS_ROOT, SELF, sh, testShells } from "./launch_bench.ts";

// What the workload finds itself in: looked at from outside, in /proc.

const SLEEP = ["/usr/bin/sleep", "1000"] as const;
const NO_ROOT = IS_ROOT ? null : "needs root to change users";

testShells("puts the workload into a session of its own", async (bench) => {
  const launch = await bench.launch({ command: SLEEP });
  const { pid } = await launch.executed("sleep");
  const { launcher } = await launch.identity();
  const stat = readStat(pid);
  assertEquals([stat?.group, stat?.session], [pid, pid]);
  assertEquals(stat?.parent, launcher.pid);
  assertEquals(launcher.pid, launch.child.pid);
  assertNotEquals(readStat(launcher.pid)?.session, pid);
  assertEquals(membersOf(pid), [pid]);
});

/**
 * 32 and 33 belong to the C library: no program can set them by its means,
 * and this test's own parent (deno task) passes 32 on as ignored.
 */
const THREAD_LIBRARY_SIGNALS = 0b11n << 31n;

testShells("resets what the workload inherits", async (bench) => {
  const request = await bench.request({ command: SLEEP });
  // A parent that ignores signals, as nohup and some service managers do.
  const launch = await bench.send(
    request,
    `${encodeLaunch(request).join("\n")}\n`,
    ["/usr/bin/env", "--ignore-signal=HUP,INT,QUIT,PIPE,TERM,CHLD,USR1"],
  );
  const { pid } = await launch.executed("sleep");
  for (const set of ["SigIgn", "SigBlk", "SigCgt"]) {
    const signals = BigInt(`0x${readStatus(pid, set)}`);
    assertEquals(signals & ~THREAD_LIBRARY_SIGNALS, 0n, set);
  }
  assertEquals(readStatus(pid, "Umask"), "0022");
  assertEquals(readProcLink(pid, "cwd"), request.workDir);
});

testShells("unblocks signals for the workload", async (bench) => {
  const request = await bench.request({ command: SLEEP });
  const launch = await bench.send(
    request,
    `${encodeLaunch(request).join("\n")}\n`,
    ["/usr/bin/env", "--block-signal=TERM,USR1"],
  );
  const { pid } = await launch.executed("sleep");
  assertEquals(BigInt(`0x${readStatus(pid, "SigBlk")}`), 0n);
});

testShells("opens nothing but 0, 1 and 2 for the workload", async (bench) => {
  const launch = await bench.launch({ command: SLEEP });
  const { pid } = await launch.executed("sleep");
  assertEquals(await filesOf(pid), [
    "0 /dev/null",
    `1 ${launch.request.stdoutPath}`,
    `2 ${launch.request.stderrPath}`,
  ]);
});

testShells("keeps no more open itself than it needs", async (bench) => {
  const launch = await bench.launch({ command: SLEEP });
  await launch.executed("sleep");
  const { pid } = launch.child;
  // A shell keeps its script open under some number of its own choice.
  const files = (await filesOf(pid))
    .map((file) => file.slice(file.indexOf(" ") + 1))
    .filter((file) => file !== bench.launcher);
  assertEquals(files, [
    "/dev/null",
    "/dev/null",
    `${launch.request.folder}/errors`,
  ]);
});

testShells("appends to the logs, for their owner alone", async (bench) => {
  const part = {
    stdoutPath: `${bench.dir}/log.stdout`,
    stderrPath: `${bench.dir}/log.stderr`,
    command: sh("echo out; echo err >&2"),
  };
  await (await bench.launch(part)).end();
  const launch = await bench.launch({
    ...part,
    folder: `${bench.dir}/other`,
  });
  await launch.end();
  assertEquals(await launch.stdout(), "out\nout\n");
  assertEquals(await launch.stderr(), "err\nerr\n");
  for (const path of [part.stdoutPath, part.stderrPath]) {
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600, path);
  }
  for await (const { name } of Deno.readDir(launch.request.folder)) {
    const { mode } = await Deno.stat(`${launch.request.folder}/${name}`);
    assertEquals(mode! & 0o777, 0o600, name);
  }
});

testShells("runs in its work folder, whatever it is called", async (bench) => {
  for (const name of ["$(touch x)", "-P", "a\"b'c d", "*", "…\\"]) {
    const workDir = `${bench.dir}/work/${name}`;
    await Deno.mkdir(workDir);
    const launch = await bench.launch({
      folder: `${bench.dir}/run ${name}`,
      workDir,
      command: ["/usr/bin/readlink", "/proc/self/cwd"],
    });
    assertEquals(await launch.end(), "1 exited 0 no", name);
    assertEquals(await launch.stdout(), `${workDir}\n`);
  }
});

testShells("runs a script relative to the work folder", async (bench) => {
  await writeProgram(
    `${bench.dir}/work/start.sh`,
    '#!/bin/sh\nprintf "<%s>" "$@"\n',
  );
  const launch = await bench.launch({ command: ["./start.sh", "a b", ""] });
  assertEquals(await launch.end(), "1 exited 0 no", await launch.stderr());
  assertEquals(await launch.stdout(), "<a b><>");
});

testShells("becomes a user without any privilege left", async (bench) => {
  const launch = await bench.launch({
    user: await idsOf("www-data"),
    command: SLEEP,
  });
  const { pid } = await launch.executed("sleep");
  const uid = await idOf("-u", "www-data");
  const gid = await idOf("-g", "www-data");
  assertEquals(readStatus(pid, "Uid"), Array(4).fill(uid).join("\t"));
  assertEquals(readStatus(pid, "Gid"), Array(4).fill(gid).join("\t"));
  assertEquals(readStatus(pid, "Groups"), await idOf("-G", "www-data"));
  for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) {
    assertEquals(BigInt(`0x${readStatus(pid, set)}`), 0n, set);
  }
  assertEquals(readStat(pid)?.session, pid);
  // The launcher itself stays who it was: it has to record the end.
  assertEquals(readStatus(launch.child.pid, "Uid"), "0\t0\t0\t0");
}, NO_ROOT);

const grouped = userWithGroups();

testShells(
  "gives a user all of its supplementary groups",
  async (bench) => {
    const launch = await bench.launch({
      user: await idsOf(grouped ?? ""),
      command: SLEEP,
    });
    const { pid } = await launch.executed("sleep");
    const groups = readStatus(pid, "Groups")?.split(" ").sort();
    assertEquals(groups, (await idOf("-G", grouped ?? "")).split(" ").sort());
    assert((groups?.length ?? 0) > 1);
  },
  NO_ROOT ??
    (grouped === null ? "no user of this host has supplementary groups" : null),
);

testShells("takes who it is itself without root", async (bench) => {
  const user = SELF;
  const launch = await bench.launch({ user, command: ["/usr/bin/id", "-u"] });
  assertEquals(await launch.end(), "1 exited 0 no", await launch.stderr());
  assertEquals(await launch.stdout(), `${user.uid}\n`);
});

testShells("cannot become another user without root", async (bench) => {
  await Deno.chmod(bench.dir, 0o777);
  const request = await bench.request({
    user: { uid: 0, gid: 0 },
    command: ["/usr/bin/touch", `${bench.dir}/ran`],
  });
  await Deno.chmod(request.folder, 0o777);
  const launch = await bench.send(
    request,
    `${encodeLaunch(request).join("\n")}\n`,
    IS_ROOT
      ? ["/usr/bin/setpriv", "--reuid=33", "--regid=33", "--clear-groups"]
      : [],
  );
  assertEquals(await launch.end(), "");
  assertEquals(await launch.answers, [
    `error cannot act as uid 0: the daemon is uid ${
      IS_ROOT ? 33 : Deno.uid()
    } and not root`,
  ]);
  assertEquals(await exists(`${bench.dir}/ran`), false);
});

testShells("shows no secret in any argument list", async (bench) => {
  const secret = crypto.randomUUID();
  const launch = await bench.launch({
    environment: Array.from(
      { length: 1_000 },
      (_, index) => `V${index}=${secret}`,
    ),
    command: ["/usr/bin/sleep", "1000"],
  });
  let isExecuted = false;
  const executed = launch.executed("sleep").then((identity) => {
    isExecuted = true;
    return identity;
  });
  let looks = 0;
  while (!isExecuted) {
    for (const { name } of Deno.readDirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const shown = readProc(name, "cmdline") ?? "";
      assert(!shown.includes(secret), shown.slice(0, 200));
    }
    looks++;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assert(looks > 1);
  // Only the workload's own environment holds it; nothing on disk does.
  const { pid } = await executed;
  assert(readProc(pid, "environ")?.includes(secret));
  assertEquals(readProc(launch.child.pid, "environ"), "");
  for await (const { name } of Deno.readDir(launch.request.folder)) {
    const path = `${launch.request.folder}/${name}`;
    assert(!(await Deno.readTextFile(path)).includes(secret), name);
  }
});

/**
 * The open files of a process, as "number target". Left out is what these
 * tests were given themselves above 9, which no shell can close.
 */
async function filesOf(pid: number): Promise<string[]> {
  const { stdout } = await new Deno.Command("/usr/bin/ls", {
    args: ["/proc/self/fd"],
  }).output();
  const given = new TextDecoder().decode(stdout).split("\n")
    .filter((name) => name.length > 1);
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => name)
    .filter((name) => !given.includes(name)).sort()
    .map((name) => `${name} ${readProcLink(pid, `fd/${name}`)}`);
}

async function idsOf(user: string): Promise<UserIds> {
  const [uid, gid] = [await idOf("-u", user), await idOf("-g", user)];
  return { uid: Number(uid), gid: Number(gid) };
}

async function idOf(...args: readonly string[]): Promise<string> {
  const { stdout } = await new Deno.Command("/usr/bin/id", {
    args: [...args],
  }).output();
  return new TextDecoder().decode(stdout).trim();
}

/** A user, other than root, that is a member of a group beside its own. */
function userWithGroups(): string | null {
  for (const line of Deno.readTextFileSync("/etc/group").split("\n")) {
    const user = line.split(":")[3]?.split(",")
      .find((member) => member !== "" && member !== "root");
    if (user !== undefined) return user;
  }
  return null;
}
