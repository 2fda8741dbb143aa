/** Time and the daemon are scripted: nothing here waits for either. */
import { assertEquals } from "@std/assert";
import {
  makeTask,
  settled,
  TaskBench,
} from "../../support/in_process_daemon.ts";

const RUNNING = { Status: "running" } as const;
const FINISHED = {
  Status: "stopped",
  Result: "exited",
  ExitKnown: true,
} as const;
const FAILED = { ...FINISHED, ExitCode: 3 } as const;
const STOPPED = { Status: "stopped", Result: "stopped" } as const;

/** A bench on which a group of tasks runs. */
async function running(
  ids: readonly string[],
  prepare: (bench: TaskBench) => void = () => {},
): Promise<TaskBench> {
  const bench = new TaskBench();
  prepare(bench);
  bench.follow();
  bench.tasks.launch(ids.map((id) => makeTask(id)));
  await settled();
  for (const id of ids) await bench.change(id, RUNNING);
  bench.reports.length = 0;
  return bench;
}

/** A task's data as BCS's scheduler encodes it. */
function bcsData(): string {
  const json = JSON.stringify({ ProcInfo: { startCmd: "/bin/true" } });
  return btoa(btoa(json));
}

for (
  const [how, end, state] of [
    ["fails", FAILED, "TASK_FAILED"],
    ["is stopped by an operator", STOPPED, "TASK_KILLED"],
  ] as const
) {
  Deno.test(`TaskManager ends the rest of a group when one ${how}`, async () => {
    const bench = await running(["one", "two", "three"]);
    await bench.change("two", end);
    assertEquals(bench.callsOf("stop"), ["stop one 3", "stop three 3"]);
    await bench.change("one", STOPPED);
    await bench.change("three", STOPPED);
    assertEquals(bench.states, [
      `two ${state}`,
      "one TASK_KILLED",
      "three TASK_KILLED",
    ]);
    assertEquals(bench.callsOf("stop").length, 2);
  });
}

Deno.test("TaskManager ends the rest of a group when one is killed", async () => {
  const bench = await running(["one", "two"]);
  bench.tasks.kill("one", 7_000);
  await bench.change("one", STOPPED);
  assertEquals(bench.callsOf("stop"), ["stop one 7", "stop two 3"]);
});

Deno.test("TaskManager lets a group go on when one has finished", async () => {
  const bench = await running(["one", "two"]);
  await bench.change("one", FINISHED);
  assertEquals(bench.callsOf("stop"), []);
  assertEquals(bench.tasks.hasLive, true);
});

Deno.test("TaskManager ends nobody else for a task that came alone", async () => {
  const bench = await running(["one"]);
  bench.tasks.launch([makeTask("two")]);
  await settled();
  await bench.change("one", FAILED);
  assertEquals(bench.callsOf("stop"), []);
});

Deno.test("TaskManager leaves those their time that are killed already", async () => {
  const bench = await running(["one", "two"]);
  bench.tasks.kill("two", 60_000);
  await bench.change("one", FAILED);
  assertEquals(bench.callsOf("stop"), ["stop two 60"]);
});

Deno.test("TaskManager ends what has not begun when one of its group fails", async () => {
  const bench = new TaskBench();
  bench.daemon.fail("create", { code: "INTERNAL" });
  bench.follow();
  bench.tasks.launch([makeTask("one"), makeTask("two")]);
  await settled();
  await bench.change("two", STOPPED);
  assertEquals(bench.states.slice(2), ["one TASK_FAILED", "two TASK_KILLED"]);
});

Deno.test("TaskManager reports TASK_KILLING once, to a framework that knows it", async () => {
  const bench = await running(["one"], (bench) => bench.hasKillingState = true);
  bench.tasks.kill("one", 9_000);
  bench.tasks.kill("one", 2_000);
  await settled();
  await bench.change("one", RUNNING);
  await bench.change("one", STOPPED);
  assertEquals(bench.states, ["one TASK_KILLING", "one TASK_KILLED"]);
  assertEquals(bench.callsOf("stop"), ["stop one 9", "stop one 2"]);
});

