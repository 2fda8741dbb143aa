import { assert, assertEquals, assertMatch } from "@std/assert";
import { writeProgram } from "../../support/temp_dir.ts";
import { eventually } from "../support/eventually.ts";
import { isAlive, membersOf } from "../support/proc.ts";
import {
  HOSTILE_NAMES,
  type LaunchBench,
  sh,
  startNamed,
  testShells,
  toLine,
} from "./launch_bench.ts";

// Whole sessions: who is in them, and how they end.

/** The pids of an answer, sorted. */
function leftOf(answer: readonly string[]): number[] {
  assertEquals(answer.length, 1, answer.join("\n"));
  const [word, ...pids] = answer[0]?.split(" ") ?? [];
  assertEquals(word, "left");
  return pids.map(Number).sort((a, b) => a - b);
}

function membersSorted(session: number): number[] {
  return membersOf(session).sort((a, b) => a - b);
}

/** Starts a shell whose children sleep, some in groups of their own. */
async function startFamily(bench: LaunchBench, last = "wait") {
  const launch = await bench.launch({
    command: sh(
      "for i in 1 2 3; do sleep 1000 & /usr/bin/timeout 1000 sleep 1000 & done;" +
        last,
    ),
  });
  const { command } = await launch.identity();
  return { launch, command };
}

testShells("kills a session with several groups", async (bench) => {
  const { launch, command } = await startFamily(bench);
  await eventually("all are there", () => membersOf(command.pid).length === 10);
  assertEquals(
    leftOf(await bench.ask("sessions", ["signal 0", toLine(command)])),
    membersSorted(command.pid),
  );
  assertEquals(
    await bench.ask("sessions", ["signal KILL", toLine(command)]),
    ["left"],
  );
  assertEquals(membersOf(command.pid), []);
  // Who is left is as of the leader's end: the others may die after it.
  assertMatch(await launch.end(), /^1 signalled 9 /);
});

testShells("only looks for signal 0", async (bench) => {
  const { command } = await startFamily(bench);
  await eventually("all are there", () => membersOf(command.pid).length === 10);
  const members = membersSorted(command.pid);
  for (let time = 0; time < 2; time++) {
    const answer = await bench.ask("sessions", ["signal 0", toLine(command)]);
    assertEquals(leftOf(answer), members);
  }
  assertEquals(membersSorted(command.pid), members);
});

testShells("finds the members when the leader has ended", async (bench) => {
  const { launch, command } = await startFamily(bench, "exit 0");
  assertEquals(await launch.end(), "1 exited 0 yes");
  await eventually("all are there", () => membersOf(command.pid).length === 9);
  const answer = await bench.ask("sessions", ["signal 0", toLine(command)]);
  assertEquals(leftOf(answer), membersSorted(command.pid));
  assertEquals(
    await bench.ask("sessions", ["signal KILL", toLine(command)]),
    ["left"],
  );
  assertEquals(membersOf(command.pid), []);
});

testShells("sends TERM once and says who is left", async (bench) => {
  const launch = await bench.launch({
    command: sh(
      "trap 'echo term' TERM; echo ready; while :; do sleep 0.01; done",
    ),
  });
  const { command } = await launch.identity();
  await eventually("it is ready", launch.stdout);
  const answer = await bench.ask("sessions", ["signal TERM", toLine(command)]);
  assert(leftOf(answer).includes(command.pid));
  await eventually(
    "it has heard the signal",
    async () => (await launch.stdout()).includes("term"),
  );
  assertEquals(await launch.stdout(), "ready\nterm\n");
});

testShells("ends a session that goes on forking", async (bench) => {
  const launch = await bench.launch({
    command: sh(
      `fork() { trap '' TERM; while :; do sleep 0.01 & wait; done; }
      for i in 1 2 3 4; do fork & done; fork`,
    ),
  });
  const { command } = await launch.identity();
  await eventually("it forks", () => membersOf(command.pid).length > 5);
  assertEquals(
    await bench.ask("sessions", ["signal KILL", toLine(command)]),
    ["left"],
  );
  assertEquals(membersOf(command.pid), []);
});

testShells(
  "leaves a session alone that is not the one meant",
  async (bench) => {
    const launch = await bench.launch({ command: ["/usr/bin/sleep", "1000"] });
    const identity = await launch.executed("sleep");
    for (
      const other of [
        { ...identity, startTicks: identity.startTicks + 1 },
        { ...identity, startTicks: identity.startTicks - 1 },
        { ...identity, bootId: crypto.randomUUID() },
      ]
    ) {
      assertEquals(
        await bench.ask("sessions", ["signal KILL", toLine(other)]),
        ["left"],
      );
      assert(isAlive(identity.pid));
    }
  },
);

testShells("treats each of several sessions", async (bench) => {
  const start = async () => {
    const launch = await bench.launch({ command: ["/usr/bin/sleep", "1000"] });
    return await launch.executed("sleep");
  };
  const [one, two, three] = [await start(), await start(), await start()];
  const leaders = [one, two, three];
  assertEquals(
    await bench.ask("sessions", ["signal KILL", toLine(one), toLine(three)]),
    ["left"],
  );
  assertEquals(leaders.map(({ pid }) => isAlive(pid)), [false, true, false]);
  assertEquals(
    leftOf(await bench.ask("sessions", ["signal 0", ...leaders.map(toLine)])),
    [two.pid],
  );
});

testShells("finds members whatever they call themselves", async (bench) => {
  for (const name of HOSTILE_NAMES) {
    const leader = await startNamed(bench, name);
    assertEquals(
      leftOf(await bench.ask("sessions", ["signal 0", toLine(leader)])),
      membersSorted(leader.pid),
      JSON.stringify(name),
    );
    await bench.ask("sessions", ["signal KILL", toLine(leader)]);
    assertEquals(membersOf(leader.pid), [], JSON.stringify(name));
  }
});

testShells("kills no stranger that looks like a member", async (bench) => {
  const launch = await bench.launch({ command: ["/usr/bin/sleep", "1000"] });
  const { pid, ...rest } = await launch.executed("sleep");
  const strangers = [
    await startNamed(bench, `) S 1 1 ${pid}`),
    await startNamed(bench, `\n) S 1 1 ${pid}`),
  ];
  const answer = await bench.ask("sessions", [
    "signal KILL",
    toLine({ pid, ...rest }),
  ]);
  assertEquals(answer, ["left"]);
  assert(!isAlive(pid));
  assert(strangers.every((stranger) => isAlive(stranger.pid)));
});

testShells("says that there is nobody", async (bench) => {
  assertEquals(await bench.ask("sessions", ["signal KILL"]), ["left"]);
});

testShells("calls no session empty because its tools fail", async (bench) => {
  const launch = await bench.launch({ command: ["/usr/bin/sleep", "1000"] });
  const identity = await launch.executed("sleep");
  const tools = `${bench.dir}/tools`;
  await Deno.mkdir(tools);
  await writeProgram(`${tools}/cut`, "#!/bin/sh\nkill -KILL $$\n");
  const script = await Deno.readTextFile(bench.launcher);
  const path = `${bench.dir}/broken.sh`;
  await writeProgram(path, script.replace("tools=/usr/bin", `tools=${tools}`));
  const child = new Deno.Command(path, {
    args: ["sessions"],
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(
    `bcs-launcher 1\nsignal 0\n${toLine(identity)}\nend\n`,
  ));
  await writer.close();
  const { stdout } = await child.output();
  assertEquals(new TextDecoder().decode(stdout), `left ${identity.pid}\n`);
});
