/** Time and the daemon are scripted: nothing here waits for either. */
import { assertEquals } from "@std/assert";
import { AppError } from "../../../shared/errors.ts";
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

Deno.test("TaskManager stops with the grace given, the task's, or 3 s", async () => {
  const bench = await launched();
  const kill_policy = { grace_period: { nanoseconds: 7_100_000_000 } };
  bench.tasks.launch([makeTask("two", { kill_policy })]);
  await settled();
  bench.tasks.kill("one");
  bench.tasks.kill("one", 0);
  bench.tasks.kill("two");
  bench.tasks.kill("two", 1_500);
  // The longest that the daemon takes: it would refuse any more.
  bench.tasks.kill("two", Number.MAX_SAFE_INTEGER);
  await settled();
  assertEquals(bench.callsOf("stop"), [
    "stop one 3",
    "stop one 1",
    "stop two 8",
    "stop two 2",
    "stop two 31536000",
  ]);
  await bench.change("one", { ...ENDED, Result: "stopped" });
  assertEquals(bench.last?.state, "TASK_KILLED");
});

Deno.test("TaskManager does not shorten a kill as the task's time is over", async () => {
  const bench = new TaskBench();
  bench.follow();
  const max_completion_time = { nanoseconds: 5_000_000_000 };
  bench.tasks.launch([makeTask("one", { max_completion_time })]);
  await settled();
  bench.tasks.kill("one", 60_000);
  await bench.waitLong(10_000);
  assertEquals(bench.callsOf("stop"), ["stop one 60"]);
});

Deno.test("TaskManager does not shorten a kill as the task is unhealthy", async () => {
  const bench = new TaskBench();
  bench.follow();
  const health_check = {
    type: "COMMAND",
    command: { value: "false" },
    delay_seconds: 1,
    grace_period_seconds: 0,
    interval_seconds: 1,
  } as const;
  bench.daemon.execCode = 1;
  bench.tasks.launch([makeTask("one", { health_check })]);
  await settled();
  await bench.change("one", { Status: "running" });
  await bench.waitLong(1_000);
  assertEquals(bench.last?.healthy, false);
  // It is not said to be stopping: the daemon may not have heard of it yet.
  bench.tasks.kill("one", 60_000);
  await bench.waitLong(10_000);
  assertEquals(bench.callsOf("stop"), ["stop one 60"]);
});

Deno.test("TaskManager stops a process whose create lost its answer", async () => {
  const bench = await launched((daemon) =>
    daemon.fail("create", { code: "UNAVAILABLE", isDone: true })
  );
  bench.tasks.kill("one", 5_000);
  await bench.waitLong(2_000);
  assertEquals(bench.callsOf("stop"), ["stop one 5"]);
  assertEquals(bench.callsOf("create"), ["create one"]);
  await bench.change("one", { ...ENDED, Result: "stopped" });
  assertEquals(bench.last?.state, "TASK_KILLED");
});

/** "one" is being created: the answer comes when the test gives it. */
async function creating() {
  const answer = Promise.withResolvers<void>();
  const bench = await launched((daemon) => {
    daemon.create = async (info) => {
      await answer.promise;
      daemon.infos.set(info.Id, info);
    };
  });
  return { bench, answer };
}

Deno.test("TaskManager does not stop another's process of the same name", async () => {
  const { bench, answer } = await creating();
  bench.tasks.kill("one", 5_000);
  await settled();
  answer.reject(new AppError("ALREADY_EXISTS", "one already existed"));
  await settled();
  assertEquals(bench.callsOf("stop"), []);
  assertEquals(bench.states, ["one TASK_STARTING", "one TASK_KILLED"]);
});

Deno.test("TaskManager stops what was killed while it was created", async () => {
  const { bench, answer } = await creating();
  bench.tasks.kill("one", 5_000);
  bench.tasks.kill("one", 2_000);
  await bench.waitLong(1_000);
  assertEquals(bench.callsOf("stop"), []);
  // Had it been asked before, its word that it knows no "one" would come now.
  answer.resolve();
  await settled();
  assertEquals(bench.callsOf("stop"), ["stop one 5", "stop one 2"]);
  assertEquals(bench.states, ["one TASK_STARTING"]);
  await bench.change("one", { ...ENDED, Result: "stopped" });
  assertEquals(bench.last?.state, "TASK_KILLED");
});

Deno.test("TaskManager does not create again what is to be killed", async () => {
  const bench = await launched((daemon) =>
    daemon.fail("create", { code: "UNAVAILABLE", times: 2 })
  );
  bench.tasks.kill("one", 5_000);
  await bench.waitLong(2_000);
  assertEquals(bench.last?.state, "TASK_KILLED");
  assertEquals(bench.daemon.infos.size, 0);
});