Deno.test("TaskManager reports no TASK_KILLING of what never began", async () => {
  const bench = new TaskBench();
  bench.hasKillingState = true;
  bench.tasks.launch([makeTask("one")]);
  bench.tasks.kill("one");
  bench.follow();
  await settled();
  assertEquals(bench.states, ["one TASK_STARTING", "one TASK_KILLED"]);
});

Deno.test("TaskManager fails a task that takes too long", async () => {
  const bench = new TaskBench();
  bench.hasKillingState = true;
  bench.follow();
  const max_completion_time = { nanoseconds: 90_000_000_000 };
  bench.tasks.launch([makeTask("one", { max_completion_time })]);
  await settled();
  await bench.change("one", RUNNING);
  await bench.advance(89_999);
  assertEquals(bench.callsOf("stop"), []);
  await bench.advance(1);
  assertEquals(bench.callsOf("stop"), ["stop one 1"]);
  await bench.change("one", STOPPED);
  assertEquals(bench.last?.state, "TASK_FAILED");
  assertEquals(bench.last?.reason, "REASON_MAX_COMPLETION_TIME_REACHED");
  assertEquals(bench.states.includes("one TASK_KILLING"), false);
});

for (const end of ["its end", "a kill"]) {
  Deno.test(`TaskManager counts a task's time no more after ${end}`, async () => {
    const bench = new TaskBench();
    bench.follow();
    const max_completion_time = { nanoseconds: 90_000_000_000 };
    bench.tasks.launch([makeTask("one", { max_completion_time })]);
    await settled();
    await bench.change("one", RUNNING);
    if (end === "a kill") bench.tasks.kill("one");
    await bench.change("one", end === "a kill" ? STOPPED : FINISHED);
    assertEquals(bench.clock.pending, 0);
    const killed = end === "a kill" ? "TASK_KILLED" : "TASK_FINISHED";
    assertEquals(bench.last?.state, killed);
  });
}

Deno.test("TaskManager names the ends of a shutdown as BCS can take them", async () => {
  const bench = new TaskBench();
  bench.follow();
  const more = { data: bcsData() };
  bench.tasks.launch([makeTask("one", more), makeTask("two", more)]);
  // Not BCS's: Mesos' names, whoever has finished.
  bench.tasks.launch([makeTask("three"), makeTask("four")]);
  await settled();
  for (const id of ["one", "two", "three", "four"]) {
    await bench.change(id, RUNNING);
  }
  await bench.change("one", FINISHED);
  await bench.change("three", FINISHED);
  bench.tasks.shutdown(4_000);
  assertEquals(bench.callsOf("stop"), ["stop two 4", "stop four 4"]);
  await bench.change("two", STOPPED);
  await bench.change("four", STOPPED);
  assertEquals(bench.states.slice(-2), [
    "two TASK_FINISHED",
    "four TASK_KILLED",
  ]);
});

Deno.test("TaskManager does not apply the group's policy to a shutdown", async () => {
  const bench = await running(["one", "two"]);
  bench.tasks.shutdown(4_000);
  await bench.change("one", STOPPED);
  assertEquals(bench.callsOf("stop"), ["stop one 4", "stop two 4"]);
});

Deno.test("TaskManager reports a process that was started again", async () => {
  const bench = await running(["one"]);
  for (const Status of ["stopping", "staging", "starting"] as const) {
    await bench.change("one", { Status });
    assertEquals(bench.tasks.runningIds, []);
  }
  await bench.change("one", { ...RUNNING, Generation: 2 });
  await bench.change("one", { ...RUNNING, Generation: 2 });
  assertEquals(bench.states, ["one TASK_RUNNING"]);
  assertEquals(bench.tasks.runningIds, ["one"]);
});
