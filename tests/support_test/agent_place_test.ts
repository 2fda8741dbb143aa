/** Where the stand-in agent listens, and how it comes and goes. */
import { assertEquals, assertRejects } from "@std/assert";
import { makeCertificate } from "../support/certificates.ts";
import { FakeAgent } from "../support/fake_agent.ts";
import { tempDir } from "../support/temp_dir.ts";

const CALLER = {
  executor_id: { value: "exec-1" },
  framework_id: { value: "fw-1" },
};
const SUBSCRIBE = { ...CALLER, type: "SUBSCRIBE", subscribe: {} };

function post(
  url: string,
  call: unknown,
  client?: Deno.HttpClient,
): Promise<Response> {
  return fetch(`${url}/api/v1/executor`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(call),
    ...(client === undefined ? {} : { client }),
  });
}

/** Whether a SUBSCRIBE is answered with SUBSCRIBED. */
async function isSubscribed(
  url: string,
  client?: Deno.HttpClient,
): Promise<boolean> {
  const response = await post(url, SUBSCRIBE, client);
  const reader = response.body?.getReader();
  const { value = new Uint8Array() } = await reader?.read() ?? {};
  await reader?.cancel();
  return new TextDecoder().decode(value).includes('"SUBSCRIBED"');
}

Deno.test("FakeAgent speaks HTTPS with its certificate", async () => {
  await using dir = await tempDir();
  const { cert, key, caFile } = await makeCertificate(dir.path);
  await using agent = await FakeAgent.start({ tls: { cert, key } });
  const url = `https://${agent.endpoint}`;
  await assertRejects(() => post(url, SUBSCRIBE), TypeError);
  using client = Deno.createHttpClient({
    caCerts: [await Deno.readTextFile(caFile)],
  });
  assertEquals(await isSubscribed(url, client), true);
  await agent.restart();
  assertEquals(await isSubscribed(url, client), true);
  assertEquals(agent.violations, []);
});

Deno.test("FakeAgent listens on a unix socket", async () => {
  await using dir = await tempDir();
  const socketPath = `${dir.path}/agent.sock`;
  await using agent = await FakeAgent.start({ socketPath });
  using client = Deno.createHttpClient({
    proxy: { transport: "unix", path: socketPath },
  });
  assertEquals(await isSubscribed("http://127.0.0.1:2", client), true);
  await agent.restart();
  assertEquals(await isSubscribed("http://127.0.0.1:2", client), true);
  assertEquals(agent.violations, []);
});

Deno.test("FakeAgent refuses every call while it recovers", async () => {
  await using agent = await FakeAgent.start();
  const url = `http://${agent.endpoint}`;
  await agent.restart({ recovering: true });
  const response = await post(url, SUBSCRIBE);
  assertEquals(response.status, 503);
  assertEquals(await response.text(), "Agent has not finished recovery");
  agent.finishRecovery();
  assertEquals(await isSubscribed(url), true);
});

Deno.test("FakeAgent forgets the executor, or the framework as well", async () => {
  await using agent = await FakeAgent.start();
  const url = `http://${agent.endpoint}`;
  agent.forgetExecutor();
  const executorless = await post(url, SUBSCRIBE);
  assertEquals(executorless.status, 400);
  assertEquals(await executorless.text(), "Executor cannot be found");
  await agent.restart({ wipe: true });
  const wiped = await post(url, SUBSCRIBE);
  assertEquals(wiped.status, 400);
  assertEquals(await wiped.text(), "Framework cannot be found");
});

Deno.test("FakeAgent keeps what MESSAGE calls bring", async () => {
  await using agent = await FakeAgent.start();
  const url = `http://${agent.endpoint}`;
  assertEquals(await isSubscribed(url), true);
  const message = { data: new TextEncoder().encode("hi").toBase64() };
  const answer = await post(url, { ...CALLER, type: "MESSAGE", message });
  assertEquals(answer.status, 202);
  await answer.body?.cancel();
  assertEquals(agent.messages, ["hi"]);
  const empty = await post(url, { ...CALLER, type: "MESSAGE", message: {} });
  assertEquals(empty.status, 400);
  await empty.body?.cancel();
  assertEquals(agent.violations.length, 1);
});

Deno.test("FakeAgent notes updates that are out of order", async () => {
  await using agent = await FakeAgent.start();
  const url = `http://${agent.endpoint}`;
  agent.launch({ task_id: { value: "one" } });
  assertEquals(await isSubscribed(url), true);
  const update = async (state: string, timestamp: number) => {
    const status = {
      task_id: { value: "one" },
      state,
      timestamp,
      source: "SOURCE_EXECUTOR",
      uuid: crypto.getRandomValues(new Uint8Array(16)).toBase64(),
    };
    const answer = await post(url, {
      ...CALLER,
      type: "UPDATE",
      update: { status },
    });
    await answer.body?.cancel();
    assertEquals(answer.status, 202);
    return agent.violations.map(({ text }) => text);
  };
  assertEquals(await update("TASK_RUNNING", 5), []);
  assertEquals(await update("TASK_RUNNING", 6), []);
  assertEquals(await update("TASK_STARTING", 7), [
    "TASK_STARTING of one: the task was in TASK_RUNNING before: out of order",
  ]);
  const [, older] = await update("TASK_KILLING", 6);
  assertEquals(
    older,
    "TASK_KILLING of one: it is older than the update before: out of order",
  );
});
