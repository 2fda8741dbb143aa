/** Against real servers on the loopback interface. */
import { assertEquals } from "@std/assert";
import { probeTcp } from "../../../executor/health/tcp_probe.ts";
import { CLOSED_PORT, HAS_IPV6 } from "../../support/loopback_server.ts";

/** Nobody gives up. */
const PATIENT = new AbortController().signal;

Deno.test("probeTcp() tells whether a port takes connections", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  assertEquals(
    await probeTcp({ type: "TCP", hostname: "127.0.0.1", port }, PATIENT),
    { type: "TCP", succeeded: true },
  );
  // It says nothing, and is gone.
  using conn = await listener.accept();
  assertEquals(await conn.read(new Uint8Array(1)), null);
  assertEquals(
    await probeTcp(
      { type: "TCP", hostname: "127.0.0.1", port: CLOSED_PORT },
      PATIENT,
    ),
    { type: "TCP", succeeded: false },
  );
});

Deno.test({
  name: "probeTcp() tells IPv6 from IPv4 (needs ::1)",
  ignore: !HAS_IPV6,
  fn: async () => {
    using listener = Deno.listen({ hostname: "::1", port: 0 });
    const { port } = listener.addr;
    assertEquals(
      await probeTcp({ type: "TCP", hostname: "[::1]", port }, PATIENT),
      { type: "TCP", succeeded: true },
    );
  },
});

Deno.test("probeTcp() closes a connection that is made after it was called off", async () => {
  // Once the queue is full, a connection waits until the kernel tries again,
  // a second later.
  using listener = Deno.listen({
    hostname: "127.0.0.1",
    port: 0,
    tcpBacklog: 1,
  });
  const { port } = listener.addr;
  using _first = await Deno.connect({ port });
  using _second = await Deno.connect({ port });
  const aborter = new AbortController();
  const outcome = probeTcp(
    { type: "TCP", hostname: "127.0.0.1", port },
    aborter.signal,
  );
  aborter.abort();
  assertEquals((await outcome).type, "failed");
  using _accepted = await listener.accept();
  using _alsoAccepted = await listener.accept();
  using late = await listener.accept();
  assertEquals(await late.read(new Uint8Array(1)), null);
});

Deno.test("probeTcp() leaks no connection that is made as it is called off", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  for (let turns = 0; turns < 8; turns++) {
    const aborter = new AbortController();
    const outcome = probeTcp(
      { type: "TCP", hostname: "127.0.0.1", port },
      aborter.signal,
    );
    for (let turn = 0; turn < turns; turn++) {
      await (turn % 2 === 0
        ? Promise.resolve()
        : new Promise((resolve) => setTimeout(resolve, 0)));
    }
    aborter.abort();
    await outcome;
  }
});
