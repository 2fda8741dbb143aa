/** Time and the agent are scripted: nothing here waits for either. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { AgentError } from "../../../executor/mesos/agent_error.ts";
import {
  runSubscription,
  type SubscriptionOptions,
} from "../../../executor/mesos/subscription.ts";
import type { Event, SubscribeCall } from "../../../executor/mesos/types.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { MemoryLogger, settled } from "../../support/in_process_daemon.ts";

const HEARTBEAT: Event = { type: "HEARTBEAT" };
const MINUTE_MS = 60_000;
/** For long outages: each back-off takes its half. */
const SLOW = { backoffMsMax: MINUTE_MS };
const SLOW_WAIT_MS = 30_000;

/** A stream of events that the test writes to. */
class Stream {
  readonly #events: (Event | Error | null)[] = [];
  #wake = () => {};

  /** An error breaks the stream, null ends it. */
  async send(event: Event | Error | null): Promise<void> {
    this.#events.push(event);
    this.#wake();
    await settled();
  }

  async *read(signal: AbortSignal): AsyncGenerator<Event> {
    signal.addEventListener("abort", () => this.#wake());
    while (!signal.aborted) {
      const event = this.#events.shift();
      if (event === null) return;
      if (event instanceof Error) throw event;
      if (event !== undefined) yield event;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

/** A subscription, and an agent that does what the test says. */
class Bench {
  readonly clock = new FakeClock();
  /** What happened, such as `SUBSCRIBE` or the type of an event. */
  readonly log: string[] = [];
  /** Why the executor has to leave; undefined while it is subscribing. */
  result: string | null | undefined;
  /** How far up each back-off goes, from 0 up to 1. */
  random = 0.5;
  readonly #aborter = new AbortController();

  /**
   * @param answers What SUBSCRIBE calls get, in this order; after them, and
   * for "hang", there is no answer.
   */
  constructor(
    readonly answers: (Stream | AgentError | "hang")[],
    options: Partial<SubscriptionOptions> = {},
  ) {
    runSubscription(
      {
        agent: { subscribe: (_, signal) => this.#subscribe(signal) },
        clock: this.clock,
        random: () => this.random,
        logger: new MemoryLogger(),
        buildCall: makeCall,
        onEvent: ({ type }) => this.log.push(type),
        onDisconnected: () => this.log.push("disconnected"),
      },
      {
        checkpoint: true,
        recoveryTimeoutMs: 15 * MINUTE_MS,
        backoffMsMax: 2_000,
        ...options,
      },
      this.#aborter.signal,
    ).then((result) => this.result = result);
  }

  get subscribes(): number {
    return this.log.filter((word) => word === "SUBSCRIBE").length;
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settled();
  }

  async abort(): Promise<void> {
    this.#aborter.abort();
    await settled();
  }

  #subscribe(signal: AbortSignal): Promise<AsyncIterable<Event>> {
    this.log.push("SUBSCRIBE");
    const answer = this.answers.shift() ?? "hang";
    if (answer instanceof Stream) return Promise.resolve(answer.read(signal));
    if (answer !== "hang") return Promise.reject(answer);
    const { promise, reject } = Promise.withResolvers<AsyncIterable<Event>>();
    signal.addEventListener("abort", () => reject(away()));
    return promise;
  }
}

function makeCall(): SubscribeCall {
  return {
    executor_id: { value: "exec-1" },
    framework_id: { value: "fw-1" },
    type: "SUBSCRIBE",
    subscribe: { unacknowledged_tasks: [], unacknowledged_updates: [] },
  };
}

function away(): AgentError {
  return new AgentError("unavailable", "connection refused");
}

Deno.test("runSubscription() passes events on in order", async () => {
  const stream = new Stream();
  const bench = new Bench([stream]);
  await stream.send({ type: "UNKNOWN" });
  await stream.send(HEARTBEAT);
  await stream.send({ type: "SHUTDOWN" });
  assertEquals(bench.log, ["SUBSCRIBE", "UNKNOWN", "HEARTBEAT", "SHUTDOWN"]);
  assertEquals(bench.result, undefined);
});

for (
  const [how, end] of [
    ["ends", null],
    ["breaks", new Error("connection reset")],
  ] as const
) {
  Deno.test(`runSubscription() leaves without checkpointing when the stream ${how}`, async () => {
    const stream = new Stream();
    const bench = new Bench([stream], { checkpoint: false });
    await stream.send(HEARTBEAT);
    await stream.send(end);
    assertStringIncludes(bench.result ?? "", "checkpoint");
    assertEquals(bench.log, ["SUBSCRIBE", "HEARTBEAT", "disconnected"]);
  });

  Deno.test(`runSubscription() comes back with checkpointing when the stream ${how}`, async () => {
    const [first, second] = [new Stream(), new Stream()];
    const bench = new Bench([first, second]);
    await first.send(HEARTBEAT);
    await first.send(end);
    await bench.advance(1_000);
    await second.send({ type: "SHUTDOWN" });
    assertEquals(bench.log, [
      "SUBSCRIBE",
      "HEARTBEAT",
      "disconnected",
      "SUBSCRIBE",
      "SHUTDOWN",
    ]);
    assertEquals(bench.result, undefined);
  });
}

Deno.test("runSubscription() leaves without checkpointing when nobody answers", async () => {
  const bench = new Bench([away()], { checkpoint: false });
  await settled();
  assertStringIncludes(bench.result ?? "", "connection refused");
});

for (const random of [0, 0.25, 0.999]) {
  Deno.test(`runSubscription() waits for ${random} of the longest back-off`, async () => {
    const bench = new Bench([away()]);
    bench.random = random;
    await settled();
    if (random > 0) {
      await bench.advance(2_000 * random - 1);
      assertEquals(bench.subscribes, 1, "not before its time");
    }
    await bench.advance(1);
    assertEquals(bench.subscribes, 2);
    assertEquals(bench.result, undefined);
  });
}

Deno.test("runSubscription() gives up after one recovery timeout per outage", async () => {
  const bench = new Bench(Array.from({ length: 100 }, away), SLOW);
  await settled();
  for (let times = 0; times < 29; times++) await bench.advance(SLOW_WAIT_MS);
  assertEquals(bench.subscribes, 30);
  assertEquals(bench.result, undefined, "each attempt does not start it anew");
  await bench.advance(SLOW_WAIT_MS);
  assertStringIncludes(bench.result ?? "", "away for 900000 ms");
});

Deno.test("runSubscription() counts the next outage from its own beginning", async () => {
  const stream = new Stream();
  const outage = Array.from({ length: 20 }, away);
  const bench = new Bench([...outage, stream, ...outage], SLOW);
  await settled();
  for (let times = 0; times < 20; times++) await bench.advance(SLOW_WAIT_MS);
  await stream.send(HEARTBEAT);
  await stream.send(null);
  for (let times = 0; times < 20; times++) await bench.advance(SLOW_WAIT_MS);
  assertEquals(bench.result, undefined, "20 minutes, but of two outages");
});

Deno.test("runSubscription() comes back after a stream that was quiet for long", async () => {
  const [first, second] = [new Stream(), new Stream()];
  const bench = new Bench([first, second]);
  await first.send(HEARTBEAT);
  // An agent's heartbeats are 30 minutes apart.
  await bench.advance(29 * MINUTE_MS);
  await first.send(null);
  await bench.advance(1_000);
  assertEquals(bench.result, undefined);
  assertEquals(bench.subscribes, 2);
});

Deno.test("runSubscription() gives up on an agent that takes calls and never answers", async () => {
  const bench = new Bench(["hang"]);
  await settled();
  await bench.advance(15 * MINUTE_MS);
  assertStringIncludes(bench.result ?? "", "away for 900000 ms");
});

Deno.test("runSubscription() gives up on an agent whose stream stays empty", async () => {
  const stream = new Stream();
  const bench = new Bench([away(), stream]);
  await settled();
  await bench.advance(1_000);
  assertEquals(bench.subscribes, 2);
  await bench.advance(15 * MINUTE_MS);
  assertStringIncludes(bench.result ?? "", "away for 900000 ms");
});

Deno.test("runSubscription() leaves an agent that rejects it", async () => {
  const bench = new Bench([
    away(),
    new AgentError("rejected", "400: Framework cannot be found"),
  ]);
  await settled();
  await bench.advance(1_000);
  assertEquals(bench.result, "400: Framework cannot be found");
  assertEquals(bench.subscribes, 2);
});

Deno.test("runSubscription() asks again when it is not subscribed", async () => {
  const bench = new Bench([new AgentError("not-subscribed", "403")]);
  await settled();
  await bench.advance(1_000);
  assertEquals(bench.result, undefined);
  assertEquals(bench.subscribes, 2);
});

Deno.test("runSubscription() drops the stream after an ERROR event", async () => {
  const [first, second] = [new Stream(), new Stream()];
  const bench = new Bench([first, second]);
  await first.send({ type: "ERROR", error: { message: "go away" } });
  await first.send(HEARTBEAT);
  await bench.advance(1_000);
  await second.send({ type: "SHUTDOWN" });
  assertEquals(bench.log, [
    "SUBSCRIBE",
    "ERROR",
    "disconnected",
    "SUBSCRIBE",
    "SHUTDOWN",
  ]);
});

Deno.test("runSubscription() ends at once when it is ended from outside", async () => {
  const waiting = new Bench([away()]);
  await settled();
  await waiting.abort();
  assertEquals(waiting.result, null);
  assertEquals(waiting.clock.pending, 0);
  const asking = new Bench(["hang"]);
  await settled();
  await asking.abort();
  assertEquals(asking.result, null);
  assertEquals(asking.log, ["SUBSCRIBE"]);
});
