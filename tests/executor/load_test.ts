/** Many tasks, large tasks, many updates: nothing is lost, in bounded memory. */
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../daemon/support/eventually.ts";
import { FakeAgent } from "../support/fake_agent.ts";
import { ServedDaemon } from "../support/served_daemon.ts";
import { tempDir } from "../support/temp_dir.ts";
import { shellTask, TestExecutor } from "../support/test_executor.ts";

const TASKS = 100;
const IDS = Array.from({ length: TASKS }, (_, index) => `task-${index}`);
/** How often each task is started anew: 200 updates a second for 10 s. */
const STARTS = 20;
const START_INTERVAL_MS = 500;
const LARGE_BYTES = 10 * 1024 * 1024;

/** Most memory it has ever had, MiB. */
async function peakMib(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  return Number(kib) / 1024;
}

async function printPeak(
  what: string,
  executor: TestExecutor,
  mibMax: number,
): Promise<void> {
  const mib = await peakMib(executor.pid);
  Deno.stdout.writeSync(
    new TextEncoder().encode(`${what}: the executor had ${mib | 0} MiB\n`),
  );
  assert(mib < mibMax, `${mib} MiB, and not below ${mibMax}`);
}

for (const codec of ["json", "protobuf"] as const) {
  Deno.test(`executor is in bounds with 100 tasks and 200 updates a second (${codec})`, async () => {
    await using dir = await tempDir();
    await using daemon = new ServedDaemon(`${dir.path}/socket`);
    await using agent = await FakeAgent.start();
    await using executor = await TestExecutor.start(agent, daemon.socket, {
      codec,
    });
    await agent.subscribed();
    agent.launchGroup(IDS.map((id) => shellTask(id, "exec sleep 1000")));
    for (const id of IDS) await agent.updateOf(id, "TASK_RUNNING", 30_000);
    for (let start = 1; start <= STARTS; start++) {
      for (const id of IDS) daemon.processes.startAnew(id);
      await new Promise((resolve) => setTimeout(resolve, START_INTERVAL_MS));
    }
    await eventually(
      "every update has arrived",
      () => IDS.every((id) => agent.updates(id).length === 2 + STARTS),
    );
    await printPeak(`${TASKS * (2 + STARTS)} updates, ${codec}`, executor, 160);
    agent.shutdown();
    assertEquals(await executor.exit(20_000), 0);
    for (const id of IDS) {
      const states = agent.updates(id).map(({ status }) => status.state);
      assertEquals(states.length, 3 + STARTS);
      assertEquals(states[0], "TASK_STARTING");
      assertEquals(states.at(-1), "TASK_KILLED");
      assertEquals(new Set(states.slice(1, -1)), new Set(["TASK_RUNNING"]));
    }
    assertEquals(daemon.processes.ids, []);
    assertEquals(agent.violations, []);
  });

  Deno.test(`executor is in bounds with a task of 10 MiB (${codec})`, async () => {
    await using dir = await tempDir();
    await using daemon = new ServedDaemon(`${dir.path}/socket`);
    await using agent = await FakeAgent.start();
    await using executor = await TestExecutor.start(agent, daemon.socket, {
      codec,
      subscriptionBackoffMax: "10ms",
    });
    await agent.subscribed();
    agent.acks.hold();
    const data = new Uint8Array(LARGE_BYTES).fill(0xa5).toBase64();
    agent.launch({ ...shellTask("large", "exec sleep 1000"), data });
    await agent.updateOf("large", "TASK_RUNNING", 30_000);
    for (const count of [2, 3]) {
      await agent.closeStream("drop");
      await agent.subscribed(count, 30_000);
    }
    const { unacknowledged_tasks: [task] = [] } = agent.calls
      .findLast(({ type }) => type === "SUBSCRIBE")?.call?.subscribe ?? {};
    assert((task as { readonly data?: string }).data === data, "it came back");
    await printPeak(`10 MiB, ${codec}`, executor, 400);
    agent.acks.release();
    agent.shutdown();
    assertEquals(await executor.exit(20_000), 0);
    assertEquals(agent.violations, []);
  });
}
