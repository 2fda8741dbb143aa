/** Many tasks, large tasks, many updates: nothing is lost. */
import { assert, assertEquals } from "@std/assert";
import { CODECS, HttpWorld } from "../support/http_world.ts";

const TASKS = 100;
const LARGE_BYTES = 10 * 1024 * 1024;
/** How often each task is started anew: 200 updates each virtual second. */
const STARTS = 20;
const START_INTERVAL_MS = 500;
const MIB = 2 ** 20;

const IDS = Array.from({ length: TASKS }, (_, index) => `task-${index}`);

function printMemory(what: string): void {
  const mib = Math.round(Deno.memoryUsage().rss / MIB);
  Deno.stdout.writeSync(
    new TextEncoder().encode(`${what}: ${mib} MiB with agent and test\n`),
  );
}

for (const codec of CODECS) {
  Deno.test(`executor runs a group of ${TASKS} tasks (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, daemon } = world;
    await world.running(...IDS);
    assertEquals(daemon.runningIds, IDS);
    for (const id of IDS) agent.kill(id);
    await world.untilLeft();
    assertEquals(world.exitCode, 0);
    for (const id of IDS) {
      assertEquals(world.statesOf(id), [
        "TASK_STARTING",
        "TASK_RUNNING",
        "TASK_KILLED",
      ]);
    }
    assertEquals(daemon.ids, []);
    assertEquals(agent.violations, []);
    printMemory(`${TASKS} tasks, ${codec}`);
  });

  Deno.test(`executor takes a task of 10 MiB and brings it back (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    agent.acks.hold();
    const data = new Uint8Array(LARGE_BYTES).fill(0xa5).toBase64();
    agent.launch({
      task_id: { value: "large" },
      command: { value: "exec sleep 1000" },
      data,
    });
    await world.untilState("large", "TASK_RUNNING");
    await agent.closeStream("drop");
    await world.until("subscribed anew", () => agent.subscriptions === 2);
    const [task] = agent.calls.findLast(({ type }) => type === "SUBSCRIBE")
      ?.call?.subscribe?.unacknowledged_tasks ?? [];
    assert((task as { readonly data?: string }).data === data);
    agent.acks.release();
    agent.kill("large");
    await world.untilLeft();
    assertEquals(agent.violations, []);
    printMemory(`10 MiB, ${codec}`);
  });

  Deno.test(`executor brings 200 updates a second (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, daemon, clock } = world;
    await world.running(...IDS);
    for (let start = 0; start < STARTS; start++) {
      for (const id of IDS) daemon.startAnew(id);
      const endMs = clock.monotonicMs() + START_INTERVAL_MS;
      await world.until("the next start", () => clock.monotonicMs() >= endMs);
    }
    for (const id of IDS) agent.kill(id);
    await world.untilLeft();
    assertEquals(world.exitCode, 0);
    for (const id of IDS) {
      const states = world.statesOf(id);
      assertEquals(states.length, 3 + STARTS);
      assertEquals(states[0], "TASK_STARTING");
      assertEquals(states.at(-1), "TASK_KILLED");
      assertEquals(new Set(states.slice(1, -1)), new Set(["TASK_RUNNING"]));
    }
    assertEquals(daemon.ids, []);
    assertEquals(agent.violations, []);
    printMemory(`${TASKS * (3 + STARTS)} updates, ${codec}`);
  });
}
