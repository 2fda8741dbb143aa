import { assertEquals, assertRejects } from "@std/assert";
import { assert } from "../../shared/errors.ts";
import { decodeFull, encodeFull } from "../executor/mesos/full_protobuf.ts";
import { FakeAgent, type JsonObject } from "../support/fake_agent.ts";

const JSON_TYPE = "application/json";
const PROTOBUF_TYPE = "application/x-protobuf";
const CALLER = {
  executor_id: { value: "exec-1" },
  framework_id: { value: "fw-1" },
};
const SUBSCRIBE = { ...CALLER, type: "SUBSCRIBE", subscribe: {} };
const PROCESS = "1795331452997824430.0.0.gamesvc.ns-a.10000";

/** Recorded between a Go executor and an agent. */
const SUBSCRIBE_HEX = "0a080a06657865632d3112060a0466772d3118012200";
const STARTING_HEX =
  "0a080a06657865632d3112060a0466772d3118022a660a640a2c0a2a31373935333331" +
  "3435323939373832343433302e302e302e67616d657376632e6e732d612e3130303030" +
  "100022002a090a076167656e742d31310000c080a5c0da413a080a06657865632d3148" +
  "025a102aac3a9de64411f1b03d42ed4b9237ad";

/** An executor as dumb as can be: fetch, and a loop over records. */
class Client implements AsyncDisposable {
  readonly #http = Deno.createHttpClient({});
  readonly #agent: FakeAgent;
  readonly #contentType: string;

  constructor(agent: FakeAgent, contentType = JSON_TYPE) {
    this.#agent = agent;
    this.#contentType = contentType;
  }

  encode(call: JsonObject): Uint8Array<ArrayBuffer> {
    return this.#contentType === JSON_TYPE
      ? new TextEncoder().encode(JSON.stringify(call))
      : new Uint8Array(encodeFull("executor.Call", call));
  }

  fetch(body: Uint8Array<ArrayBuffer>, init: RequestInit = {}) {
    return fetch(`http://${this.#agent.endpoint}/api/v1/executor`, {
      method: "POST",
      body,
      client: this.#http,
      ...init,
      headers: {
        "Content-Type": this.#contentType,
        Accept: this.#contentType,
        ...init.headers as Record<string, string>,
      },
    });
  }

  /** @returns Status and body. */
  async send(call: JsonObject, init?: RequestInit): Promise<string> {
    const response = await this.fetch(this.encode(call), init);
    return `${response.status} ${await response.text()}`.trim();
  }

  async subscribe(subscribe: JsonObject = {}): Promise<Events> {
    const response = await this.fetch(this.encode({ ...SUBSCRIBE, subscribe }));
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("content-type"), this.#contentType);
    assert(response.body !== null, "a body is there");
    return new Events(response.body, this.#contentType);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#http.close();
    return Promise.resolve();
  }
}

class Events {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #contentType: string;
  chunks: number[] = [];
  #bytes: number[] = [];

  constructor(body: ReadableStream<Uint8Array>, contentType: string) {
    this.#reader = body.getReader();
    this.#contentType = contentType;
  }

