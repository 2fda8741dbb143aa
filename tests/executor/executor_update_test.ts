/** What becomes of updates when acknowledgements, calls or streams fail. */
import { assert, assertEquals } from "@std/assert";
import type { SubscribeCall } from "../../executor/mesos/types.ts";
import { eventually } from "../daemon/support/eventually.ts";
import type { FakeAgent } from "../support/fake_agent.ts";
import { shellTask, startChain, WIRES } from "../support/test_executor.ts";

const FOREVER = "exec sleep 1000";
/** Ends when the test wants. */
const UNTIL_GO = "until [ -e go ]; do sleep 0.01; done";

/** What the latest SUBSCRIBE said, with updates as task, state and uuid. */
function lastSubscribe(agent: FakeAgent) {
  const call = agent.calls.findLast(({ type }) => type === "SUBSCRIBE")
    ?.call as unknown as SubscribeCall;
  const { unacknowledged_tasks, unacknowledged_updates } = call.subscribe;
  return {
    tasks: (unacknowledged_tasks ?? []).map((task) =>
      (task as unknown as { task_id: { value: string } }).task_id.value
    ),
    updates: (unacknowledged_updates ?? []).map(({ status }) =>
      [status.task_id.value, status.state, status.uuid].join(" ")
    ),
  };
}

function updatesOf(agent: FakeAgent, id: string): string[] {
  return agent.updates(id).map(({ status }) =>
    [id, status.state, status.uuid].join(" ")
  );
}

/** How often the agent was sent each uuid by UPDATE. */
function sendsOf(agent: FakeAgent): Record<string, number> {
  const sends: Record<string, number> = {};
  for (const { call } of agent.calls) {
    const status = call?.update?.status;
    if (status) sends[status.state] = (sends[status.state] ?? 0) + 1;
  }
  return sends;
}

