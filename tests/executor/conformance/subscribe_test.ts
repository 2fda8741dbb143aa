/** SUBSCRIBE: what it holds, what its answers mean, what comes instead. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeCertificate } from "../../support/certificates.ts";
import type { FakeAgent, Fault } from "../../support/fake_agent.ts";
import { CODECS, HttpWorld } from "../../support/http_world.ts";
import { tempDir } from "../../support/temp_dir.ts";

const MINUTE_MS = 60_000;

/** What the latest SUBSCRIBE brought, with updates as task, state and uuid. */
function lastSubscribe(agent: FakeAgent) {
  const subscribe = agent.calls.findLast(({ type }) => type === "SUBSCRIBE")
    ?.call?.subscribe;
  return {
    tasks: (subscribe?.unacknowledged_tasks ?? []).map((task) =>
      (task as { readonly task_id: { readonly value: string } }).task_id.value
    ),
    updates: (subscribe?.unacknowledged_updates ?? []).map(({ status }) =>
      `${status.task_id.value} ${status.state} ${status.uuid}`
    ),
  };
}

/** Answers after which the executor leaves, and what its exit code is. */
const REFUSALS: readonly (Fault & { readonly exitCode: number })[] = [
  { status: 401, body: "", exitCode: 4 },
  {
    status: 403,
    body: "Claims of the token do not match the executor",
    exitCode: 4,
  },
  { status: 400, body: "Framework cannot be found", exitCode: 5 },
  { status: 400, body: "Executor cannot be found", exitCode: 5 },
  { status: 400, body: "Failed to parse body into JSON", exitCode: 6 },
  { status: 405, body: "Expecting one of { 'POST' }", exitCode: 6 },
  { status: 406, body: "Expecting 'Accept' to allow", exitCode: 6 },
  { status: 415, body: "Expecting 'Content-Type' of", exitCode: 6 },
  { status: 501, body: "", exitCode: 6 },
];