  /** @returns The next event, or "end" or "broken". */
  async next(): Promise<JsonObject | "end" | "broken"> {
    for (;;) {
      const newline = this.#bytes.indexOf(10);
      const line = new TextDecoder().decode(
        new Uint8Array(this.#bytes.slice(0, newline)),
      );
      const end = newline + 1 + Number(line);
      if (newline >= 0 && this.#bytes.length >= end) {
        const record = new Uint8Array(
          this.#bytes.splice(0, end).slice(newline + 1),
        );
        return this.#contentType === JSON_TYPE
          ? JSON.parse(new TextDecoder().decode(record))
          : decodeFull("executor.Event", record);
      }
      const result = await this.#reader.read().catch(() => undefined);
      if (result === undefined) return "broken";
      if (result.done) return "end";
      this.chunks.push(result.value.length);
      this.#bytes.push(...result.value);
    }
  }

  async expect(type: string): Promise<JsonObject> {
    const event = await this.next();
    assert(typeof event !== "string", `the stream is at its ${event}`);
    assertEquals(event.type, type);
    return event;
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}

function status(state: string, fields: JsonObject = {}): JsonObject {
  return {
    task_id: { value: "t1" },
    state,
    source: "SOURCE_EXECUTOR",
    uuid: crypto.getRandomValues(new Uint8Array(16)).toBase64(),
    ...fields,
  };
}

function update(state: string, fields: JsonObject = {}): JsonObject {
  return {
    ...CALLER,
    type: "UPDATE",
    update: { status: status(state, fields) },
  };
}

const TASK = { task_id: { value: "t1" } };

for (const contentType of [JSON_TYPE, PROTOBUF_TYPE]) {
  Deno.test(`FakeAgent serves a task from launch to end in ${contentType}`, async () => {
    await using agent = await FakeAgent.start({
      capabilities: ["TASK_KILLING_STATE"],
    });
    await using client = new Client(agent, contentType);
    agent.launchGroup([TASK]);
    const events = await client.subscribe();
    const subscribed = await events.expect("SUBSCRIBED");
    const { framework_info, container_id } = subscribed
      .subscribed as Record<string, JsonObject>;
    assertEquals(framework_info?.capabilities, [
      { type: "TASK_KILLING_STATE" },
    ]);
    assert(container_id?.value, "a container id is there");
    const group = await events.expect("LAUNCH_GROUP");
    assertEquals(group.launch_group, {
      task_group: {
        tasks: [{ ...TASK, name: "t1", agent_id: { value: "agent-1" } }],
      },
    });
    agent.launch({ task_id: { value: "t2" }, command: {}, data: "aGk=" });
    const { task } = (await events.expect("LAUNCH")).launch as {
      task: JsonObject;
    };
    assertEquals(task.data, "aGk=");
    // Mesos writes defaults out in JSON.
    assertEquals(
      task.command,
      contentType === JSON_TYPE ? { shell: true } : {},
    );

    const running = update("TASK_RUNNING", { message: "up", data: "AP8=" });
    assertEquals(await client.send(running), "202");
    const ack = await events.expect("ACKNOWLEDGED");
    const { status } = running.update as { status: JsonObject };
    assertEquals(ack.acknowledged, { ...TASK, uuid: status.uuid });
    assertEquals((await agent.nextUpdate("t1")).status as unknown, status);

    agent.kill("t1", 1500);
    assertEquals((await events.expect("KILL")).kill, {
      ...TASK,
      kill_policy: { grace_period: { nanoseconds: 1_500_000_000 } },
    });
    assertEquals(await client.send(update("TASK_KILLED")), "202");
    await events.expect("ACKNOWLEDGED");
    await agent.updateOf("t1", "TASK_KILLED");

    agent.sendMessage("hello");
    assertEquals((await events.expect("MESSAGE")).message, {
      data: btoa("hello"),
    });
    const message = { ...CALLER, type: "MESSAGE", message: { data: "aGk=" } };
    assertEquals(await client.send(message), "202");
    assertEquals(await client.send({ ...CALLER, type: "HEARTBEAT" }), "202");
    agent.sendError("oops");
    agent.heartbeat();
    agent.shutdown();
    for (const type of ["ERROR", "HEARTBEAT", "SHUTDOWN"]) {
      await events.expect(type);
    }
    assertEquals(agent.violations, []);
    assertEquals(agent.calls.map(({ type, status }) => `${type} ${status}`), [
      "SUBSCRIBE 200",
      "UPDATE 202",
      "UPDATE 202",
      "MESSAGE 202",
      "HEARTBEAT 202",
    ]);
    await events.close();
    await agent.until(() => !agent.connected, "the end of the stream");
  });
}

Deno.test("FakeAgent reads recorded calls of another executor", async () => {
  await using agent = await FakeAgent.start();
  await using client = new Client(agent, PROTOBUF_TYPE);
  agent.launch({ task_id: { value: PROCESS } });
  const response = await client.fetch(Uint8Array.fromHex(SUBSCRIBE_HEX), {
    headers: { Accept: JSON_TYPE },
  });
  assert(response.body !== null, "a body is there");
  const events = new Events(response.body, JSON_TYPE);
  await events.expect("SUBSCRIBED");
  await events.expect("LAUNCH");
  const answer = await client.fetch(Uint8Array.fromHex(STARTING_HEX));
  assertEquals([answer.status, await answer.text()], [202, ""]);
  assertEquals((await events.expect("ACKNOWLEDGED")).acknowledged, {
    task_id: { value: PROCESS },
    uuid: "Kqw6neZEEfGwPULtS5I3rQ==",
  });
  const { status } = await agent.updateOf(PROCESS, "TASK_STARTING");
  assertEquals([status.message, status.timestamp], ["", 1795331587]);
  assertEquals(agent.violations, []);
  await events.close();
});

Deno.test("FakeAgent refuses requests as an agent does", async () => {
  await using agent = await FakeAgent.start();
  await using client = new Client(agent);
  const invalid = "400 Failed to validate Executor::Call: ";
  const convert = "400 Failed to convert JSON into Call protobuf: ";
  const headers = (extra: Record<string, string>) => ({ headers: extra });
  const table: [JsonObject, RequestInit, string][] = [
    [
      SUBSCRIBE,
      headers({ "Content-Type": `${JSON_TYPE}; charset=utf-8` }),
      `415 Expecting 'Content-Type' of ${JSON_TYPE} or ${PROTOBUF_TYPE}`,
    ],
    [
      SUBSCRIBE,
      headers({ Accept: "text/html" }),
      `406 Expecting 'Accept' to allow '${PROTOBUF_TYPE}' or '${JSON_TYPE}'`,
    ],
    [
      { type: "SUBSCRIBE", subscribe: {} },
      {},
      `${convert}Missing required fields: executor_id, framework_id`,
    ],
    [
      { ...SUBSCRIBE, type: "NONE" },
      {},
      `${convert}Failed to find enum for 'NONE'`,
    ],
    [
      { ...SUBSCRIBE, subscribe: true },
      {},
      `${convert}Not expecting a JSON boolean for field 'subscribe'`,
    ],
    [CALLER, {}, `${invalid}Expecting 'type' to be present`],
    [
      { ...CALLER, type: "SUBSCRIBE" },
      {},
      `${invalid}Expecting 'subscribe' to be present`,
    ],
    [
      { ...SUBSCRIBE, framework_id: { value: "x" } },
      {},
      "400 Framework cannot be found",
    ],
    [
      { ...SUBSCRIBE, executor_id: { value: "x" } },
      {},
      "400 Executor cannot be found",
    ],
    [update("TASK_RUNNING"), {}, "403 Executor is not subscribed"],
    [
      update("TASK_RUNNING", { uuid: null }),
      {},
      `${invalid}Expecting 'uuid' to be present`,
    ],
    [
      update("TASK_RUNNING", { uuid: "AAAA" }),
      {},
      `${invalid}Expecting a UUID of 16 bytes: it has 3`,
    ],
    [
      update("TASK_RUNNING", { source: "SOURCE_AGENT" }),
      {},
      `${invalid}Received Call from executor exec-1 of framework fw-1 with ` +
      "invalid source, expecting 'SOURCE_EXECUTOR'",
    ],
    [
      update("TASK_STAGING"),
      {},
      `${invalid}Received TASK_STAGING from executor exec-1 of framework ` +
      "fw-1 which is not allowed",
    ],
    [
      update("TASK_RUNNING", { executor_id: { value: "x" } }),
      {},
      `${invalid}ExecutorID in Call: exec-1 does not match ExecutorID in ` +
      "TaskStatus: x",
    ],
    [
      update("TASK_RUNNING", { check_status: { type: "TCP" } }),
      {},
      `${invalid}Expecting 'tcp' to be set for TCP check's status`,
    ],
    [{ ...CALLER, type: "UNKNOWN" }, {}, "403 Executor is not subscribed"],
  ];
  for (const [call, init, expected] of table) {
    assertEquals(await client.send(call, init), expected);
  }
  assertEquals(agent.violations.length, table.length - 4);

  const get = await fetch(`http://${agent.endpoint}/api/v1/executor`);
  assertEquals([get.status, get.headers.get("allow")], [405, "POST"]);
  assertEquals(
    await get.text(),
    "Expecting one of { 'POST' }, but received 'GET'",
  );
  const garbage = await client.fetch(new TextEncoder().encode("{"));
  assertEquals(garbage.status, 400);
  const text = await garbage.text();
  assert(text.startsWith("Failed to parse body into JSON: "), text);
  const protobuf = await client.fetch(new Uint8Array([0xff]), {
    headers: { "Content-Type": PROTOBUF_TYPE },
  });
  assertEquals(
    await protobuf.text(),
    "Failed to parse body into Call protobuf",
  );
});

Deno.test("FakeAgent wants its token on every request", async () => {
  await using agent = await FakeAgent.start({ token: "secret" });
  await using client = new Client(agent);
  const missing = await client.fetch(client.encode(SUBSCRIBE));
  await missing.body?.cancel();
  assertEquals(missing.status, 401);
  assertEquals(
    missing.headers.get("www-authenticate"),
    'Bearer realm="mesos-agent-executor"',
  );
  const wrong = { headers: { Authorization: "Bearer x" } };
  assertEquals(await client.send(SUBSCRIBE, wrong), "401");
  const right = await client.fetch(client.encode(SUBSCRIBE), {
    headers: { Authorization: "Bearer secret" },
  });
  assertEquals(right.status, 200);
  await right.body?.cancel();
});

Deno.test("FakeAgent records what no correct executor does", async () => {
  await using agent = await FakeAgent.start();
  await using client = new Client(agent);
  const events = await client.subscribe();
  await events.expect("SUBSCRIBED");
  agent.launch(TASK);
  await events.expect("LAUNCH");
  const violation = () => agent.violations.at(-1)?.text ?? "";

  await client.send(update("TASK_RUNNING", { agent_id: { value: "other" } }));
  assert(violation().includes("agent_id must be agent-1"), violation());
  await client.send(update("TASK_RUNNING", { task_id: { value: "t9" } }));
  assert(violation().includes("not the executor's"), violation());
  assertEquals(agent.updates("t1"), []);

  const running = update("TASK_RUNNING");
  await client.send(running);
  await events.expect("ACKNOWLEDGED");
  await client.send(running);
  await events.expect("ACKNOWLEDGED");
  assertEquals(agent.updates("t1").length, 1);
  assertEquals(agent.violations.length, 2);
  const { uuid } = (running.update as { status: JsonObject }).status;
  await client.send(update("TASK_FINISHED", { uuid }));
  await events.expect("ACKNOWLEDGED");
  assert(violation().includes("uuid was used"), violation());

  await client.send(update("TASK_FINISHED"));
  await events.expect("ACKNOWLEDGED");
  assertEquals(agent.violations.length, 3);
  await client.send(update("TASK_FAILED"));
  await events.expect("ACKNOWLEDGED");
  assert(violation().includes("already in TASK_FINISHED"), violation());
  await events.close();
});

Deno.test("FakeAgent would crash at an update of a queued task", async () => {
  await using agent = await FakeAgent.start();
  await using client = new Client(agent);
  agent.faults.respond("SUBSCRIBE", { silent: true });
  const events = await client.subscribe();
  agent.launch(TASK);
  await client.send(update("TASK_RUNNING"));
  assertEquals(agent.violations.length, 1);
  const text = agent.violations[0]?.text ?? "";
  assert(text.includes("a real agent would crash"), text);
  agent.sendSubscribed();
  await events.expect("SUBSCRIBED");
  await events.expect("LAUNCH");
  await events.close();
});

Deno.test("FakeAgent takes unacknowledged updates of a SUBSCRIBE", async () => {
  await using agent = await FakeAgent.start();
  await using client = new Client(agent);
  const first = await client.subscribe();
  agent.launchGroup([TASK, { task_id: { value: "t2" } }]);
  agent.launch({ task_id: { value: "t3" } });
  agent.acks.hold();
  const starting = update("TASK_STARTING");
  await client.send(starting);
  assertEquals(agent.acks.waiting, 1);
  await agent.stop();
  await assertRejects(() => client.send(SUBSCRIBE));
  await agent.restart();
  agent.acks.release();
  assertEquals(
    await client.send(update("TASK_RUNNING")),
    "403 Executor is not subscribed",
  );
  const second = await client.subscribe({
    unacknowledged_tasks: [
      { name: "t2", task_id: { value: "t2" }, agent_id: { value: "agent-1" } },
    ],
    unacknowledged_updates: [
      starting.update,
      { status: status("TASK_RUNNING") },
    ],
  });
  await agent.subscribed(2);
  for (const type of ["SUBSCRIBED", "ACKNOWLEDGED", "ACKNOWLEDGED"]) {
    await second.expect(type);
  }
  assertEquals(
    agent.updates("t1").map(({ via, status }) => `${via} ${status.state}`),
    ["UPDATE TASK_STARTING", "SUBSCRIBE TASK_RUNNING"],
  );
  assertEquals(agent.droppedTasks, ["t3"]);
  assertEquals(agent.violations, []);
  await agent.restart({ wipe: true });
  assertEquals(await client.send(SUBSCRIBE), "400 Framework cannot be found");
  await Promise.all(
    [first.close(), second.close()].map((p) => p.catch(() => {})),
  );
});

Deno.test("FakeAgent ends the older stream of two", async () => {
  await using agent = await FakeAgent.start();
  await using client = new Client(agent);
  const older = await client.subscribe();
  const newer = await client.subscribe();
  await older.expect("SUBSCRIBED");
  assertEquals(await older.next(), "end");
  await newer.expect("SUBSCRIBED");
  await agent.closeStream("drop");
  assertEquals(await newer.next(), "broken");
  agent.kill("t1");
  assertEquals(agent.eventsLost, 1);
});

Deno.test("FakeAgent answers SUBSCRIBE with SHUTDOWN after shutdown()", async () => {
  await using agent = await FakeAgent.start();
  await using client = new Client(agent);
  agent.launch(TASK);
  agent.kill("t1");
  agent.shutdown();
  const events = await client.subscribe();
  await events.expect("SHUTDOWN");
  await agent.closeStream();
  assertEquals(await events.next(), "end");
});

Deno.test("FakeAgent makes calls go wrong as asked", async () => {
  await using agent = await FakeAgent.start();
  await using client = new Client(agent);
  agent.faults.respond("SUBSCRIBE", { times: 2, status: 503, body: "wait" });
  assertEquals(await client.send(SUBSCRIBE), "503 wait");
  assertEquals(await client.send(SUBSCRIBE), "503 wait");
  agent.faults.respond("SUBSCRIBE", { drop: "answered" });
  const broken = await client.subscribe();
  await broken.expect("SUBSCRIBED");
  assertEquals(await broken.next(), "broken");
  const events = await client.subscribe();
  await events.expect("SUBSCRIBED");
  agent.launch(TASK);
  await events.expect("LAUNCH");

  agent.faults.respond("UPDATE", { drop: "unhandled" });
  await assertRejects(() => client.send(update("TASK_STARTING")));
  assertEquals(agent.updates("t1").length, 0);
  agent.faults.respond("UPDATE", { drop: "unanswered" });
  await assertRejects(() => client.send(update("TASK_STARTING")));
  assertEquals(agent.updates("t1").length, 1);
  await events.expect("ACKNOWLEDGED");

  agent.faults.respond("UPDATE", {
    delayMs: 20,
    when: (call) => JSON.stringify(call).includes("TASK_RUNNING"),
  });
  const started = performance.now();
  assertEquals(await client.send(update("TASK_STARTING")), "202");
  assertEquals(await client.send(update("TASK_RUNNING")), "202");
  assert(performance.now() - started >= 19, "it must take its time");
  agent.faults.respond("*", { times: Infinity, status: 500 });
  assertEquals(await client.send(update("TASK_RUNNING")), "500");
  agent.faults.clear();

  agent.faults.respond("UPDATE", { delayMs: 60_000 });
  const pending = assertRejects(() => client.send(update("TASK_RUNNING")));
  await agent.until(
    () => agent.calls.at(-1)?.status === 0,
    "a call without an answer",
  );
  await agent.stop();
  await pending;
  assertEquals(agent.violations, []);
  await events.close().catch(() => {});
});

Deno.test("FakeAgent loses, repeats and makes up acknowledgements", async () => {
  await using agent = await FakeAgent.start();
  await using client = new Client(agent);
  agent.launch(TASK);
  const events = await client.subscribe();
  await events.expect("SUBSCRIBED");
  await events.expect("LAUNCH");
  agent.acks.lose(1);
  await client.send(update("TASK_STARTING"));
  agent.acks.send("t1", "AAAAAAAAAAAAAAAAAAAAAA==");
  const unknown = (await events.expect("ACKNOWLEDGED")).acknowledged;
  assertEquals(unknown, { ...TASK, uuid: "AAAAAAAAAAAAAAAAAAAAAA==" });
  agent.acks.duplicate(1);
  await client.send(update("TASK_RUNNING"));
  const twice = [await events.next(), await events.next()];
  assertEquals(twice[0], twice[1]);
  await events.close();
});

Deno.test("FakeAgent cuts the stream at any byte", async () => {
  await using agent = await FakeAgent.start({ seed: 7 });
  await using client = new Client(agent);
  for (const chunking of ["record", "byte", 7, "random"] as const) {
    agent.chunking = chunking;
    const events = await client.subscribe();
    await events.expect("SUBSCRIBED");
    agent.kill("t1");
    await events.expect("KILL");
    const { chunks } = events;
    const sum = chunks.reduce((total, length) => total + length, 0);
    if (chunking === "record") assertEquals(chunks.length, 2);
    if (chunking === "byte") assertEquals(chunks.length, sum);
    if (chunking === 7) assert(chunks.length >= sum / 7, `${chunks}`);
    if (chunking === "random") assert(chunks.length > 4, `${chunks}`);
  }
  agent.chunking = "record";
  const events = await client.subscribe();
  await events.expect("SUBSCRIBED");
  agent.sendRecord("{}");
  assertEquals(await events.next(), {});
  const kill = agent.encode({
    type: "KILL",
    kill: { task_id: { value: "x" } },
  });
  agent.sendRaw(kill.subarray(0, 20));
  await agent.closeStream();
  assertEquals(await events.next(), "end");
});

Deno.test("FakeAgent fails a wait with what it received", async () => {
  await using agent = await FakeAgent.start();
  await using client = new Client(agent);
  agent.launch(TASK);
  const events = await client.subscribe();
  await client.send(update("TASK_STARTING"));
  await client.send({ type: "SUBSCRIBE" });
  const error = await assertRejects(
    () => agent.updateOf("t1", "TASK_RUNNING", 5),
    Error,
  );
  for (
    const part of [
      "Waited 5 ms for TASK_RUNNING of t1",
      "UPDATE t1 TASK_STARTING -> 202",
      "(malformed) -> 400",
      "Violation: ",
    ]
  ) assert(error.message.includes(part), error.message);
  const abandoned = agent.nextUpdate("t9");
  await agent[Symbol.asyncDispose]();
  await assertRejects(() => abandoned, Error, "The agent was closed");
  await events.close().catch(() => {});
});

Deno.test("FakeAgent gives an executor its environment and no more", async () => {
  await using agent = await FakeAgent.start({ token: "secret" });
  const environment = agent.executorEnvironment({ sandbox: "/sandbox" });
  assertEquals(environment, {
    LIBPROCESS_IP: "127.0.0.1",
    LIBPROCESS_PORT: "0",
    MESOS_AGENT_ENDPOINT: agent.endpoint,
    MESOS_CHECKPOINT: "1",
    MESOS_DIRECTORY: "/sandbox",
    MESOS_EXECUTOR_AUTHENTICATION_TOKEN: "secret",
    MESOS_EXECUTOR_ID: "exec-1",
    MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: "5secs",
    MESOS_FRAMEWORK_ID: "fw-1",
    MESOS_HTTP_COMMAND_EXECUTOR: "0",
    MESOS_RECOVERY_TIMEOUT: "15mins",
    MESOS_SANDBOX: "/sandbox",
    MESOS_SLAVE_ID: "agent-1",
    MESOS_SLAVE_PID: `slave(1)@${agent.endpoint}`,
    MESOS_SUBSCRIPTION_BACKOFF_MAX: "2secs",
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    PWD: "/sandbox",
  });
  const without = agent.executorEnvironment({
    sandbox: "/sandbox",
    checkpoint: false,
  });
  assertEquals(without.MESOS_CHECKPOINT, "0");
  assertEquals(without.MESOS_RECOVERY_TIMEOUT, undefined);
  assertEquals(without.MESOS_SUBSCRIPTION_BACKOFF_MAX, undefined);
});
