/** Time and the daemon are scripted: nothing here waits for either. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  launched,
  makeTask,
  settled,
  TaskBench,
} from "../../support/in_process_daemon.ts";

/** Longest wait for a daemon, ms. */
const DAEMON_WAIT_MS = 10_000;
/** Status of a process that has exited by itself, with code 0. */
const ENDED = {
  Status: "stopped",
  Result: "exited",
  ExitKnown: true,
} as const;

Deno.test("TaskManager reports TASK_STARTING, then creates, then what it sees", async () => {
  const bench = new TaskBench();
  bench.tasks.launch([makeTask("one")]);
  await settled();
  assertEquals(bench.states, ["one TASK_STARTING"]);
  assertEquals(bench.daemon.calls, []);
  bench.follow();
  await settled();
  assertEquals(bench.callsOf("create"), ["create one"]);
  const info = bench.daemon.infos.get("one");
  assertEquals([info?.User, info?.WorkDir, info?.ExecutorId], [
    "games",
    "/sandbox",
    "exec-1",
  ]);
  await bench.change("one", { Status: "running" });
  await bench.change("one", ENDED);
  assertEquals(bench.states, [
    "one TASK_STARTING",
    "one TASK_RUNNING",
    "one TASK_FINISHED",
  ]);
  assertEquals(bench.tasks.hasLive, false);
});

Deno.test("TaskManager says of bad input that the task is invalid", async () => {
  const bench = await launched((daemon) =>
    daemon.fail("create", { code: "INVALID_ARGUMENT" })
  );
  assertEquals(bench.states, ["one TASK_STARTING", "one TASK_FAILED"]);
  assertEquals(bench.last?.reason, "REASON_TASK_INVALID");
  assertEquals(bench.tasks.processIds, []);
});

Deno.test("TaskManager refuses what it cannot give before it asks the daemon", async () => {
  const bench = new TaskBench();
  bench.follow();
  bench.tasks.launch([makeTask("empty", { command: {} })]);
  bench.tasks.launch([makeTask("boxed", { container: { type: "DOCKER" } })]);
  await settled();
  assertEquals(bench.states, ["empty TASK_FAILED", "boxed TASK_FAILED"]);
  assertEquals(bench.last?.reason, "REASON_TASK_INVALID");
  assertEquals(bench.daemon.calls, []);
});

Deno.test("TaskManager starts nothing of a group with an invalid task", async () => {
  const bench = new TaskBench();
  bench.follow();
  bench.tasks.launch([
    makeTask("one"),
    makeTask("empty", { command: {} }),
    makeTask("two"),
  ]);
  await settled();
  assertEquals(bench.states, [
    "one TASK_KILLED",
    "empty TASK_FAILED",
    "two TASK_KILLED",
  ]);
  assertStringIncludes(bench.last?.message ?? "", "task empty of its group");
  assertEquals(bench.daemon.calls, []);
  assertEquals(bench.tasks.hasLive, false);
});

Deno.test("TaskManager starts nothing of a group that the daemon would refuse", async () => {
  const bench = new TaskBench();
  bench.follow();
  bench.tasks.launch([makeTask("one"), makeTask("a/b")]);
  await settled();
  assertEquals(bench.states, ["one TASK_KILLED", "a/b TASK_FAILED"]);
  assertStringIncludes(bench.last?.message ?? "", "Id: must");
  assertEquals(bench.daemon.calls, []);
});

Deno.test("TaskManager does not blame the task for the daemon's failure", async () => {
  const bench = await launched((daemon) =>
    daemon.fail("create", { code: "INTERNAL" })
  );
  assertEquals(bench.last?.state, "TASK_FAILED");
  assertEquals(bench.last?.reason, undefined);
  assertStringIncludes(bench.last?.message ?? "", "scripted INTERNAL");
  assertEquals(bench.callsOf("create").length, 1);
});

Deno.test("TaskManager ignores a second launch of a task, also after its end", async () => {
  const bench = await launched();
  bench.tasks.launch([makeTask("one"), makeTask("two")]);
  await settled();
  await bench.change("one", { Status: "running" });
  await bench.change("one", ENDED);
  bench.tasks.launch([makeTask("one")]);
  await settled();
  assertEquals(bench.callsOf("create"), ["create one", "create two"]);
  assertEquals(bench.states.filter((text) => text.startsWith("one")).length, 3);
});