Deno.test("TaskManager waits between two looks for what is to be killed", async () => {
  const bench = await launched((daemon) => {
    daemon.fail("create", { code: "UNAVAILABLE" });
    daemon.fail("inspect", { code: "UNAVAILABLE", times: 20 });
  });
  bench.tasks.kill("one", 5_000);
  await settled();
  assertEquals(bench.callsOf("inspect"), ["inspect one"]);
  await bench.waitLong(20_000);
  assertEquals(bench.last?.state, "TASK_KILLED");
});

Deno.test("TaskManager leaves another's process alone when a create was not answered", async () => {
  const bench = await launched((daemon) => {
    daemon.create = (info) => {
      daemon.infos.set("one", { ...info, ExecutorId: "exec-2" });
      return Promise.reject(new AppError("UNAVAILABLE", "no answer"));
    };
  });
  await bench.waitLong(DAEMON_WAIT_MS + 1_000);
  assertEquals(bench.last?.state, "TASK_FAILED");
  assertEquals(bench.tasks.hasUnresolved, false);
  assertEquals(bench.callsOf("inspect").length, 1);
  assertEquals(bench.callsOf("stop"), []);
  assertEquals(bench.callsOf("delete"), []);
});

Deno.test("TaskManager kills what is unknown or over without a word", async () => {
  const bench = await launched();
  bench.tasks.kill("nobody");
  await bench.change("one", ENDED);
  bench.tasks.kill("one");
  await settled();
  assertEquals(bench.callsOf("stop"), []);
  assertEquals(bench.states, ["one TASK_STARTING", "one TASK_FINISHED"]);
});

Deno.test("TaskManager reports a task whose process the daemon has forgotten", async () => {
  const bench = await launched();
  await bench.change("one", { Status: "running" });
  bench.daemon.infos.clear();
  bench.tasks.kill("one", 1_000);
  await bench.waitLong(DAEMON_WAIT_MS + 5_000);
  // There is nothing left that could end it later.
  assertEquals(bench.last?.state, "TASK_KILLED");
});

Deno.test("TaskManager deletes a process when its end is acknowledged", async () => {
  const bench = await launched();
  await bench.tasks.onAcknowledged("one", "TASK_STARTING");
  assertEquals(bench.tasks.unacknowledged, []);
  await bench.change("one", ENDED);
  await bench.tasks.onAcknowledged("one", "TASK_RUNNING");
  assertEquals(bench.callsOf("delete"), []);
  bench.daemon.fail("delete", { code: "UNAVAILABLE" });
  const deleted = bench.tasks.onAcknowledged("one", "TASK_FINISHED");
  await bench.waitLong(1_000);
  await deleted;
  assertEquals(bench.callsOf("delete"), ["delete one", "delete one"]);
  assertEquals(bench.failures, []);
});

Deno.test("TaskManager ends a process that was started again after its end", async () => {
  const bench = await launched();
  await bench.change("one", ENDED);
  bench.daemon.fail("delete", { code: "FAILED_PRECONDITION" });
  const over = bench.tasks.onAcknowledged("one", "TASK_FINISHED");
  await settled();
  await over;
  assertEquals(bench.callsOf("stop"), ["stop one 0"]);
  assertEquals(bench.callsOf("delete"), ["delete one", "delete one"]);
  assertEquals([...bench.daemon.infos.keys()], []);
  assertEquals(bench.tasks.hasUnresolved, false);
});

Deno.test("TaskManager has nothing to say of processes that are not its own", async () => {
  const bench = new TaskBench();
  bench.tasks.launch([makeTask("one")]);
  await bench.change("other", ENDED);
  // Of an earlier life: "one" is not created yet.
  await bench.change("one", ENDED);
  bench.follow();
  await settled();
  assertEquals(bench.callsOf("create"), ["create one"]);
  assertEquals(bench.states, ["one TASK_STARTING"]);
  assertEquals(bench.tasks.hasLive, true);
});

Deno.test("TaskManager holds nobody up for a process that cannot be deleted", async () => {
  const bench = await launched();
  await bench.change("one", ENDED);
  bench.daemon.fail("delete", { code: "UNAVAILABLE", times: 1_000 });
  let isDone = false;
  const acknowledged = bench.tasks.onAcknowledged("one", "TASK_FINISHED")
    .then(() => isDone = true);
  // The executor leaves when this is done: a daemon may stay away for good.
  await bench.waitLong(5_000);
  assertEquals(isDone, true);
  await acknowledged;
  assertEquals(bench.failures, []);
});