for (const wire of WIRES) {
  const how = `(${wire.codec}, stream cut by ${wire.chunking})`;

  Deno.test(`executor carries unacknowledged updates in SUBSCRIBE ${how}`, async () => {
    await using chain = await startChain({
      ...wire,
      subscriptionBackoffMax: "10ms",
    });
    const { agent, executor } = chain;
    agent.acks.hold();
    agent.launchGroup([shellTask("one", FOREVER), shellTask("two", FOREVER)]);
    for (const id of ["one", "two"]) await agent.updateOf(id, "TASK_RUNNING");
    await agent.closeStream("drop");
    await agent.subscribed(2);
    const { tasks, updates } = lastSubscribe(agent);
    assertEquals(tasks, ["one", "two"]);
    assertEquals(updates.length, 4);
    for (const id of ["one", "two"]) {
      // In the order in which they were made, with the uuids of before.
      assertEquals(
        updates.filter((text) => text.startsWith(`${id} `)),
        updatesOf(agent, id),
      );
    }

    agent.acks.release();
    await eventually("a SUBSCRIBE without anything left", async () => {
      const count = agent.subscriptions;
      await agent.closeStream("end");
      await agent.subscribed(count + 1);
      return lastSubscribe(agent).updates.length === 0;
    });
    assertEquals(lastSubscribe(agent).tasks, []);
    // What a SUBSCRIBE brought needs no UPDATE.
    assertEquals(sendsOf(agent), { TASK_STARTING: 2, TASK_RUNNING: 2 });
    agent.kill("one");
    agent.kill("two");
    assertEquals(await executor.exit(), 0);
    assertEquals(agent.droppedTasks, []);
    assertEquals(agent.violations, []);
  });

  Deno.test(`executor outlives the agent's restart and reports what happened meanwhile ${how}`, async () => {
    await using chain = await startChain({
      ...wire,
      subscriptionBackoffMax: "20ms",
    });
    const { agent, daemon, executor } = chain;
    agent.launch(shellTask("one", `${UNTIL_GO}; exit 4`));
    await agent.updateOf("one", "TASK_RUNNING");
    agent.acks.hold();
    await agent.stop();
    await Deno.writeTextFile(`${executor.sandbox}/go`, "");
    await daemon.waitForState("one", "stopped");
    await agent.restart();
    await agent.subscribed(2);
    const { status } = await agent.updateOf("one", "TASK_FAILED");
    assert(status.message?.includes("exited with code 4"), status.message);
    // Not acknowledged, and the agent dies again: the same uuid comes again.
    await agent.restart();
    await agent.subscribed(3);
    const { updates } = lastSubscribe(agent);
    assertEquals(updates.at(-1), `one TASK_FAILED ${status.uuid}`);
    agent.acks.release();
    assertEquals(await executor.exit(), 0);
    assertEquals(await daemon.client.list(), []);
    assertEquals(agent.violations, []);
  });

  Deno.test(`executor repeats an update that the agent refused or did not answer ${how}`, async () => {
    await using chain = await startChain(wire);
    const { agent, executor } = chain;
    agent.faults.respond("UPDATE", {
      status: 503,
      body: "Agent has not finished recovery",
      times: 2,
    });
    agent.faults.respond("UPDATE", { drop: "unhandled" });
    agent.faults.respond("UPDATE", { drop: "unanswered" });
    agent.launch(shellTask("one", "exit 0"));
    assertEquals(await executor.exit(), 0);
    assertEquals(
      agent.updates("one").map(({ status }) => status.state),
      ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"],
    );
    const uuids = new Set(
      agent.calls.map(({ call }) => call?.update?.status.uuid).filter(Boolean),
    );
    assertEquals(uuids.size, 3);
    assertEquals(agent.violations, []);
  });

  Deno.test(`executor leaves only when every update is acknowledged ${how}`, async () => {
    await using chain = await startChain(wire);
    const { agent, daemon, executor } = chain;
    agent.acks.hold();
    agent.launch(shellTask("one", "exit 0"));
    const { status } = await agent.updateOf("one", "TASK_FINISHED");
    // Answers to events show that it had time to make the mistake.
    agent.acks.send(
      "one",
      crypto.getRandomValues(new Uint8Array(16)).toBase64(),
    );
    agent.sendMessage("are you there?");
    await eventually(
      "the message is read",
      async () => (await executor.readLog()).includes("message ignored"),
    );
    assert(executor.isAlive);
    assertEquals((await daemon.client.list()).length, 1);
    // The last alone is not enough; but it ends the daemon's record.
    agent.acks.send("one", status.uuid ?? "");
    await eventually(
      "the record is deleted",
      async () => (await daemon.client.list()).length === 0,
    );
    assert(executor.isAlive);
    agent.acks.release();
    assertEquals(await executor.exit(), 0);
    assertEquals(agent.violations, []);
  });

  Deno.test(`executor takes acknowledgements that come twice ${how}`, async () => {
    await using chain = await startChain(wire);
    const { agent, executor } = chain;
    agent.acks.duplicate(10);
    agent.launchGroup([shellTask("one", "exit 0"), shellTask("two", "exit 0")]);
    assertEquals(await executor.exit(), 0);
    for (const id of ["one", "two"]) {
      assertEquals(agent.updates(id).length, 3);
    }
    assertEquals(agent.violations, []);
  });

  Deno.test(`executor subscribes again after a stream that makes no sense ${how}`, async () => {
    await using chain = await startChain({
      ...wire,
      subscriptionBackoffMax: "10ms",
    });
    const { agent, executor } = chain;
    agent.launch(shellTask("one", FOREVER));
    await agent.updateOf("one", "TASK_RUNNING");
    const nonsense = [
      () => agent.sendRaw("-5\nhello"),
      () => agent.sendRaw("9".repeat(40)),
      () => agent.sendRecord("\xff{"),
      () => agent.sendError("go away"),
      () => {
        agent.sendRaw("100\n{");
        return agent.closeStream("end");
      },
    ];
    let count = agent.subscriptions;
    for (const send of nonsense) {
      await send();
      await agent.subscribed(++count);
    }
    agent.kill("one");
    await agent.updateOf("one", "TASK_KILLED");
    assertEquals(await executor.exit(), 0);
    assertEquals(agent.updates("one").length, 3);
    assertEquals(agent.violations, []);
  });
}

Deno.test("executor ignores events that it does not know", async () => {
  await using chain = await startChain();
  const { agent, executor } = chain;
  agent.sendRecord('{"type":"FROM_THE_FUTURE","from_the_future":[1]}');
  agent.sendRecord('{"type":"UNKNOWN"}');
  agent.sendRecord("{}");
  agent.heartbeat();
  agent.launch(shellTask("one", "exit 0"));
  assertEquals(await executor.exit(), 0);
  assertEquals(agent.subscriptions, 1);
  assertEquals(agent.updates("one").length, 3);
  assertEquals(agent.violations, []);
});