Deno.test("TaskManager does not start what is killed before it starts", async () => {
  const bench = new TaskBench();
  bench.tasks.launch([makeTask("one")]);
  bench.tasks.kill("one");
  await settled();
  bench.follow();
  await settled();
  assertEquals(bench.states, ["one TASK_STARTING", "one TASK_KILLED"]);
  assertEquals(bench.daemon.calls, []);
  assertEquals(bench.tasks.hasLive, false);
});

Deno.test("TaskManager waits for a daemon that is away", async () => {
  const bench = await launched((daemon) =>
    daemon.fail("create", { code: "UNAVAILABLE", times: 3 })
  );
  for (const waitMs of [50, 100, 200]) {
    assertEquals(bench.states, ["one TASK_STARTING"]);
    await bench.advance(waitMs);
  }
  assertEquals(bench.callsOf("create").length, 4);
  await bench.change("one", { Status: "running" });
  assertEquals(bench.last?.state, "TASK_RUNNING");
});

Deno.test("TaskManager gives up on a daemon that stays away", async () => {
  const bench = await launched((daemon) =>
    daemon.fail("create", { code: "UNAVAILABLE", times: 1_000 })
  );
  await bench.waitLong(DAEMON_WAIT_MS - 1_000);
  assertEquals(bench.states, ["one TASK_STARTING"]);
  await bench.waitLong(2_500);
  assertEquals(bench.last?.state, "TASK_FAILED");
  assertEquals(bench.last?.reason, undefined);
});

Deno.test("TaskManager waits for a daemon once, not once to follow and once to create", async () => {
  const bench = new TaskBench();
  bench.daemon.fail("create", { code: "UNAVAILABLE", times: 1_000 });
  bench.tasks.launch([makeTask("one")]);
  await settled();
  await bench.waitLong(DAEMON_WAIT_MS + 2_000);
  assertEquals(bench.last?.state, "TASK_FAILED");
});

Deno.test("TaskManager recognizes its process when the answer was lost", async () => {
  const bench = await launched((daemon) =>
    daemon.fail("create", { code: "UNAVAILABLE", isDone: true })
  );
  await bench.advance(50);
  assertEquals(bench.daemon.calls, ["create one", "create one", "inspect one"]);
  assertEquals(bench.states, ["one TASK_STARTING"]);
  assertEquals(bench.tasks.processIds, ["one"]);
  await bench.change("one", { Status: "running" });
  assertEquals(bench.last?.state, "TASK_RUNNING");
});

Deno.test("TaskManager asks again when the daemon goes away while it looks", async () => {
  const bench = await launched((daemon) => {
    daemon.fail("create", { code: "UNAVAILABLE", isDone: true });
    daemon.fail("inspect", { code: "UNAVAILABLE" });
  });
  await bench.waitLong(2_000);
  // It runs: reporting its failure would leave it to nobody.
  assertEquals(bench.states, ["one TASK_STARTING"]);
  assertEquals(bench.tasks.processIds, ["one"]);
});

Deno.test("TaskManager leaves a process of somebody else alone", async () => {
  const bench = new TaskBench();
  const theirs = await launched();
  const info = theirs.daemon.infos.get("one");
  if (info === undefined) throw new Error("it was not created");
  bench.daemon.infos.set("one", { ...info, ExecutorId: "exec-2" });
  bench.daemon.fail("create", { code: "UNAVAILABLE" });
  bench.follow();
  bench.tasks.launch([makeTask("one")]);
  await settled();
  await bench.advance(50);
  assertEquals(bench.last?.state, "TASK_FAILED");
  assertStringIncludes(bench.last?.message ?? "", "already existed");
  await bench.tasks.onAcknowledged("one", "TASK_FAILED");
  bench.tasks.shutdown(1_000);
  await bench.change("one", ENDED);
  assertEquals(bench.callsOf("stop"), []);
  assertEquals(bench.callsOf("delete"), []);
  assertEquals(bench.reports.length, 2);
});
