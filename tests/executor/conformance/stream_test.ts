/** The stream of events: RecordIO, what cannot be read, two at once. */
import { assert, assertEquals } from "@std/assert";
import { CODECS, HttpWorld } from "../../support/http_world.ts";

/** What a test does to a stream that then has to be given up. */
const MISTAKES: readonly (readonly [
  string,
  (world: HttpWorld) => void | Promise<void>,
])[] = [
  ["a length of 20 nines", ({ agent }) => agent.sendRaw("9".repeat(20))],
  ["a length above the limit", ({ agent }) => agent.sendRaw("67108865\n")],
  ["a length that is no number", ({ agent }) => agent.sendRaw("0x10\n")],
  ["a negative length", ({ agent }) => agent.sendRaw("-5\nhello")],
  ["an empty length", ({ agent }) => agent.sendRaw("\n")],
  ["a record that makes no sense", ({ agent }) => agent.sendRecord("\xff{")],
  ["a record without a type's body", ({ agent }) =>
    agent.sendRecord(
      agent.calls[0]?.headers.get("accept") === "application/json"
        ? '{"type":"KILL"}'
        : Uint8Array.of(8, 3),
    )],
  ["an ERROR", ({ agent }) => agent.sendError("no such luck")],
  ["an end within a record", async ({ agent }) => {
    agent.sendRaw("100\n{");
    await agent.closeStream("end");
  }],
  ["an end within a length", async ({ agent }) => {
    agent.sendRaw("100");
    await agent.closeStream("end");
  }],
  ["a connection that breaks", ({ agent }) => agent.closeStream("drop")],
  ["an end", ({ agent }) => agent.closeStream("end")],
];

for (const codec of CODECS) {
  Deno.test(`stream: it may be cut at every byte (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    const launch = agent.encode({
      type: "LAUNCH",
      launch: {
        task: {
          name: "big",
          task_id: { value: "big" },
          agent_id: { value: "agent-1" },
        },
      },
    });
    // The stream in two chunks, cut at each place of an event, one by one.
    for (let at = 1; at < launch.length; at++) {
      const heartbeat = agent.encode({ type: "HEARTBEAT" });
      agent.sendRaw(launch.subarray(0, at));
      await world.advance(0);
      agent.sendRaw(launch.subarray(at));
      agent.sendRaw(heartbeat);
    }
    agent.chunking = "byte";
    await world.running("one");
    agent.kill("one");
    await world.untilState("one", "TASK_KILLED");
    assertEquals(agent.subscriptions, 1);
  });

  for (const [name, act] of MISTAKES) {
    Deno.test(`stream: ${name} makes it subscribe anew (${codec})`, async () => {
      await using world = await HttpWorld.subscribed({ codec });
      const { agent, daemon } = world;
      await world.running("one");
      await act(world);
      await world.until(
        "subscribed anew",
        () => world.timesLogged("subscribed") === 2,
      );
      assertEquals(agent.subscriptions, 2);
      // Nothing has happened to the process.
      assertEquals(daemon.runningIds, ["one"]);
      agent.kill("one");
      await world.untilLeft();
      assertEquals(world.exitCode, 0);
      assertEquals(world.statesOf("one"), [
        "TASK_STARTING",
        "TASK_RUNNING",
        "TASK_KILLED",
      ]);
      assertEquals(agent.violations, []);
    });
  }

  Deno.test(`stream: events before a mistake are heard (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    await world.running("one", "two");
    const kill = (value: string) =>
      agent.encode({ type: "KILL", kill: { task_id: { value } } });
    // In one chunk.
    agent.sendRaw(
      new Uint8Array([...kill("one"), ...kill("two"), ...[0x2d, 0x0a]]),
    );
    for (const id of ["one", "two"]) {
      await world.untilState(id, "TASK_KILLED");
    }
    await world.untilLeft();
    assertEquals(agent.violations, []);
  });

  Deno.test(`stream: heartbeats alone change nothing (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    for (let count = 0; count < 5; count++) {
      agent.heartbeat();
      await world.advance(30 * 60_000);
    }
    assertEquals(agent.subscriptions, 1);
    await world.running("one");
    assertEquals(agent.violations, []);
  });

  Deno.test(`stream: an event of the future is passed over (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    const events = codec === "json"
      ? [
        '{"type":"FROM_THE_FUTURE","from_the_future":[1]}',
        '{"type":"UNKNOWN"}',
        "{}",
      ]
      // Type 77; type 0; a field 99 and nothing else.
      : [[8, 77], [8, 0], [0x9a, 6, 1, 0]].map((bytes) =>
        Uint8Array.from(bytes)
      );
    for (const event of events) agent.sendRecord(event);
    await world.running("one");
    assertEquals(agent.subscriptions, 1);
    assertEquals(agent.violations, []);
  });

  Deno.test(`stream: a launch that comes again starts nothing (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent, daemon } = world;
    await world.running("one");
    await world.running("one", "two");
    assertEquals(daemon.ids, ["one", "two"]);
    assertEquals(world.statesOf("one"), ["TASK_STARTING", "TASK_RUNNING"]);
    assertEquals(agent.violations, []);
  });

  Deno.test(`stream: a heartbeat that stays away makes it subscribe anew (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    agent.heartbeat();
    await world.until("a silence", () => agent.subscriptions === 2, 60_000);
    assert(world.clock.monotonicMs() > 60 * 60_000);
    assertEquals(agent.violations, []);
  });
}

Deno.test("stream: of two only the newer one counts", async () => {
  await using world = await HttpWorld.subscribed();
  const { agent } = world;
  await world.running("one");
  // A program that steals the subscription: the agent ends the older stream.
  const thief = await fetch(`http://${agent.endpoint}/api/v1/executor`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({
      executor_id: { value: "exec-1" },
      framework_id: { value: "fw-1" },
      type: "SUBSCRIBE",
      subscribe: {},
    }),
  });
  await world.until("subscribed anew", () => agent.subscriptions === 3);
  agent.kill("one");
  await world.untilLeft();
  assertEquals(world.exitCode, 0);
  await thief.body?.cancel();
  assertEquals(agent.violations, []);
});
