/** Time and the daemon are scripted: nothing here waits for either. */
import { assertEquals } from "@std/assert";
import type { CheckInfo, HealthCheck } from "../../../executor/mesos/types.ts";
import {
  makeTask,
  settled,
  TaskBench,
} from "../../support/in_process_daemon.ts";

const HEALTH_CHECK: HealthCheck = {
  type: "COMMAND",
  command: { value: "./check.sh" },
  delay_seconds: 1,
  interval_seconds: 5,
  grace_period_seconds: 0,
  consecutive_failures: 2,
};
const CHECK: CheckInfo = {
  type: "COMMAND",
  command: { command: { value: "./look.sh" } },
  delay_seconds: 1,
  interval_seconds: 5,
};
const RUNNING = { Status: "running" } as const;
const STOPPED = { Status: "stopped", Result: "stopped" } as const;

/** A bench on which "one" runs, with checks. */
async function running(
  checks: { health_check?: HealthCheck; check?: CheckInfo },
  data?: string,
): Promise<TaskBench> {
  const bench = new TaskBench();
  bench.follow();
  const more = data === undefined ? checks : { ...checks, data };
  bench.tasks.launch([makeTask("one", more)]);
  await settled();
  await bench.change("one", RUNNING);
  return bench;
}

Deno.test("Task reports its health, and only when that changes", async () => {
  const bench = await running({ health_check: HEALTH_CHECK });
  assertEquals(bench.last?.healthy, undefined, "nobody knows yet");
  await bench.advance(1_000);
  assertEquals(bench.last?.state, "TASK_RUNNING");
  assertEquals(bench.last?.healthy, true);
  assertEquals(bench.last?.reason, "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED");
  const { length } = bench.reports;
  await bench.waitLong(60_000);
  assertEquals(bench.reports.length, length);
  assertEquals(bench.callsOf("exec").length > 10, true);
});

for (
  const [whose, data, state] of [
    ["Mesos", undefined, "TASK_KILLED"],
    ["BCS", btoa(btoa('{"ProcInfo":{"startCmd":"/bin/x"}}')), "TASK_FAILED"],
  ] as const
) {
  Deno.test(`Task that stays unhealthy is killed, and ends as ${whose} has it`, async () => {
    const bench = await running({ health_check: HEALTH_CHECK }, data);
    bench.daemon.execCode = 1;
    await bench.advance(1_000);
    assertEquals(bench.last?.healthy, false);
    assertEquals(bench.callsOf("stop"), []);
    await bench.advance(5_000);
    assertEquals(bench.last?.healthy, false);
    assertEquals(bench.callsOf("stop"), ["stop one 3"]);
    const probes = bench.callsOf("exec").length;
    await bench.waitLong(2_000);
    assertEquals(bench.callsOf("exec").length, probes, "it is ending");
    await bench.change("one", STOPPED);
    assertEquals(bench.last?.state, state);
    assertEquals(bench.last?.healthy, false);
    assertEquals(bench.last?.reason, "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED");
  });
}

Deno.test("Task carries the status of its check in every report", async () => {
  const bench = await running({ check: CHECK });
  const initial = { type: "COMMAND", command: {} };
  assertEquals(
    bench.reports.map(({ checkStatus }) => checkStatus),
    [initial, initial],
  );
  bench.daemon.execCode = 7;
  await bench.advance(1_000);
  assertEquals(bench.last?.reason, "REASON_TASK_CHECK_STATUS_UPDATED");
  const seen = { type: "COMMAND", command: { exit_code: 7 } };
  assertEquals(bench.last?.checkStatus, seen);
  await bench.change("one", STOPPED);
  assertEquals(bench.last?.state, "TASK_KILLED");
  assertEquals(bench.last?.checkStatus, seen);
});

Deno.test("Task without checks says nothing of health", async () => {
  const bench = await running({});
  await bench.waitLong(60_000);
  await bench.change("one", STOPPED);
  for (const report of bench.reports) {
    assertEquals("healthy" in report, false);
    assertEquals("checkStatus" in report, false);
  }
  assertEquals(bench.callsOf("exec"), []);
});

Deno.test("Task rests its checks while the agent is away", async () => {
  const bench = await running({ health_check: HEALTH_CHECK });
  bench.daemon.execCode = 1;
  bench.tasks.onConnected(false);
  await bench.waitLong(60_000);
  assertEquals(bench.callsOf("exec"), []);
  bench.tasks.onConnected(true);
  await settled();
  await bench.advance(0);
  assertEquals(bench.callsOf("exec").length, 1);
  assertEquals(bench.last?.healthy, false);
});

Deno.test("Task rests its checks while its process is restarted, then begins anew", async () => {
  const bench = await running({ health_check: HEALTH_CHECK });
  await bench.advance(1_000);
  await bench.change("one", { Status: "stopping" });
  const probes = bench.callsOf("exec").length;
  await bench.waitLong(60_000);
  assertEquals(bench.callsOf("exec").length, probes);
  await bench.change("one", { ...RUNNING, Generation: 2 });
  assertEquals(bench.last?.state, "TASK_RUNNING");
  assertEquals(bench.last?.healthy, undefined, "it is another process");
  assertEquals(bench.callsOf("exec").length, probes, "after its delay");
  await bench.advance(1_000);
  assertEquals(bench.last?.healthy, true);
});

Deno.test("Task is not judged by a daemon that is away", async () => {
  const bench = await running({ health_check: HEALTH_CHECK });
  bench.daemon.fail("exec", { code: "UNAVAILABLE", times: 5 });
  await bench.advance(1_000);
  for (let times = 0; times < 4; times++) await bench.advance(5_000);
  assertEquals(bench.callsOf("exec").length, 5);
  assertEquals(bench.last?.healthy, undefined);
  await bench.advance(5_000);
  assertEquals(bench.last?.healthy, true);
});

Deno.test("Task with a wrong check is invalid", async () => {
  const bench = new TaskBench();
  bench.follow();
  const health_check: HealthCheck = {
    type: "HTTP",
    http: { port: 70_000, path: "check" },
  };
  bench.tasks.launch([makeTask("one", { health_check })]);
  await settled();
  assertEquals(bench.states, ["one TASK_FAILED"]);
  assertEquals(bench.last?.reason, "REASON_TASK_INVALID");
  for (const field of ["health_check.http.port", "health_check.http.path"]) {
    assertEquals(bench.last?.message.includes(field), true, field);
  }
});
