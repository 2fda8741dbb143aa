/** Time and the agent are scripted: nothing here waits for either. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { AgentError } from "../../../executor/mesos/agent_error.ts";
import type { Departure } from "../../../executor/departure.ts";
import {
  Subscription,
  type SubscriptionOptions,
} from "../../../executor/mesos/subscription.ts";
import type { Event, SubscribeCall } from "../../../executor/mesos/types.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { MemoryLogger, settled } from "../../support/in_process_daemon.ts";

const HEARTBEAT: Event = { type: "HEARTBEAT" };
const SUBSCRIBED: Event = {
  type: "SUBSCRIBED",
  subscribed: {
    executor_info: { executor_id: { value: "exec-1" } },
    framework_info: { user: "root", name: "games" },
    agent_info: { hostname: "host-1" },
  },
};
const MINUTE_MS = 60_000;
/** For long outages: each back-off takes its half. */
const SLOW = { backoffMsMax: 2 * MINUTE_MS };
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
  result: Departure | null | undefined;
  readonly subscription: Subscription;
  onEvent = () => {};
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
    this.subscription = new Subscription(
      {
        agent: { subscribe: (_, signal) => this.#subscribe(signal) },
        clock: this.clock,
        random: () => this.random,
        logger: new MemoryLogger(),
        buildCall: makeCall,
        onEvent: ({ type }) => {
          this.log.push(type);
          this.onEvent();
        },
        onDisconnected: () => this.log.push("disconnected"),
      },
      {
        checkpoint: true,
        recoveryTimeoutMs: 15 * MINUTE_MS,
        backoffMsMax: 2_000,
        ...options,
      },
    );
    this.subscription.run(this.#aborter.signal)
      .then((result) => this.result = result);
  }

  /** Why the executor has to leave, in words; "" if it need not. */
  get reason(): string {
    return this.result?.message ?? "";
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

Deno.test("Subscription.run() passes events on in order", async () => {
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
  Deno.test(`Subscription.run() leaves without checkpointing when the stream ${how}`, async () => {
    const stream = new Stream();
    const bench = new Bench([stream], { checkpoint: false });
    await stream.send(HEARTBEAT);
    await stream.send(end);
    assertStringIncludes(bench.reason, "checkpoint");
    assertEquals(bench.log, ["SUBSCRIBE", "HEARTBEAT", "disconnected"]);
  });

  Deno.test(`Subscription.run() comes back with checkpointing when the stream ${how}`, async () => {
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

Deno.test("Subscription.run() leaves without checkpointing when nobody answers", async () => {
  const bench = new Bench([away()], { checkpoint: false });
  await settled();
  assertStringIncludes(bench.reason, "connection refused");
});

for (const random of [0, 0.25, 0.875]) {
  Deno.test(`Subscription.run() waits for ${random} of half the longest back-off`, async () => {
    const bench = new Bench([away()]);
    bench.random = random;
    await settled();
    if (random > 0) {
      await bench.advance(1_000 * random - 1);
      assertEquals(bench.subscribes, 1, "not before its time");
    }
    await bench.advance(1);
    assertEquals(bench.subscribes, 2);
    assertEquals(bench.result, undefined);
  });
}

Deno.test("Subscription.run() gives up after one recovery timeout per outage", async () => {
  const bench = new Bench(Array.from({ length: 100 }, away), SLOW);
  await settled();
  for (let times = 0; times < 29; times++) await bench.advance(SLOW_WAIT_MS);
  assertEquals(bench.subscribes, 30);
  assertEquals(bench.result, undefined, "each attempt does not start it anew");
  await bench.advance(SLOW_WAIT_MS);
  assertStringIncludes(bench.reason, "away for 900000 ms");
});

Deno.test("Subscription.run() counts the next outage from its own beginning", async () => {
  const stream = new Stream();
  const outage = Array.from({ length: 20 }, away);
  const bench = new Bench([...outage, stream, ...outage], SLOW);
  await settled();
  for (let times = 0; times < 20; times++) await bench.advance(SLOW_WAIT_MS);
  await stream.send(SUBSCRIBED);
  await stream.send(null);
  for (let times = 0; times < 20; times++) await bench.advance(SLOW_WAIT_MS);
  assertEquals(bench.result, undefined, "20 minutes, but of two outages");
});

Deno.test("Subscription.run() comes back after a stream that was quiet for long", async () => {
  const [first, second] = [new Stream(), new Stream()];
  const bench = new Bench([first, second]);
  await first.send(SUBSCRIBED);
  // An agent's heartbeats are 30 minutes apart.
  await bench.advance(29 * MINUTE_MS);
  await first.send(null);
  await bench.advance(1_000);
  assertEquals(bench.result, undefined);
  assertEquals(bench.subscribes, 2);
});

Deno.test("Subscription.run() gives up on an agent that takes calls and never answers", async () => {
  const bench = new Bench([]);
  await settled();
  for (let times = 0; times < 15; times++) await bench.advance(MINUTE_MS);
  assertStringIncludes(bench.reason, "away for 900000 ms");
});

Deno.test("Subscription.run() gives up on an agent that never says SUBSCRIBED", async () => {
  const streams = Array.from({ length: 20 }, () => new Stream());
  const bench = new Bench([...streams]);
  await settled();
  for (let times = 0; times < 15; times++) {
    // Not even its heartbeats prove that it has taken us back.
    for (const stream of streams) await stream.send(HEARTBEAT);
    assertEquals(bench.result, undefined);
    await bench.advance(MINUTE_MS);
  }
  assertStringIncludes(bench.reason, "away for 900000 ms");
});

Deno.test("Subscription.run() tries again when SUBSCRIBED does not come", async () => {
  const bench = new Bench([new Stream(), new Stream()]);
  await settled();
  await bench.advance(MINUTE_MS - 1);
  assertEquals(bench.subscribes, 1);
  await bench.advance(1);
  await bench.advance(1_000);
  assertEquals(bench.subscribes, 2);
});

Deno.test("Subscription.state tells how far it is, and counts the tries", async () => {
  const [first, second] = [new Stream(), new Stream()];
  const bench = new Bench([first, second]);
  const phases = () => {
    const { state } = bench.subscription;
    return "connectionId" in state
      ? `${state.phase} ${state.connectionId}`
      : state.phase;
  };
  assertEquals(phases(), "connecting 1");
  await settled();
  assertEquals(phases(), "subscribing 1");
  await first.send(SUBSCRIBED);
  assertEquals(phases(), "subscribed 1");
  await first.send(null);
  assertEquals(phases(), "disconnected");
  await bench.advance(1_000);
  assertEquals(phases(), "subscribing 2");
});

Deno.test("Subscription.drop() ends the stream; what is left of it is not heard", async () => {
  const [first, second] = [new Stream(), new Stream()];
  const bench = new Bench([first, second]);
  await first.send(SUBSCRIBED);
  bench.subscription.drop("not subscribed, the agent says");
  await first.send(HEARTBEAT);
  await bench.advance(1_000);
  await second.send(SUBSCRIBED);
  assertEquals(bench.log, [
    "SUBSCRIBE",
    "SUBSCRIBED",
    "disconnected",
    "SUBSCRIBE",
    "SUBSCRIBED",
  ]);
});

Deno.test("Subscription.drop() holds amid what came in one piece, too", async () => {
  const stream = new Stream();
  stream.read = async function* () {
    yield SUBSCRIBED;
    yield HEARTBEAT;
  };
  const bench = new Bench([stream]);
  bench.onEvent = () => bench.subscription.drop("it may as well be now");
  await settled();
  assertEquals(bench.log, ["SUBSCRIBE", "SUBSCRIBED", "disconnected"]);
});

Deno.test("Subscription.run() gives up a stream whose heartbeats have stopped", async () => {
  const [first, second] = [new Stream(), new Stream()];
  const bench = new Bench([first, second]);
  await first.send(SUBSCRIBED);
  await first.send(HEARTBEAT);
  await bench.advance(64 * MINUTE_MS);
  assertEquals(bench.subscribes, 1);
  await bench.advance(MINUTE_MS);
  await bench.advance(1_000);
  assertEquals(bench.subscribes, 2);
});

Deno.test("Subscription.run() expects no heartbeats of an agent that sent none", async () => {
  const stream = new Stream();
  const bench = new Bench([stream]);
  await stream.send(SUBSCRIBED);
  for (let hours = 0; hours < 48; hours++) await bench.advance(60 * MINUTE_MS);
  assertEquals(bench.subscribes, 1);
});

Deno.test("Subscription.run() leaves an agent that rejects it", async () => {
  const bench = new Bench([
    away(),
    new AgentError("forgotten", "400: Framework cannot be found"),
  ]);
  await settled();
  await bench.advance(1_000);
  assertEquals(bench.result, {
    cause: "forgotten",
    message: "400: Framework cannot be found",
  });
  assertEquals(bench.subscribes, 2);
});

Deno.test("Subscription.run() asks again when it is not subscribed", async () => {
  const bench = new Bench([new AgentError("not-subscribed", "403")]);
  await settled();
  await bench.advance(1_000);
  assertEquals(bench.result, undefined);
  assertEquals(bench.subscribes, 2);
});

Deno.test("Subscription.run() drops the stream after an ERROR event", async () => {
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

Deno.test("Subscription.run() ends at once when it is ended from outside", async () => {
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
