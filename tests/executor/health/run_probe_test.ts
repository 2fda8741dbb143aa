import { assertEquals } from "@std/assert";
import type { Probe } from "../../../executor/health/probe.ts";
import { runProbe } from "../../../executor/health/run_probe.ts";
import { AppError } from "../../../shared/errors.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { settled } from "../../support/in_process_daemon.ts";
import { answering, LoopbackServer } from "../../support/loopback_server.ts";

function bench() {
  const clock = new FakeClock();
  const aborter = new AbortController();
  const run = (probe: Probe) =>
    runProbe(
      { probe, timeoutMs: 2_500 },
      {
        clock,
        exec: () => Promise.reject(new AppError("UNAVAILABLE", "away")),
      },
      aborter.signal,
    );
  return { clock, aborter, run };
}

Deno.test("runProbe() gives a server its time, and no more", async () => {
  for (const tls of [false, true]) {
    await using server = new LoopbackServer(answering("HTTP/1.1 200"), { tls });
    const { clock, run } = bench();
    let isDone = false;
    const outcome = run({
      type: "HTTP",
      url: `${tls ? "https" : "http"}://127.0.0.1:${server.port}/`,
      statuses: [],
    });
    outcome.then(() => isDone = true);
    await server.requested(1);
    clock.advance(2_499);
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(isDone, false);
    clock.advance(1);
    assertEquals(await outcome, {
      type: "failed",
      reason: "not done within 2.5 s",
    });
    await server.idle();
  }
});

Deno.test("runProbe() fails, and does not refuse, at a connection that is not answered", async () => {
  // Once the queue is full, further connections wait.
  using listener = Deno.listen({
    hostname: "127.0.0.1",
    port: 0,
    tcpBacklog: 1,
  });
  const { port } = listener.addr;
  using _first = await Deno.connect({ port });
  using _second = await Deno.connect({ port });
  const { clock, run } = bench();
  const probes: readonly Probe[] = [
    { type: "TCP", hostname: "127.0.0.1", port },
    { type: "HTTP", url: `http://127.0.0.1:${port}/`, statuses: [] },
    { type: "HTTP", url: `https://127.0.0.1:${port}/`, statuses: [] },
  ];
  for (const probe of probes) {
    const outcome = run(probe);
    // Node's modules take a moment to begin.
    await settled();
    clock.advance(2_500);
    assertEquals(await outcome, {
      type: "failed",
      reason: "not done within 2.5 s",
    });
  }
  // The kernel tries again a second later: ours come then, and are closed.
  using _accepted = await listener.accept();
  using _alsoAccepted = await listener.accept();
  for (let count = 0; count < 2; count++) {
    using late = await listener.accept();
    assertEquals(await late.read(new Uint8Array(1)), null);
  }
});

Deno.test("runProbe() leaves no timer and no listener", async () => {
  await using server = new LoopbackServer(
    answering("HTTP/1.1 200 OK\r\n\r\n"),
  );
  const { clock, aborter, run } = bench();
  const { signal } = aborter;
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (
    ...args: Parameters<typeof removeEventListener>
  ) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  const outcome = await run({
    type: "HTTP",
    url: `http://127.0.0.1:${server.port}/`,
    statuses: [],
  });
  assertEquals(outcome, { type: "HTTP", statusCode: 200 });
  assertEquals(clock.pending, 0);
  assertEquals(listeners, 0);
});

Deno.test("runProbe() ends with its signal", async () => {
  await using server = new LoopbackServer(answering("HTTP/1.1 200"));
  const { clock, aborter, run } = bench();
  const outcome = run({
    type: "HTTP",
    url: `http://127.0.0.1:${server.port}/`,
    statuses: [],
  });
  await server.requested(1);
  aborter.abort();
  assertEquals((await outcome).type, "failed");
  assertEquals(clock.pending, 0);
  await server.idle();
});

Deno.test("runProbe() leaves the time of a command to the daemon", async () => {
  const { clock, run } = bench();
  const request = {
    Cmd: ["/bin/true"],
    Envs: [],
    User: "",
    WorkDir: "",
    Timeout: 2.5,
  };
  const outcome = run({ type: "COMMAND", request });
  clock.advance(10_000);
  assertEquals(await outcome, { type: "skipped", reason: "away" });
});
