/** Leases and runners on a clock that the test moves; nothing is started. */
import { assertEquals } from "@std/assert";
import { toStatus } from "../../../daemon/lifecycle/status.ts";
import { Leases } from "../../../daemon/supervisor/leases.ts";
import { ProcessRunner } from "../../../daemon/supervisor/process_runner.ts";
import type { ProcessInfo } from "../../../shared/manager_api/types.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { ended, EVENTS, exited, record, SIMPLE } from "../lifecycle/records.ts";

/** Length of a lease unless its process has its own, ms. */
const LEASE_MS = 600_000;

/** Processes that run, and what is stored of them. */
class Bench {
  readonly clock = new FakeClock();
  readonly leases = new Leases(this.clock, LEASE_MS);
  /** Every change, such as `p leaseEnded stopping`. */
  readonly stored: string[] = [];

  add(id: string, info: Partial<ProcessInfo> = {}): ProcessRunner {
    const running = record({ state: "running", tracked: SIMPLE }, info, {
      id,
      owner: info.ExecutorId ?? "",
    });
    const runner = new ProcessRunner(running, {
      store: {
        update: (record, Cause, Time) => {
          // What the stop ladder does in its time is not looked at here.
          if (Cause !== "deadline") {
            this.stored.push(`${id} ${Cause} ${record.phase.state}`);
          }
          const Status = toStatus(record);
          return { Seq: 1, Time, Id: id, Cause, Status };
        },
      },
      clock: this.clock,
      publish: () => {},
      perform: () => {},
    });
    this.leases.follow(runner);
    return runner;
  }
}

Deno.test("Leases end once, at their time, without a heartbeat", () => {
  const bench = new Bench();
  const runner = bench.add("p", { ExecutorId: "run-1" });
  bench.clock.advance(LEASE_MS - 1);
  assertEquals([bench.stored, bench.leases.leftMs(runner)], [[], 1]);
  bench.clock.advance(1);
  assertEquals(bench.stored, ["p leaseEnded stopping"]);
  assertEquals(runner.record.orphaned, {
    owner: "run-1",
    silentMs: LEASE_MS,
  });
  assertEquals(bench.leases.leftMs(runner), null);
  // One that is heard of now is too late.
  assertEquals(bench.leases.renew("run-1"), { Processes: 1, Timeout: 600 });
  assertEquals(bench.leases.leftMs(runner), null);
  runner.close();
  assertEquals(bench.clock.pending, 0);
});

Deno.test("Leases are renewed for all processes of an owner, and no other", () => {
  const bench = new Bench();
  bench.add("a", { ExecutorId: "run-1" });
  bench.add("b", { ExecutorId: "run-1", HeartBeatTimeout: 700 });
  bench.add("c", { ExecutorId: "run-2" });
  bench.add("d");
  bench.clock.advance(LEASE_MS - 1);
  assertEquals(bench.leases.renew("run-1"), { Processes: 2, Timeout: 600 });
  assertEquals(bench.leases.renew("run-3"), { Processes: 0, Timeout: 0 });
  assertEquals(bench.leases.renew(""), { Processes: 0, Timeout: 0 });
  assertEquals(bench.stored, []);
  bench.clock.advance(1);
  assertEquals(bench.stored, ["c leaseEnded stopping"]);
  bench.clock.advance(LEASE_MS - 2);
  assertEquals(bench.stored.length, 1);
  bench.clock.advance(1);
  assertEquals(bench.stored.slice(1), ["a leaseEnded stopping"]);
  bench.clock.advance(99_999);
  assertEquals(bench.stored.filter((line) => line.startsWith("b")), []);
  bench.clock.advance(1);
  assertEquals(bench.stored.at(-1), "b leaseEnded stopping");
  assertEquals(bench.stored.filter((line) => line.startsWith("d")), []);
});

Deno.test("Leases store nothing while they are renewed, on one timer for all", () => {
  const bench = new Bench();
  const runners = Array.from(
    { length: 1_000 },
    (_, index) => bench.add(`p${index}`, { ExecutorId: `run-${index}` }),
  );
  for (let minute = 0; minute < 15; minute++) {
    bench.clock.advance(60_000);
    for (const { record } of runners) {
      bench.leases.renew(record.info.ExecutorId);
    }
    assertEquals(bench.clock.pending, 1);
  }
  assertEquals(bench.stored, []);
  bench.leases.close();
  assertEquals(bench.clock.pending, 0);
});

