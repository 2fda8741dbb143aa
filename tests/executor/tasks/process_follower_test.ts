/** Time and the daemon are scripted: nothing here waits for either. */
import { assertEquals } from "@std/assert";
import { followProcesses } from "../../../executor/tasks/process_follower.ts";
import { AppError } from "../../../shared/errors.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import {
  InProcessDaemon,
  makeStatus,
  MemoryLogger,
  settled,
} from "../../support/in_process_daemon.ts";

/** A follower of the processes "one" and "two". */
class Bench {
  readonly clock = new FakeClock();
  readonly statuses: string[] = [];
  readonly forgotten: string[] = [];
  readonly ids = ["one"];
  isCreated = true;
  timesFollowing = 0;
  isOver = false;
  readonly #aborter = new AbortController();

  constructor(readonly daemon = new InProcessDaemon()) {
    followProcesses(
      {
        manager: daemon,
        clock: this.clock,
        random: () => 1,
        logger: new MemoryLogger(),
        processIds: () => this.ids,
        isCreated: () => this.isCreated,
        onStatus: ({ Id, Status }) => this.statuses.push(`${Id} ${Status}`),
        onForgotten: (id) => this.forgotten.push(id),
      },
      () => this.timesFollowing++,
      this.#aborter.signal,
    ).then(() => this.isOver = true);
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settled();
  }

  async end(): Promise<void> {
    this.#aborter.abort();
    await settled();
    assertEquals(this.isOver, true);
    assertEquals(this.clock.pending, 0);
  }

  callsOf(operation: string): string[] {
    return this.daemon.calls.filter((call) => call.startsWith(operation));
  }
}

Deno.test("followProcesses() passes every change on, in order", async () => {
  const bench = new Bench();
  await settled();
  const { daemon } = bench;
  daemon.emit({ Seq: 1, Status: makeStatus("one", { Status: "starting" }) });
  daemon.emit({ Seq: 2, Status: makeStatus("one") });
  daemon.emit({ Seq: 3, Status: makeStatus("other") });
  await settled();
  assertEquals(bench.statuses, [
    "one starting",
    "one running",
    "other running",
  ]);
  assertEquals(bench.callsOf("follow"), ["follow now"]);
  await bench.end();
});

Deno.test("followProcesses() does not pass on that a process is forgotten", async () => {
  const bench = new Bench();
  await settled();
  bench.daemon.emit({ Seq: 1, Cause: "deleted" });
  await settled();
  assertEquals(bench.statuses, []);
  await bench.end();
});

Deno.test("followProcesses() says that it follows once it does", async () => {
  const daemon = new InProcessDaemon();
  daemon.fail("follow", { code: "UNAVAILABLE", times: 2 });
  const bench = new Bench(daemon);
  await settled();
  assertEquals(bench.timesFollowing, 0);
  await bench.advance(50);
  assertEquals(bench.timesFollowing, 0);
  await bench.advance(100);
  assertEquals(bench.timesFollowing, 1);
  await bench.end();
});

Deno.test("followProcesses() goes on after the last event it has seen", async () => {
  const bench = new Bench();
  await settled();
  const { daemon } = bench;
  daemon.emit({ Seq: 7 });
  daemon.emit({ Seq: 9 });
  await settled();
  daemon.endStreams();
  await settled();
  await bench.advance(50);
  daemon.emit({ Seq: 12 });
  await settled();
  daemon.fail("follow", { code: "UNAVAILABLE", times: 3 });
  daemon.endStreams();
  await settled();
  for (const waitMs of [50, 50, 100, 200]) await bench.advance(waitMs);
  assertEquals(bench.callsOf("follow"), [
    "follow now",
    "follow 9",
    "follow 12",
    "follow 12",
    "follow 12",
    "follow 12",
  ]);
  await bench.end();
});

Deno.test("followProcesses() looks at its processes whenever it connects", async () => {
  const daemon = new InProcessDaemon();
  daemon.statuses.set("one", makeStatus("one"));
  daemon.statuses.set("two", makeStatus("two"));
  daemon.statuses.set("other", makeStatus("other"));
  const bench = new Bench(daemon);
  await settled();
  assertEquals(bench.statuses, ["one running"]);
  // Now with one that the daemon does not know: others do not suffer.
  bench.ids.splice(0, 1, "unknown", "one", "two");
  daemon.statuses.set("one", makeStatus("one", { Status: "stopped" }));
  daemon.endStreams();
  await settled();
  await bench.advance(50);
  assertEquals(bench.statuses, ["one running", "one stopped", "two running"]);
  assertEquals(bench.forgotten, ["unknown"]);
  await bench.end();
});

Deno.test("followProcesses() waits longer each time, up to 2 s", async () => {
  const daemon = new InProcessDaemon();
  daemon.fail("follow", { code: "UNAVAILABLE", times: 1_000 });
  const bench = new Bench(daemon);
  await settled();
  let count = 1;
  for (const waitMs of [50, 100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000]) {
    await bench.advance(waitMs - 1);
    assertEquals(bench.callsOf("follow").length, count);
    await bench.advance(1);
    assertEquals(bench.callsOf("follow").length, ++count);
  }
  assertEquals(bench.timesFollowing, 0);
  await bench.end();
});

Deno.test("followProcesses() polls a daemon that has no events", async () => {
  const daemon = new InProcessDaemon();
  daemon.fail("follow", { code: "NOT_FOUND", times: 1_000 });
  daemon.statuses.set("one", makeStatus("one", { Status: "starting" }));
  const bench = new Bench(daemon);
  await settled();
  assertEquals(bench.timesFollowing, 1);
  daemon.statuses.set("one", makeStatus("one"));
  await bench.advance(1_000);
  daemon.fail("status", { code: "UNAVAILABLE" });
  await bench.advance(1_000);
  daemon.statuses.set("one", makeStatus("one", { Status: "stopped" }));
  await bench.advance(1_000);
  assertEquals(bench.statuses, ["one starting", "one running", "one stopped"]);
  assertEquals(bench.callsOf("status").length, 4);
  assertEquals(bench.callsOf("follow").length, 1);
  await bench.end();
});

Deno.test("followProcesses() ends at once, whatever it is waiting for", async () => {
  const following = new Bench();
  await settled();
  await following.end();
  const daemon = new InProcessDaemon();
  daemon.fail("follow", { code: "UNAVAILABLE" });
  const retrying = new Bench(daemon);
  await settled();
  await retrying.end();
});

Deno.test("followProcesses() takes nothing for forgotten that was being created", async () => {
  const daemon = new InProcessDaemon();
  const answer = Promise.withResolvers<never>();
  daemon.status = () => answer.promise;
  const bench = new Bench(daemon);
  bench.isCreated = false;
  await settled();
  // Asked for before it was created, answered after it.
  bench.isCreated = true;
  answer.reject(new AppError("NOT_FOUND", "no one"));
  await settled();
  assertEquals(bench.forgotten, []);
  await bench.end();
});
