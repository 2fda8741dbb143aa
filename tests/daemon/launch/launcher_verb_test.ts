import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Identity } from "../../../daemon/lifecycle/record.ts";
import { writeProgram } from "../../support/temp_dir.ts";
import { eventually } from "../support/eventually.ts";
import { bootId, readStat, readStatus } from "../support/proc.ts";
import {
  HOSTILE_NAMES,
  IS_ROOT,
  type LaunchBench,
  sh,
  startNamed,
  testShells,
  toLine,
} from "./launch_bench.ts";

// The requests about processes that run already: signal, probe, pidfile.

/** Starts something that becomes sleep(1), and says who it is. */
async function start(
  bench: LaunchBench,
  command: readonly [string, ...string[]] = ["/usr/bin/sleep", "1000"],
): Promise<Identity> {
  return await (await bench.launch({ command })).executed("sleep");
}

/** The pid of a process that has been waited for. */
async function deadPid(): Promise<number> {
  const child = new Deno.Command("/usr/bin/true").spawn();
  await child.status;
  return child.pid;
}

testShells("signals the process whose identity holds", async (bench) => {
  const launches = [
    await bench.launch({ command: ["/usr/bin/sleep", "1000"] }),
    await bench.launch({ command: ["/usr/bin/sleep", "1000"] }),
  ] as const;
  const [one, two] = [
    await launches[0].executed("sleep"),
    await launches[1].executed("sleep"),
  ];
  const gone = { ...one, pid: await deadPid() };
  assertEquals(
    await bench.ask("signal", ["signal USR1", ...[one, gone, two].map(toLine)]),
    [`sent ${one.pid}`, `gone ${gone.pid}`, `sent ${two.pid}`],
  );
  for (const launch of launches) {
    assertEquals(await launch.end(), "1 signalled 10 no");
  }
});

testShells("sends every signal by its number", async (bench) => {
  // 32 and 33 are the C library's own, and may be ignored from the start.
  const deadly = [1, 2, 3, 9, 10, 15, 16, 31, 34, 63, 64];
  for (const number of deadly) {
    const launch = await bench.launch({ command: ["/usr/bin/sleep", "1000"] });
    const victim = await launch.executed("sleep");
    assertEquals(
      await bench.ask("signal", [`signal ${number}`, toLine(victim)]),
      [`sent ${victim.pid}`],
    );
    assertEquals(await launch.end(), `1 signalled ${number} no`);
  }
  const victim = await start(bench);
  assertEquals(
    await bench.ask("signal", ["signal 65", toLine(victim)]),
    [`gone ${victim.pid}`],
  );
});

testShells("sends no signal to a stranger", async (bench) => {
  const victim = await start(bench);
  for (
    const stranger of [
      { ...victim, startTicks: victim.startTicks + 1 },
      { ...victim, startTicks: victim.startTicks - 1 },
      { ...victim, bootId: crypto.randomUUID() },
      { ...victim, bootId: "*" },
      { ...victim, bootId: "" },
    ]
  ) {
    assertEquals(
      await bench.ask("signal", ["signal STOP", toLine(stranger)]),
      [`gone ${victim.pid}`],
    );
    // A signal that was sent would be pending or have stopped it.
    assertEquals(readStatus(victim.pid, "ShdPnd"), "0000000000000000");
    assertEquals(readStat(victim.pid)?.state, "S");
  }
});

testShells("refuses to signal what is no identity", async (bench) => {
  const boot = bootId();
  for (
    const line of [
      `identity ${boot} 1 1`,
      `identity ${boot} 0 1`,
      `identity ${boot} -1 1`,
      `identity ${boot} 00 1`,
      `identity ${boot} x 1`,
      `identity ${boot} 5`,
      `identity ${boot} 5 `,
      `identity ${boot} 5 1 9`,
      `identity ${boot} ${"9".repeat(19)} 1`,
      "5 1",
      "",
    ]
  ) {
    const answer = await bench.ask("signal", ["signal 0", line]);
    assertMatch(answer.join("\n"), /^error .*identity/, line);
  }
});

testShells("refuses a signal that is no name", async (bench) => {
  const victim = await start(bench);
  for (const name of ["", "term", "-9", "TERM KILL", "$(touch x)", "*"]) {
    assertEquals(
      await bench.ask("signal", [`signal ${name}`, toLine(victim)]),
      ["error the request names no signal"],
    );
  }
});

testShells("does not claim to have sent an unknown signal", async (bench) => {
  const victim = await start(bench);
  assertEquals(
    await bench.ask("signal", ["signal NOSUCH", toLine(victim)]),
    [`gone ${victim.pid}`],
  );
});

testShells("probes many at once", async (bench) => {
  const alive = await start(bench);
  // The shell's child ends unseen once sleep has taken the shell's place.
  const parent = await start(
    bench,
    sh("/usr/bin/true & exec /usr/bin/sleep 1000"),
  );
  const zombie = await eventually(
    "there is a zombie",
    () => findZombie(parent.pid),
  );
  const gone = await deadPid();
  const pids = [alive.pid, gone, zombie];
  assertEquals(await bench.ask("probe", ["exe yes", ...pids.map(String)]), [
    `boot ${alive.bootId}`,
    `process ${alive.pid} S ${alive.startTicks} ${alive.pid} sleep`,
    `gone ${gone}`,
    `gone ${zombie}`,
  ]);
});

