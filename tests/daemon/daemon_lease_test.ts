import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { eventually } from "./support/eventually.ts";
import { isAlive } from "./support/proc.ts";
import { waitForLine } from "./support/scripts.ts";
import { TestDaemon } from "../support/test_daemon.ts";

// What becomes of processes whose owner is not heard of: a real daemon with a
// lease of one second.

const FLAGS = { flags: { "heartbeat-timeout": "1" } };
const SLEEP = { StartCmd: "/usr/bin/sleep", Argv: ["1000"] };

Deno.test("a process whose owner is silent is stopped, by its own command", async () => {
  await using daemon = await TestDaemon.start(FLAGS);
  const id = await daemon.create({
    Id: "one",
    StartCmd: "trap 'echo saved; exit 0' USR1; echo $$ > main.pid; " +
      "echo ready; while :; do sleep 0.01; done",
    StopCmd: "kill -USR1 $(cat main.pid)",
  });
  const log = `${daemon.logDir}/one.stdout`;
  await waitForLine(log, "ready");
  // Nobody's is nobody's orphan.
  const other = await daemon.create({ Id: "other", ...SLEEP });
  await daemon.client.handOver(id, "", "run-1");
  const status = await daemon.waitForState(id, "stopped");
  assertEquals(
    [status.Result, status.ExitCode, status.ExitKnown, status.Owner],
    ["lease-expired", 0, true, "run-1"],
  );
  assertStringIncludes(
    status.Message,
    "process one was stopped, as its owner run-1 was not heard of for 1 s",
  );
  await waitForLine(log, "saved");
  const { History } = await daemon.client.inspect(id);
  assert(History.some(({ Cause }) => Cause === "leaseEnded"));
  assertEquals((await daemon.client.status(other)).Status, "running");
});

Deno.test("a process is left alone while its owner is heard of, and when it is kept", async () => {
  await using daemon = await TestDaemon.start(FLAGS);
  const heard = await daemon.create({
    Id: "heard",
    ...SLEEP,
    ExecutorId: "run-1",
    HeartBeatTimeout: 3_600,
  });
  const kept = await daemon.create({
    Id: "kept",
    ...SLEEP,
    OrphanPolicy: "keep",
  });
  await daemon.waitForState(heard, "running");
  await daemon.waitForState(kept, "running");
  await daemon.client.handOver(kept, "", "run-2");
  const silent = await daemon.create({
    Id: "silent",
    ...SLEEP,
    ExecutorId: "run-3",
  });
  const answer = await daemon.client.heartbeat("run-1");
  assertEquals(answer, { Processes: 1, Timeout: 3_600 });
  await daemon.waitForState(silent, "stopped");
  const status = await daemon.waitFor(kept, ({ Message }) =>
    Message ===
      "process kept is kept, though its owner run-2 was not heard of for 1 s");
  assertEquals([status.Status, status.Owner], ["running", ""]);
  assertEquals((await daemon.client.status(heard)).Status, "running");
  await daemon.client.handOver(kept, "", "run-1");
  assertEquals((await daemon.client.heartbeat("run-1")).Processes, 2);
});

Deno.test("a lease begins anew with the daemon, for whom it was handed to", async () => {
  await using daemon = await TestDaemon.start({
    flags: { "heartbeat-timeout": "3600" },
  });
  const id = await daemon.create({ Id: "one", ...SLEEP, ExecutorId: "run-1" });
  const { Pid } = await daemon.waitForState(id, "running");
  await daemon.client.handOver(id, "run-1", "run-2");
  await daemon.restart();
  const status = await daemon.client.status(id);
  assertEquals([status.Owner, status.Status], ["run-2", "running"]);
  assertEquals((await daemon.client.heartbeat("run-1")).Processes, 0);
  assertEquals((await daemon.client.heartbeat("run-2")).Processes, 1);
  assert(isAlive(Pid));
});

Deno.test("a daemon that was stopped for longer than a lease ends none", async () => {
  await using daemon = await TestDaemon.start({
    flags: { "heartbeat-timeout": "2" },
  });
  const id = await daemon.create({ Id: "one", ...SLEEP });
  const silent = await daemon.create({ Id: "silent", ...SLEEP });
  await daemon.waitForState(id, "running");
  await daemon.waitForState(silent, "running");
  await daemon.client.handOver(silent, "", "run-2");
  await daemon.client.handOver(id, "", "run-1");
  daemon.signal("SIGSTOP");
  const heartbeat = daemon.client.heartbeat("run-1");
  // Longer than the lease: nothing else can be waited for here.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  daemon.signal("SIGCONT");
  assertEquals(await heartbeat, { Processes: 1, Timeout: 2 });
  // From then on it counts as before, and as long.
  let times = 0;
  const status = await eventually("an orphan was stopped", async () => {
    times++;
    await daemon.client.heartbeat("run-1");
    const status = await daemon.client.status(silent);
    return status.Status === "stopped" ? status : null;
  });
  assert(times > 1, "the time of the standstill was held against it");
  assertEquals(status.Result, "lease-expired");
  assertEquals((await daemon.client.status(id)).Status, "running");
});

Deno.test("an orphan stays one over a crash of the daemon, however its stop goes on", async () => {
  await using daemon = await TestDaemon.start(FLAGS);
  const id = await daemon.create({
    Id: "one",
    StartCmd: "trap '' TERM; echo ready; while :; do sleep 0.01; done",
    StopTimeout: 600,
  });
  await waitForLine(`${daemon.logDir}/one.stdout`, "ready");
  await daemon.client.handOver(id, "", "run-1");
  await daemon.waitForState(id, "stopping");
  await daemon.restart();
  await daemon.client.stop(id, 1);
  const { Result, Signal, Message, Owner } = await daemon.client.status(id);
  assertEquals([Result, Signal, Owner], ["lease-expired", 9, "run-1"]);
  assertStringIncludes(Message, "its owner run-1 was not heard of for 1 s");
});
