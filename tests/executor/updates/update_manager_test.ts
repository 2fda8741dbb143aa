/** Time and the agent are scripted: nothing here waits for either. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  AgentError,
  type AgentFailure,
} from "../../../executor/mesos/agent_error.ts";
import type {
  CallUpdate,
  TaskState,
  TaskStatus,
} from "../../../executor/mesos/types.ts";
import { UpdateManager } from "../../../executor/updates/update_manager.ts";
import { BackgroundTasks } from "../../../shared/background.ts";
import { InvariantError } from "../../../shared/errors.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { MemoryLogger, settled } from "../../support/in_process_daemon.ts";

/** An UPDATE call that waits for its answer. */
interface Call {
  readonly uuid: string;
  readonly signal: AbortSignal;
  readonly accept: () => void;
  readonly refuse: (failure: AgentFailure) => void;
}

/** An update manager, and an agent that answers when the test says so. */
class Bench {
  readonly clock = new FakeClock();
  readonly calls: Call[] = [];
  readonly acknowledged: string[] = [];
  readonly refused: AgentFailure[] = [];
  readonly failures: unknown[] = [];
  readonly #background = new BackgroundTasks((_, error) =>
    this.failures.push(error)
  );
  readonly manager = new UpdateManager({
    send: (update, signal) => this.#send(update, signal),
    clock: this.clock,
    random: () => 1,
    background: this.#background,
    logger: new MemoryLogger(),
    onAcknowledged: ({ task_id, state }) =>
      this.acknowledged.push(`${task_id.value} ${state}`),
    onRefused: ({ failure }) => this.refused.push(failure),
  });

  /** Uuids in the order of their sends. */
  get sent(): string[] {
    return this.calls.map(({ uuid }) => uuid);
  }

  get unacknowledged(): (string | undefined)[] {
    return this.manager.unacknowledged.map(({ status }) => status.uuid);
  }

  get last(): Call {
    const call = this.calls.at(-1);
    assert(call !== undefined);
    return call as Call;
  }

  add(uuid: string, state: TaskState = "TASK_RUNNING", taskId = "one"): void {
    this.manager.add(makeStatus(uuid, state, taskId));
  }

  /** SUBSCRIBED, after a SUBSCRIBE that carried some updates. */
  async subscribe(carried: readonly CallUpdate[] = []): Promise<void> {
    this.manager.onSubscribed(carried);
    await settled();
  }

  async accept(): Promise<void> {
    this.last.accept();
    await settled();
  }

  async refuse(failure: AgentFailure = "unavailable"): Promise<void> {
    this.last.refuse(failure);
    await settled();
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settled();
  }

  #send({ status }: CallUpdate, signal: AbortSignal): Promise<void> {
    // Remembered already: a crash of this call cannot lose it.
    assert(this.unacknowledged.includes(status.uuid));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const refuse = (failure: AgentFailure) =>
      reject(new AgentError(failure, "503 not finished recovery"));
    signal.addEventListener("abort", () => refuse("unavailable"));
    this.calls.push({
      uuid: status.uuid ?? "",
      signal,
      accept: resolve,
      refuse,
    });
    return promise;
  }
}

function makeStatus(uuid: string, state: TaskState, id: string): TaskStatus {
  return { task_id: { value: id }, state, uuid, source: "SOURCE_EXECUTOR" };
}

Deno.test("UpdateManager sends nothing before SUBSCRIBED", async () => {
  const bench = new Bench();
  bench.add("a");
  bench.add("b");
  await settled();
  assertEquals(bench.sent, []);
  assertEquals(bench.unacknowledged, ["a", "b"]);
  await bench.subscribe();
  assertEquals(bench.sent, ["a"]);
});

Deno.test("UpdateManager sends in order, one after the other", async () => {
  const bench = new Bench();
  await bench.subscribe();
  bench.add("a", "TASK_STARTING");
  bench.add("b", "TASK_RUNNING");
  bench.add("c", "TASK_STARTING", "two");
  await settled();
  assertEquals(bench.sent, ["a"]);
  await bench.accept();
  assertEquals(bench.sent, ["a", "b"]);
  await bench.accept();
  await bench.accept();
  assertEquals(bench.sent, ["a", "b", "c"]);
  assertEquals(bench.unacknowledged, ["a", "b", "c"]);
});

Deno.test("UpdateManager repeats a refused update with its uuid, before later ones", async () => {
  const bench = new Bench();
  await bench.subscribe();
  bench.add("a");
  bench.add("b");
  let waitMs = 50;
  for (let failures = 1; failures <= 10; failures++) {
    await bench.refuse();
    assertEquals(bench.sent.length, failures);
    await bench.advance(waitMs - 1);
    assertEquals(bench.sent.length, failures, "not before its time");
    await bench.advance(1);
    assertEquals(bench.sent.length, failures + 1);
    waitMs = Math.min(waitMs * 2, 2_000);
  }
  assertEquals(new Set(bench.sent), new Set(["a"]));
  await bench.accept();
  assertEquals(bench.sent.at(-1), "b");
});

Deno.test("UpdateManager forgets failures after a success", async () => {
  const bench = new Bench();
  await bench.subscribe();
  // The second while the first is under way, and later.
  bench.add("a");
  for (const next of ["b", "c"]) {
    bench.add(next);
    await settled();
    await bench.refuse();
    await bench.advance(50);
    await bench.accept();
  }
  assertEquals(bench.sent, ["a", "a", "b", "b", "c"]);
});