Deno.test("Leases belong to what lives: a stopped process has none", () => {
  const bench = new Bench();
  const runner = bench.add("p", { ExecutorId: "run-1" });
  runner.dispatch(ended(exited(0)));
  assertEquals(runner.record.phase.state, "stopped");
  assertEquals(bench.leases.leftMs(runner), null);
  assertEquals(bench.leases.renew("run-1").Processes, 0);
  bench.clock.advance(2 * LEASE_MS);
  assertEquals(bench.stored, ["p ended stopped"]);
  // Whoever starts it again has a whole lease to say so.
  runner.dispatch(EVENTS.restartRequested);
  assertEquals(bench.leases.leftMs(runner), LEASE_MS);
  for (const event of [EVENTS.prepared, EVENTS.launched, EVENTS.executed]) {
    bench.clock.advance(1);
    runner.dispatch(event);
  }
  assertEquals(bench.leases.leftMs(runner), LEASE_MS - 3);
  bench.leases.close();
});

Deno.test("Leases begin anew with another owner, and end with none", () => {
  const bench = new Bench();
  const runner = bench.add("p", { ExecutorId: "run-1" });
  bench.clock.advance(LEASE_MS - 1);
  runner.dispatch({ type: "ownerChanged", owner: "run-2" });
  assertEquals(bench.leases.leftMs(runner), LEASE_MS);
  assertEquals(bench.leases.renew("run-1").Processes, 0);
  bench.clock.advance(LEASE_MS - 1);
  runner.dispatch({ type: "ownerChanged", owner: "" });
  bench.clock.advance(LEASE_MS);
  assertEquals([bench.leases.leftMs(runner), bench.clock.pending], [null, 0]);
  runner.dispatch({ type: "ownerChanged", owner: "run-3" });
  bench.clock.advance(LEASE_MS);
  assertEquals(bench.stored.slice(2), [
    "p ownerChanged running",
    "p leaseEnded stopping",
  ]);
  runner.close();
});

Deno.test("Leases leave a process alone that is kept as an orphan", () => {
  const bench = new Bench();
  const runner = bench.add("p", {
    ExecutorId: "run-1",
    OrphanPolicy: "keep",
  });
  bench.clock.advance(3 * LEASE_MS);
  assertEquals(bench.stored, ["p leaseEnded running"]);
  assertEquals([runner.record.owner, runner.record.result], ["", "none"]);
  assertEquals(bench.clock.pending, 0);
});

Deno.test("Leases do not run while the daemon does not", () => {
  const bench = new Bench();
  const runner = bench.add("p", { ExecutorId: "run-1" });
  bench.clock.advance(60_000);
  // What it could not have heard in an hour is held against nobody.
  bench.clock.jump(3_600_000);
  assertEquals(bench.stored, []);
  const leftMs = bench.leases.leftMs(runner) ?? 0;
  assertEquals([leftMs >= 0.8 * LEASE_MS, leftMs <= LEASE_MS], [true, true]);
  bench.clock.advance(leftMs - 1);
  assertEquals(bench.stored, []);
  bench.clock.advance(1);
  assertEquals(bench.stored, ["p leaseEnded stopping"]);
  runner.close();
});

Deno.test("Leases that are renewed right after a standstill are not longer", () => {
  const bench = new Bench();
  const runner = bench.add("p", { ExecutorId: "run-1" });
  // The request is read before the timer has its turn.
  const { clock } = bench;
  let leftMs: number | null = null;
  clock.after(59_000, () => {
    bench.leases.renew("run-1");
    leftMs = bench.leases.leftMs(runner);
  });
  clock.jump(3_600_000);
  assertEquals(leftMs, LEASE_MS);
  clock.advance(LEASE_MS);
  assertEquals(bench.stored, ["p leaseEnded stopping"]);
  runner.close();
});

Deno.test("Leases that a host's slowness makes look late end all the same", () => {
  const bench = new Bench();
  const runner = bench.add("p", { ExecutorId: "run-1" });
  // Every look takes twice as long as it should: half of that counts.
  for (let looks = 0; looks < 9; looks++) bench.clock.jump(LEASE_MS / 5);
  assertEquals(bench.stored, []);
  bench.clock.jump(LEASE_MS / 5);
  assertEquals(bench.stored, ["p leaseEnded stopping"]);
  runner.close();
});