for (const codec of CODECS) {
  Deno.test(`subscribe: empty lists are sent as such (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    const { call, headers } = agent.calls[0] ?? {};
    assert(call?.subscribe !== undefined);
    assertEquals(lastSubscribe(agent), { tasks: [], updates: [] });
    const type = codec === "json"
      ? "application/json"
      : "application/x-protobuf";
    assertEquals(headers?.get("content-type"), type);
    assertEquals(headers?.get("accept"), type);
    assertEquals(agent.violations, []);
  });

  Deno.test(`subscribe: it brings what is not acknowledged, oldest first (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({ codec });
    const { agent } = world;
    agent.acks.hold();
    await world.running("one", "two");
    const sent = agent.calls.flatMap(({ call }) => call?.update ?? [])
      .map(({ status }) =>
        `${status.task_id.value} ${status.state} ${status.uuid}`
      );
    await agent.closeStream("drop");
    await world.until("subscribed again", () => agent.subscriptions === 2);
    assertEquals(lastSubscribe(agent), {
      tasks: ["one", "two"],
      updates: sent,
    });
    // One acknowledgement of a task is enough to know that the agent has it.
    agent.acks.release();
    await world.until("all is heard", () => agent.acks.waiting === 0);
    await world.advance(0);
    await agent.closeStream("end");
    await world.until("subscribed again", () => agent.subscriptions === 3);
    assertEquals(lastSubscribe(agent), { tasks: [], updates: [] });
    assertEquals(agent.violations, []);
  });

  for (const status of [404, 408, 429, 500, 503]) {
    Deno.test(`subscribe: it is tried again after ${status} (${codec})`, async () => {
      await using world = await HttpWorld.start({
        codec,
        prepare: ({ agent }) =>
          agent.faults.respond("SUBSCRIBE", { status, times: 3 }),
      });
      await world.until("in", () => world.agent.subscriptions === 1);
      assertEquals(world.agent.calls.length, 4);
      assertEquals(world.departure, undefined);
    });
  }

  for (const { exitCode, ...fault } of REFUSALS) {
    Deno.test(`subscribe: ${fault.status} "${fault.body}" is exit code ${exitCode} (${codec})`, async () => {
      await using world = await HttpWorld.start({
        codec,
        prepare: ({ agent }) =>
          agent.faults.respond("SUBSCRIBE", { ...fault, times: 100 }),
      });
      await world.untilLeft();
      assertEquals(world.exitCode, exitCode);
      const { message = "" } = world.departure ?? {};
      assertStringIncludes(message, String(fault.status));
      assertStringIncludes(message, fault.body ?? "");
      assertEquals(world.agent.calls.length, 1);
    });
  }

  Deno.test(`subscribe: a redirect is not followed (${codec})`, async () => {
    await using world = await HttpWorld.start({
      codec,
      agent: { token: "s3cret" },
      prepare: ({ agent }) =>
        agent.faults.respond("SUBSCRIBE", {
          status: 307,
          headers: { Location: `http://${agent.endpoint}/elsewhere` },
          times: 100,
        }),
    });
    await world.untilLeft();
    assertEquals(world.exitCode, 6);
    assertEquals(world.agent.calls.length, 1);
  });

  Deno.test(`subscribe: SHUTDOWN may come first (${codec})`, async () => {
    await using world = await HttpWorld.start({
      codec,
      prepare: ({ agent }) => agent.shutdown(),
    });
    await world.untilLeft();
    assertEquals(world.exitCode, 0);
    assertEquals(world.timesLogged("subscribed"), 0);
    assertEquals(world.agent.violations, []);
  });

  Deno.test(`subscribe: without SUBSCRIBED it is tried again, and given up (${codec})`, async () => {
    await using world = await HttpWorld.start({
      codec,
      environment: { recoveryTimeout: "5mins" },
      prepare: ({ agent }) =>
        agent.faults.respond("SUBSCRIBE", { silent: true, times: 100 }),
    });
    const { agent } = world;
    await world.until("accepted", () => agent.subscriptions === 1);
    // A stream that only proves to be alive is not the same as being in.
    agent.heartbeat();
    await world.until("tried again", () => agent.subscriptions === 2, 1_000);
    assert(world.clock.monotonicMs() >= MINUTE_MS);
    await world.until("given up", () => world.departure !== undefined, 5_000);
    assertEquals(world.exitCode, 3);
    const tookMs = world.clock.monotonicMs();
    assert(tookMs >= 5 * MINUTE_MS && tookMs < 5.5 * MINUTE_MS, `${tookMs} ms`);
  });

  Deno.test(`subscribe: the token comes with every call (${codec})`, async () => {
    await using world = await HttpWorld.subscribed({
      codec,
      agent: { token: "s3cret" },
    });
    const { agent } = world;
    await world.running("one");
    const given = agent.calls.map(({ headers }) =>
      headers.get("authorization")
    );
    assert(given.length >= 3);
    assertEquals(new Set(given), new Set(["Bearer s3cret"]));
    assertEquals(world.log.join().includes("s3cret"), false);
    assertEquals(agent.violations, []);
  });

  Deno.test(`subscribe: an agent that speaks HTTPS must be known (${codec})`, async () => {
    await using dir = await tempDir();
    const { caFile, ...tls } = await makeCertificate(dir.path);
    const LIBPROCESS_SSL_ENABLED = "1";
    {
      await using world = await HttpWorld.subscribed({
        codec,
        agent: { tls },
        variables: { LIBPROCESS_SSL_ENABLED, LIBPROCESS_SSL_CA_FILE: caFile },
      });
      await world.running("one");
      assertEquals(world.agent.violations, []);
    }
    await using world = await HttpWorld.start({
      codec,
      agent: { tls, checkpoint: false },
      variables: { LIBPROCESS_SSL_ENABLED },
    });
    await world.untilLeft();
    assertEquals(world.exitCode, 3);
    assertEquals(world.agent.calls.length, 0);
    assertStringIncludes(world.departure?.message ?? "", "certificate");
  });

  Deno.test(`subscribe: the agent may listen on a unix socket (${codec})`, async () => {
    await using dir = await tempDir();
    const socketPath = `${dir.path}/agent.sock`;
    await using world = await HttpWorld.subscribed({
      codec,
      agent: { socketPath },
      variables: {
        MESOS_AGENT_ENDPOINT: "127.0.0.1:5051",
        MESOS_DOMAIN_SOCKET: socketPath,
      },
    });
    await world.running("one");
    assertEquals(world.agent.violations, []);
  });
}

Deno.test("subscribe: calls use a connection of their own", async () => {
  await using world = await HttpWorld.subscribed();
  const { agent } = world;
  await world.running("one");
  const [subscribe, ...others] = agent.calls;
  const ids = new Set(others.map(({ connectionId }) => connectionId));
  assertEquals(ids.has(subscribe?.connectionId ?? 0), false);
  // Kept alive, not one for each call.
  assertEquals(ids.size, 1);
});
