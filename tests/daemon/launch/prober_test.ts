import { assert, assertEquals } from "@std/assert";
import { Prober } from "../../../daemon/launch/prober.ts";
import type { LookAnswer, Lookout } from "../../../daemon/ports.ts";
import { BackgroundTasks } from "../../../shared/background.ts";
import { AppError } from "../../../shared/errors.ts";
import { createLogger } from "../../../shared/logger.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** Sees what the test says; every process started when its pid says. */
class FakeLookout implements Lookout {
  readonly gone = new Set<number>();
  /** Start times of strangers that have the numbers of others. */
  readonly strangers = new Map<number, number>();
  readonly looks: { pids: readonly number[]; closely: readonly number[] }[] =
    [];
  isBroken = false;
  isClosed = false;

  look(
    pids: readonly number[],
    closely: readonly number[],
  ): Promise<LookAnswer> {
    this.looks.push({ pids, closely });
    if (this.isBroken) return Promise.reject(new AppError("UNAVAILABLE", "no"));
    const found = closely.filter((pid) => !this.gone.has(pid));
    return Promise.resolve({
      bootId: "boot",
      gone: this.gone.intersection(new Set(pids)),
      alive: new Map(found.map((pid) => [pid, {
        identity: identity(pid, this.strangers.get(pid)),
        state: "S",
        session: pid,
        executable: "",
      }])),
    });
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

function identity(pid: number, startTicks = pid) {
  return { bootId: "boot", pid, startTicks };
}

function bench() {
  const lookout = new FakeLookout();
  const clock = new FakeClock();
  const failures: unknown[] = [];
  const background = new BackgroundTasks((_, error) => failures.push(error));
  const log: string[] = [];
  const logger = createLogger((line) => log.push(line), () => 0);
  const prober = new Prober(lookout, clock, background, logger);
  const gone: number[] = [];
  return {
    lookout,
    prober,
    gone,
    log,
    background,
    failures,
    watch: (pid: number) => prober.watch(identity(pid), () => gone.push(pid)),
    /** Lets the look under way end, and the next one begin. */
    next: async () => {
      await new Promise((resolve) => setTimeout(resolve));
      clock.advance(200);
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
}

Deno.test("who is gone is told once, and nobody is looked at any more", async () => {
  const { lookout, gone, watch, next, background, failures } = bench();
  watch(10);
  watch(10);
  watch(20);
  await next();
  assertEquals(gone, []);
  lookout.gone.add(10);
  await next();
  assertEquals(gone, [10, 10]);
  await next();
  assertEquals(lookout.looks.at(-1)?.pids, [20]);
  assert(!lookout.isClosed);
  lookout.gone.add(20);
  await next();
  await next();
  await background.settle();
  assertEquals([gone, failures], [[10, 10, 20], []]);
  assert(lookout.isClosed);
});

Deno.test("the same are looked at by the same list", async () => {
  const { lookout, watch, next, prober } = bench();
  watch(10);
  const end = watch(20);
  await next();
  lookout.looks.length = 0;
  for (let look = 0; look < 3; look++) await next();
  const lists = new Set(lookout.looks.map(({ pids }) => pids));
  assertEquals([...lists], [[10, 20]]);
  end();
  await next();
  await next();
  assertEquals(lookout.looks.at(-1)?.pids, [10]);
  await prober.close();
});

Deno.test("a stranger with the number is found out when its turn has come", async () => {
  const { lookout, gone, watch, next, prober } = bench();
  const pids = Array.from({ length: 30 }, (_, index) => 100 + index);
  for (const pid of pids) watch(pid);
  await next();
  const closely = lookout.looks.splice(0).flatMap(({ closely }) => closely);
  assertEquals(new Set(closely), new Set(pids));
  lookout.strangers.set(125, 999);
  for (let look = 0; look < 30 / 4 + 1; look++) await next();
  assertEquals(gone, [125]);
  assert(lookout.looks.every(({ closely }) => closely.length <= 4));
  await prober.close();
});

Deno.test("a few are looked at closely every time", async () => {
  const { lookout, watch, next, prober } = bench();
  for (const pid of [1, 2, 3]) watch(pid);
  await next();
  lookout.looks.length = 0;
  for (let look = 0; look < 6; look++) await next();
  for (const { closely } of lookout.looks) {
    assertEquals(new Set(closely), new Set([1, 2, 3]));
  }
  await prober.close();
});

Deno.test("nobody is gone because nothing could be seen", async () => {
  const { lookout, gone, watch, next, log, prober } = bench();
  lookout.isBroken = true;
  lookout.strangers.set(10, 11);
  watch(10);
  await next();
  assertEquals(gone, []);
  assert(log.some((line) => line.includes("probe failed")));
  lookout.isBroken = false;
  await next();
  assertEquals(gone, [10]);
  await prober.close();
});
