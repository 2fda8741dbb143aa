/** An agent that breaks off: its words are cut by a server made for that. */
import { assertEquals } from "@std/assert";
import { AgentClient } from "../../../executor/mesos/agent_client.ts";
import { AgentError } from "../../../executor/mesos/agent_error.ts";
import { jsonCodec } from "../../../executor/mesos/json_codec.ts";
import type { HeartbeatCall } from "../../../executor/mesos/types.ts";
import { assert } from "../../../shared/errors.ts";

const CALL: HeartbeatCall = {
  type: "HEARTBEAT",
  executor_id: { value: "exec-1" },
  framework_id: { value: "fw-1" },
};

/** Sends a call; its signal is aborted as soon as the agent has begun. */
async function sendAborted(head: string): Promise<unknown> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const aborter = new AbortController();
  const served = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(65_536));
    await connection.write(new TextEncoder().encode(head));
    // What the client does with the head comes before what a timer does.
    await new Promise((resolve) => setTimeout(resolve, 50));
    aborter.abort();
    await connection.read(new Uint8Array(1)).catch(() => null);
  })();
  const url = `http://127.0.0.1:${listener.addr.port}/`;
  const client = new AgentClient(url, jsonCodec, "");
  const result = await client.send(CALL, aborter.signal)
    .catch((error) => error);
  await served;
  return result;
}

Deno.test("AgentClient.send() fails as an agent that is away if it breaks off", async () => {
  const error = await sendAborted(
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 100\r\n\r\nnot",
  );
  assert(error instanceof AgentError, String(error));
  const { failure }: AgentError = error;
  assertEquals(failure, "unavailable");
});

Deno.test("AgentClient.send() is done once the agent has accepted", async () => {
  assertEquals(
    await sendAborted("HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n"),
    undefined,
  );
});

Deno.test("AgentClient.send() does not mind how an accepted call's answer ends", async () => {
  const { fetch } = globalThis;
  // Only in a crowd does an abort hit the very step between head and body.
  const body = new ReadableStream({
    cancel: () => Promise.reject(new DOMException("aborted", "AbortError")),
  });
  globalThis.fetch = () => Promise.resolve(new Response(body, { status: 202 }));
  try {
    const client = new AgentClient("http://127.0.0.1:1/", jsonCodec, "");
    await client.send(CALL, new AbortController().signal);
  } finally {
    globalThis.fetch = fetch;
  }
});
