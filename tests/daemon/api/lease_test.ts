import { assertEquals, assertStringIncludes } from "@std/assert";
import { toStatus } from "../../../daemon/lifecycle/status.ts";
import {
  ended,
  EVENTS,
  exited,
  LAUNCHED,
  signalled,
} from "../lifecycle/records.ts";
import { type Answer, ApiBench, BASE } from "./api_bench.ts";

// Who owns a process, as the API has it. A lease is 600 s.

const OWNER = "fw-1/exec-1/a b";
const HEARTBEAT = `${BASE}/executor/${encodeURIComponent(OWNER)}/heartbeat`;

async function create(
  api: ApiBench,
  ExecutorId: string,
  Id = "p",
): Promise<Answer> {
  const info = { Id, StartCmd: "/bin/server", ExecutorId };
  return await api.call("POST", `${BASE}/process`, JSON.stringify(info));
}

async function handOver(
  api: ApiBench,
  body: Record<string, unknown>,
): Promise<Answer> {
  const path = `${BASE}/process/p/owner`;
  return await api.call("PUT", path, JSON.stringify(body));
}

/** A process that runs. */
async function running(api: ApiBench, owner = OWNER): Promise<void> {
  await create(api, owner);
  api.dispatch("p", EVENTS.prepared);
  api.dispatch("p", { type: "launched", tracked: LAUNCHED });
  api.dispatch("p", EVENTS.executed);
}

function look(api: ApiBench): unknown[] {
  const { Status, Result, Owner } = toStatus(api.supervisor.get("p"));
  return [Status, Result, Owner];
}

Deno.test("heartbeat answers how many processes there are, and their lease", async () => {
  await using api = await ApiBench.create();
  const none = await api.call("PUT", HEARTBEAT);
  assertEquals(none.envelope.data, { Processes: 0, Timeout: 0 });
  await create(api, OWNER, "a");
  await create(api, OWNER, "b");
  await create(api, "somebody else", "c");
  const two = await api.call("PUT", HEARTBEAT);
  assertEquals(two.envelope.data, { Processes: 2, Timeout: 600 });
});

Deno.test("heartbeat is refused to a name that cannot be", async () => {
  await using api = await ApiBench.create();
  for (const owner of ["%0A", "x".repeat(1_025)]) {
    const path = `${BASE}/executor/${owner}/heartbeat`;
    const { status, envelope } = await api.call("PUT", path);
    assertEquals(status, 400);
    assertStringIncludes(envelope.message, "owner: must");
  }
});

Deno.test("a heartbeat alone renews a lease", async () => {
  await using api = await ApiBench.create();
  await running(api);
  api.clock.advance(599_000);
  await api.call("PUT", HEARTBEAT);
  api.clock.advance(599_000);
  // What else its owner asks for is no sign of care.
  await create(api, OWNER, "other");
  const limits = JSON.stringify({ Cpus: 1 });
  await api.call("PUT", `${BASE}/process/p/limits`, limits);
  assertEquals(look(api), ["running", "none", OWNER]);
  api.clock.advance(1_000);
  assertEquals(look(api), ["stopping", "lease-expired", OWNER]);
});

Deno.test("create names who has the process, and for how long", async () => {
  await using api = await ApiBench.create();
  await running(api);
  api.clock.advance(10_500);
  const owned = await create(api, "another");
  assertEquals([owned.status, owned.envelope.message], [
    409,
    `(process-daemon):processinfo p of ${OWNER}, whose lease ends in 590 s ` +
    "unless that is heard of, already existed",
  ]);
  await handOver(api, { From: OWNER, To: "" });
  const free = await create(api, "another");
  assertEquals([free.status, free.envelope.message], [
    409,
    "(process-daemon):processinfo p already existed",
  ]);
});

Deno.test("create takes the place of another owner's orphan once that is gone", async () => {
  await using api = await ApiBench.create();
  await running(api);
  api.clock.advance(600_000);
  assertEquals(look(api), ["stopping", "lease-expired", OWNER]);
  const early = await create(api, "another");
  assertEquals([early.status, early.envelope.message], [
    409,
    `(process-daemon):processinfo p of ${OWNER} already existed`,
  ]);
  api.dispatch("p", ended(signalled(15)));
  // Its own would not know what has become of it.
  assertEquals((await create(api, OWNER)).status, 409);
  assertEquals(look(api), ["stopped", "lease-expired", OWNER]);
  const number = api.supervisor.get("p").number;
  // Of two at once, one is the first.
  const both = await Promise.all([create(api, "b"), create(api, "c")]);
  assertEquals(both.map(({ status }) => status).sort(), [200, 409]);
  const [, , owner] = look(api);
  assertEquals(owner, both[0].status === 200 ? "b" : "c");
  assertEquals(api.removed, ["p"]);
  assertEquals(api.supervisor.get("p").number > number, true);
  assertEquals(
    api.store.historyOf("p", 100).slice(-2).map((event) => [
      event.Cause,
      event.Status.Result,
    ]),
    [["deleted", "lease-expired"], ["created", "none"]],
  );
});

Deno.test("create takes no place while the files of before are there", async () => {
  await using api = await ApiBench.create();
  await running(api);
  api.clock.advance(600_000);
  api.dispatch("p", ended(signalled(15)));
  api.isReadOnly = true;
  assertEquals((await create(api, "another")).status, 500);
  assertEquals(look(api), ["stopped", "lease-expired", OWNER]);
  api.isReadOnly = false;
  assertEquals((await create(api, "another")).status, 200);
});

Deno.test("create takes no place of a process that ended of something else", async () => {
  await using api = await ApiBench.create();
  await running(api);
  api.dispatch("p", ended(exited(0)));
  assertEquals((await create(api, "another")).status, 409);
  assertEquals(look(api), ["stopped", "exited", OWNER]);
});

Deno.test("a process is handed over by its owner alone", async () => {
  await using api = await ApiBench.create();
  assertEquals((await handOver(api, { From: "", To: "" })).status, 404);
  await running(api);
  const wrong = await handOver(api, { From: "run-2", To: "run-2" });
  assertEquals([wrong.status, wrong.envelope.message], [
    409,
    `(process-daemon):process p cannot be handed over: it belongs to ` +
    `"${OWNER}", not to "run-2"`,
  ]);
  assertEquals(look(api), ["running", "none", OWNER]);
  api.clock.advance(599_000);
  assertEquals((await handOver(api, { From: OWNER, To: "run-2" })).status, 200);
  assertEquals(look(api), ["running", "none", "run-2"]);
  api.clock.advance(599_000);
  assertEquals((await handOver(api, { From: "run-2", To: "" })).status, 200);
  api.clock.advance(599_000);
  assertEquals(look(api), ["running", "none", ""]);
  assertEquals((await handOver(api, { From: "", To: "run-3" })).status, 200);
  api.clock.advance(600_000);
  assertEquals(look(api), ["stopping", "lease-expired", "run-3"]);
});

Deno.test("a hand-over is refused with every problem, and changes nothing", async () => {
  await using api = await ApiBench.create();
  await running(api);
  const { status, envelope } = await handOver(api, { From: "a\nb" });
  assertEquals([status, envelope.message], [
    400,
    "(process-daemon):Cannot accept the owner: " +
    'To: must be given: "" is nobody; ' +
    "From: must not hold a control character",
  ]);
  assertEquals((await handOver(api, { From: 1, To: [] })).status, 400);
  assertEquals(look(api), ["running", "none", OWNER]);
});