Deno.test("UpdateManager drops an update when it is acknowledged", async () => {
  const bench = new Bench();
  await bench.subscribe();
  bench.add("a", "TASK_STARTING");
  bench.add("b", "TASK_RUNNING");
  await settled();
  await bench.accept();
  bench.manager.onAcknowledged("a");
  assertEquals(bench.unacknowledged, ["b"]);
  assertEquals(bench.acknowledged, ["one TASK_STARTING"]);
});

Deno.test("UpdateManager ignores unknown and repeated acknowledgements", () => {
  const bench = new Bench();
  bench.add("a");
  bench.manager.onAcknowledged("never sent");
  bench.manager.onAcknowledged("a");
  bench.manager.onAcknowledged("a");
  assertEquals(bench.acknowledged, ["one TASK_RUNNING"]);
  assertEquals(bench.unacknowledged, []);
});

Deno.test("UpdateManager does not repeat what was acknowledged meanwhile", async () => {
  const bench = new Bench();
  await bench.subscribe();
  bench.add("a");
  bench.add("b");
  await settled();
  // The agent has it; only its answer was lost.
  await bench.refuse();
  bench.manager.onAcknowledged("a");
  await bench.advance(50);
  assertEquals(bench.sent, ["a", "b"]);
});

Deno.test("UpdateManager leaves out what SUBSCRIBE has carried", async () => {
  const bench = new Bench();
  bench.add("a");
  bench.add("b");
  const carried = bench.manager.unacknowledged;
  bench.add("c");
  await bench.subscribe(carried);
  assertEquals(bench.sent, ["c"]);
  assertEquals(bench.unacknowledged, ["a", "b", "c"]);
});

Deno.test("UpdateManager stops sending while the stream is lost", async () => {
  const bench = new Bench();
  await bench.subscribe();
  bench.add("a");
  await settled();
  bench.manager.onDisconnected();
  assert(bench.last.signal.aborted);
  await settled();
  bench.add("b");
  await bench.advance(60_000);
  assertEquals(bench.sent, ["a"]);
  assertEquals(bench.unacknowledged, ["a", "b"]);
  // Nobody knows whether the agent has got "a": it goes again.
  await bench.subscribe();
  assertEquals(bench.sent, ["a", "a"]);
  await bench.accept();
  assertEquals(bench.sent, ["a", "a", "b"]);
});

Deno.test("UpdateManager does not wait for a back-off of the stream before", async () => {
  const bench = new Bench();
  await bench.subscribe();
  bench.add("a");
  await settled();
  await bench.refuse();
  bench.manager.onDisconnected();
  await bench.subscribe();
  assertEquals(bench.sent, ["a", "a"]);
  await bench.accept();
  assertEquals(bench.clock.pending, 0);
});

for (
  const failure of [
    "not-subscribed",
    "unauthorized",
    "forgotten",
    "unacceptable",
  ] as const
) {
  Deno.test(`UpdateManager tells of a refusal that is "${failure}", and keeps the update`, async () => {
    const bench = new Bench();
    await bench.subscribe();
    bench.add("a");
    await settled();
    await bench.refuse(failure);
    assertEquals(bench.refused, [failure]);
    assertEquals(bench.unacknowledged, ["a"]);
    bench.manager.onDisconnected();
    await settled();
    await bench.subscribe();
    assertEquals(bench.sent, ["a", "a"]);
  });
}

Deno.test("UpdateManager sends again what was never answered", async () => {
  const bench = new Bench();
  await bench.subscribe();
  bench.add("a");
  await settled();
  await bench.advance(30_000);
  assert(bench.last.signal.aborted);
  await bench.refuse();
  await bench.advance(50);
  assertEquals(bench.sent, ["a", "a"]);
});

Deno.test("UpdateManager goes on with a stream that replaces another", async () => {
  const bench = new Bench();
  await bench.subscribe();
  bench.add("a");
  await settled();
  const { signal } = bench.last;
  await bench.subscribe(bench.manager.unacknowledged);
  assert(signal.aborted);
  bench.add("b");
  await settled();
  assertEquals(bench.sent, ["a", "b"]);
});

Deno.test("UpdateManager does not overlook an update that comes as it stops", async () => {
  // One try for each moment between an answer and the end of the sending.
  for (let steps = 0; steps < 12; steps++) {
    const bench = new Bench();
    await bench.subscribe();
    bench.add("a");
    bench.last.accept();
    for (let step = 0; step < steps; step++) await Promise.resolve();
    bench.add("b");
    await settled();
    assertEquals(bench.sent, ["a", "b"], `added ${steps} steps later`);
  }
});

Deno.test("UpdateManager sends an update that follows SUBSCRIBED at once", async () => {
  const bench = new Bench();
  bench.manager.onSubscribed([]);
  bench.add("a");
  await settled();
  assertEquals(bench.sent, ["a"]);
});

Deno.test("UpdateManager refuses a second end of a task", () => {
  const bench = new Bench();
  bench.add("a", "TASK_KILLED");
  bench.add("b", "TASK_FINISHED", "two");
  assertThrows(() => bench.add("c", "TASK_FAILED"), InvariantError);
  assertThrows(() => bench.add("d", "TASK_RUNNING"), InvariantError);
  assertEquals(bench.unacknowledged, ["a", "b"]);
});