testShells(
  "says nothing of an executable it was not asked for",
  async (bench) => {
    const { bootId, pid, startTicks } = await start(bench);
    assertEquals(await bench.ask("probe", ["exe no", `${pid}`]), [
      `boot ${bootId}`,
      `process ${pid} S ${startTicks} ${pid} `,
    ]);
  },
);

testShells("probes nobody", async (bench) => {
  assertEquals(await bench.ask("probe", ["exe yes"]), [`boot ${bootId()}`]);
});

testShells("probes an executable that was deleted", async (bench) => {
  const { path, identity } = await startCopy(bench, "my server");
  await Deno.remove(path);
  assertEquals(await executableOf(bench, identity), ["my server"]);
});

testShells("keeps an executable's name to its own line", async (bench) => {
  const { identity } = await startCopy(bench, "a\nprocess 9 S 9 9 b");
  assertEquals((await executableOf(bench, identity)).length, 1);
});

testShells("is not confused by what a process calls itself", async (bench) => {
  for (const name of HOSTILE_NAMES) {
    const { bootId, pid, startTicks } = await startNamed(bench, name);
    assertEquals(
      await bench.ask("probe", ["exe no", `${pid}`]),
      [`boot ${bootId}`, `process ${pid} S ${startTicks} ${pid} `],
      JSON.stringify(name),
    );
  }
});

const PID_FILES = [
  { what: "digits alone", text: "PID", isFound: true },
  { what: "a newline", text: "PID\n", isFound: true },
  { what: "white space", text: "\n \tPID\t \n\n", isFound: true },
  { what: "nothing", text: "" },
  { what: "white space alone", text: " \n\n" },
  { what: "letters", text: "abc\n" },
  { what: "letters behind", text: "PIDabc" },
  { what: "a minus", text: "-PID" },
  { what: "a plus", text: "+PID" },
  { what: "two numbers", text: "PID PID" },
  { what: "two lines", text: "PID\n1\n" },
  { what: "pid 0", text: "0\n" },
  { what: "pid 1", text: "1\n" },
  { what: "zeros and a 1", text: "0001\n" },
  { what: "a glob", text: "*\n" },
  { what: "a command", text: "$(touch x)\n" },
  { what: "very many digits", text: "7".repeat(1_000) },
  { what: "very much", text: "x".repeat(10_000_000) },
] as const;

testShells("reads a pid file and believes no other", async (bench) => {
  const { bootId, pid, startTicks } = await start(bench);
  for (const { what, text, ...rest } of PID_FILES) {
    const path = `${bench.dir}/$(touch x) ${what}.pid`;
    await Deno.writeTextFile(path, text.replaceAll("PID", `${pid}`));
    assertEquals(
      await bench.ask("pidfile", ["user ", `file ${path}`]),
      "isFound" in rest
        ? [
          `boot ${bootId}`,
          `process ${pid} S ${startTicks} ${pid} sleep`,
        ]
        : [`error the pid file ${path} does not hold one pid above 1`],
      what,
    );
  }
});

testShells("does not wait for what is no pid file", async (bench) => {
  const fifo = `${bench.dir}/fifo`;
  await new Deno.Command("/usr/bin/mkfifo", { args: [fifo] }).output();
  const paths = [
    fifo,
    bench.dir,
    `${bench.dir}/no`,
    "/dev/zero",
    "",
    "-",
    "-n",
  ];
  for (const path of paths) {
    assertEquals(
      await bench.ask("pidfile", ["user ", `file ${path}`]),
      [`error there is no pid file ${path}`],
    );
  }
});

testShells(
  "believes no pid file about another user's process",
  async (bench) => {
    const { pid } = await start(bench);
    const path = `${bench.dir}/pid`;
    await Deno.writeTextFile(path, `${pid}\n`);
    assertEquals(
      await bench.ask("pidfile", ["user 65534", `file ${path}`]),
      [`error the pid file ${path} names a process of another user`],
    );
    // What root starts may become anybody: there the file is believed.
    const [, facts] = await bench.ask("pidfile", ["user 0", `file ${path}`]);
    assertStringIncludes(facts ?? "", `process ${pid} `);
  },
  IS_ROOT ? null : "needs root, for nobody may be the tester",
);

testShells("says that the pid of a file is gone", async (bench) => {
  const path = `${bench.dir}/pid`;
  const pid = await deadPid();
  await Deno.writeTextFile(path, `${pid}\n`);
  assertEquals(
    await bench.ask("pidfile", ["user ", `file ${path}`]),
    [`boot ${bootId()}`, `gone ${pid}`],
  );
});

async function startCopy(bench: LaunchBench, name: string) {
  const path = `${bench.dir}/work/${name}`;
  await writeProgram(path, await Deno.readFile("/usr/bin/sleep"));
  const launch = await bench.launch({ command: [path, "1000"] });
  const identity = await launch.executed(name);
  return { path, identity };
}

/** The last fields of the probe's lines, without the boot id. */
async function executableOf(
  bench: LaunchBench,
  { pid }: Identity,
): Promise<string[]> {
  const lines = await bench.ask("probe", ["exe yes", `${pid}`]);
  return lines.slice(1).map((line) => line.split(" ").slice(5).join(" "));
}

function findZombie(parent: number): number | null {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(name);
    if (stat?.parent === parent && stat.state === "Z") return stat.pid;
  }
  return null;
}
