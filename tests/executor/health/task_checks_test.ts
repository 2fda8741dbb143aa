/** Time and commands are scripted: nothing here waits for either. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { CheckDefinition } from "../../../executor/health/check_definition.ts";
import { TaskChecks } from "../../../executor/health/task_checks.ts";
import { BackgroundTasks } from "../../../shared/background.ts";
import { AppError, InvariantError } from "../../../shared/errors.ts";
import type {
  ExecRequest,
  ExecResult,
} from "../../../shared/manager_api/types.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { MemoryLogger, settled } from "../../support/in_process_daemon.ts";
import {
  answeringStatus,
  LoopbackServer,
} from "../../support/loopback_server.ts";

/** A command that runs until the test says how it ended. */
interface RunningCommand {
  readonly startedMs: number;
  readonly text: string;
  readonly exit: (code: number) => Promise<void>;
  readonly fail: (error: Error) => Promise<void>;
}

/** First probe after 5 s, the next 10 s after the last; grace of 7 s. */
const HEALTH: CheckDefinition = {
  health_check: {
    command: { value: "health" },
    delay_seconds: 5,
    interval_seconds: 10,
    grace_period_seconds: 7,
    consecutive_failures: 2,
  },
};

/** First probe after 1 s, the next 2 s after the last. */
const CHECK: CheckDefinition = {
  check: {
    command: { command: { value: "check" } },
    delay_seconds: 1,
    interval_seconds: 2,
  },
};

class Bench {
  readonly clock = new FakeClock();
  readonly logger = new MemoryLogger();
  /** Reports, as short words, with the second they came in. */
  readonly reports: string[] = [];
  readonly failures: string[] = [];
  /** Commands that have not ended, oldest first. */
  readonly running: RunningCommand[] = [];
  readonly background = new BackgroundTasks((name, error) =>
    this.failures.push(`${name}: ${error}`)
  );
  readonly checks: TaskChecks;
  onReport: () => void = () => {};

  constructor(definition: CheckDefinition) {
    this.checks = new TaskChecks(definition, {
      clock: this.clock,
      background: this.background,
      logger: this.logger,
      exec: (request) => this.#exec(request),
      onHealth: ({ healthy, consecutiveFailures, isKillDue }) =>
        this.#report(
          (healthy ? "healthy" : `unhealthy ${consecutiveFailures}`) +
            (isKillDue ? " kill" : ""),
        ),
      onCheck: (status) => this.#report(JSON.stringify(status)),
    });
  }

  async advance(seconds: number): Promise<void> {
    this.clock.advance(seconds * 1000);
    await settled();
  }

  /** The only command that runs. */
  get command(): RunningCommand {
    assertEquals(this.running.length, 1, "commands that run");
    return this.running[0]!;
  }

  /** Takes the reports so far. */
  take(): string[] {
    return this.reports.splice(0);
  }

  /** Ends it; nothing may be left then. */
  async end(): Promise<void> {
    this.checks.stop();
    for (const command of [...this.running]) await command.exit(0);
    await this.background.settle();
    assertEquals(this.clock.pending, 0, "timers that are left");
    assertEquals(this.failures, []);
  }

  #report(text: string): void {
    this.reports.push(`${this.clock.monotonicMs() / 1000}: ${text}`);
    this.onReport();
  }

  #exec(request: ExecRequest): Promise<ExecResult> {
    return new Promise((resolve, reject) => {
      const end = async (act: () => void) => {
        this.running.splice(this.running.indexOf(command), 1);
        act();
        await settled();
      };
      const command: RunningCommand = {
        startedMs: this.clock.monotonicMs(),
        text: request.Cmd.at(-1) ?? "",
        exit: (ExitCode) =>
          end(() =>
            resolve({
              TimedOut: false,
              ExitKnown: true,
              ExitCode,
              Signal: 0,
              Stdout: "",
              Stderr: "",
              Truncated: false,
            })
          ),
        fail: (error) => end(() => reject(error)),
      };
      this.running.push(command);
    });
  }
}

Deno.test("TaskChecks probes after the delay, then an interval after each end", async () => {
  const bench = new Bench(HEALTH);
  await bench.advance(60);
  assertEquals(bench.running, [], "it was not started");
  bench.checks.start();
  await settled();
  await bench.advance(4.999);
  assertEquals(bench.running, []);
  await bench.advance(0.001);
  assertEquals(bench.command.text, "health");
  await bench.advance(30);
  await bench.command.exit(0);
  await bench.advance(9.999);
  assertEquals(bench.running, []);
  await bench.advance(0.001);
  assertEquals(bench.command.startedMs, 105_000);
  assertEquals(bench.take(), ["95: healthy"]);
  await bench.end();
});

Deno.test("TaskChecks reports a task that fails, and once that it is to be killed", async () => {
  const bench = new Bench(HEALTH);
  bench.checks.start();
  await settled();
  // 5: in the grace period. 15, 25: counted. 35, 45: known already.
  for (let count = 0; count < 5; count++) {
    await bench.advance(count === 0 ? 5 : 10);
    await bench.command.exit(1);
  }
  assertEquals(bench.take(), ["15: unhealthy 1", "25: unhealthy 2 kill"]);
  await bench.advance(10);
  await bench.command.exit(0);
  assertEquals(bench.take(), ["55: healthy"]);
  await bench.end();
});

Deno.test("TaskChecks reports a check's results when they change", async () => {
  const bench = new Bench(CHECK);
  bench.checks.start();
  await settled();
  await bench.advance(1);
  for (const code of [3, 3, 0]) {
    await bench.command.exit(code);
    await bench.advance(2);
  }
  await bench.command.fail(new AppError("FAILED_PRECONDITION", "no such user"));
  assertEquals(bench.take(), [
    '1: {"type":"COMMAND","command":{"exit_code":3}}',
    '5: {"type":"COMMAND","command":{"exit_code":0}}',
    '7: {"type":"COMMAND","command":{}}',
  ]);
  await bench.end();
});

Deno.test("TaskChecks runs both kinds beside each other", async () => {
  const bench = new Bench({ ...HEALTH, ...CHECK });
  bench.checks.start();
  await settled();
  await bench.advance(5);
  assertEquals(bench.running.map(({ text }) => text), ["check", "health"]);
  await bench.running[1]?.exit(0);
  assertEquals(bench.take(), ["5: healthy"]);
  await bench.advance(100);
  assertEquals(bench.running.map(({ text }) => text), ["check", "health"]);
  await bench.end();
});

Deno.test("TaskChecks counts nothing while the daemon is away", async () => {
  const bench = new Bench({ ...HEALTH, ...CHECK });
  bench.checks.start();
  await settled();
  for (const code of ["UNAVAILABLE", "RESOURCE_EXHAUSTED"] as const) {
    for (let count = 0; count < 4; count++) {
      await bench.advance(10);
      for (const command of [...bench.running]) {
        await command.fail(new AppError(code, "not now"));
      }
    }
  }
  assertEquals(bench.take(), []);
  assert(bench.logger.lines.every((line) => line === "not probed"));
  assertEquals(bench.logger.lines.length, 16);
  await bench.advance(10);
  await bench.running[0]?.exit(0);
  await bench.running[0]?.exit(0);
  assertEquals(bench.take().length, 2);
  await bench.end();
});

Deno.test("TaskChecks probes a server", async () => {
  await using server = new LoopbackServer(answeringStatus(503));
  const http = { port: server.port, path: "/healthz" };
  const bench = new Bench({
    health_check: { http, delay_seconds: 0, grace_period_seconds: 0 },
    check: { http, delay_seconds: 0 },
  });
  const both = Promise.withResolvers<void>();
  bench.onReport = () => bench.reports.length === 2 && both.resolve();
  bench.checks.start();
  await both.promise;
  assertEquals(bench.take().sort(), [
    "0: unhealthy 1",
    '0: {"type":"HTTP","http":{"status_code":503}}',
  ]);
  await bench.end();
});

Deno.test("TaskChecks drops the result of a probe that a pause interrupts", async () => {
  const bench = new Bench(HEALTH);
  bench.checks.start();
  await settled();
  await bench.advance(5);
  bench.checks.pause();
  await bench.command.exit(0);
  await bench.advance(1_000);
  assertEquals(bench.take(), []);
  assertEquals(bench.running, []);
  assertEquals(bench.clock.pending, 0);
  bench.checks.resume();
  await settled();
  assertEquals(bench.command.startedMs, 1_005_000, "at once");
  await bench.command.exit(0);
  assertEquals(bench.take(), ["1005: healthy"]);
  await bench.end();
});

Deno.test("TaskChecks does not report while paused, though the result comes after", async () => {
  const bench = new Bench(HEALTH);
  bench.checks.start();
  await settled();
  await bench.advance(20);
  const old = bench.command;
  bench.checks.pause();
  bench.checks.resume();
  bench.checks.pause();
  bench.checks.resume();
  await bench.advance(20);
  assertEquals(bench.running, [old], "one probe at a time");
  await old.exit(1);
  assertEquals(bench.take(), []);
  assertEquals(bench.command.startedMs, 40_000);
  await bench.command.exit(0);
  assertEquals(bench.take(), ["40: healthy"]);
  await bench.end();
});

Deno.test("TaskChecks keeps what it knows, and the delay, over a pause", async () => {
  const bench = new Bench(HEALTH);
  bench.checks.start();
  await settled();
  bench.checks.pause();
  await bench.advance(2);
  bench.checks.resume();
  await bench.advance(2.999);
  assertEquals(bench.running, []);
  await bench.advance(0.001);
  await bench.command.exit(0);
  await bench.advance(10);
  await bench.command.exit(1);
  bench.checks.pause();
  await bench.advance(60);
  bench.checks.resume();
  await settled();
  await bench.command.exit(1);
  assertEquals(bench.take(), [
    "5: healthy",
    "15: unhealthy 1",
    "75: unhealthy 2 kill",
  ]);
  await bench.end();
});

Deno.test("TaskChecks is not hurried by a resume without a pause", async () => {
  const bench = new Bench(HEALTH);
  bench.checks.start();
  await settled();
  await bench.advance(5);
  await bench.command.exit(0);
  bench.checks.resume();
  await bench.advance(9.999);
  assertEquals(bench.running, []);
  await bench.end();
});

Deno.test("TaskChecks begins when it is resumed, if it was started meanwhile", async () => {
  const bench = new Bench(HEALTH);
  bench.checks.resume();
  bench.checks.pause();
  bench.checks.start();
  await bench.advance(60);
  assertEquals(bench.running, []);
  bench.checks.resume();
  bench.checks.resume();
  await settled();
  await bench.command.exit(1);
  assertEquals(bench.take(), ["60: unhealthy 1"]);
  await bench.end();
});

Deno.test("TaskChecks forgets all at a restart of the task", async () => {
  const bench = new Bench({ ...HEALTH, ...CHECK });
  bench.checks.start();
  await settled();
  await bench.advance(20);
  const [check, health] = bench.running;
  await check?.exit(3);
  await health?.exit(1);
  assertEquals(bench.take(), [
    '20: {"type":"COMMAND","command":{"exit_code":3}}',
    "20: unhealthy 1",
  ]);
  await bench.advance(10);
  bench.checks.start();
  await settled();
  for (const command of [...bench.running]) await command.exit(1);
  assertEquals(bench.take(), [], "of the run before");
  await bench.advance(5);
  for (const command of [...bench.running]) await command.exit(3);
  assertEquals(bench.take(), [
    // The same as before the restart, and a failure in the grace period.
    '35: {"type":"COMMAND","command":{"exit_code":3}}',
  ]);
  await bench.advance(10);
  for (const command of [...bench.running]) await command.exit(1);
  assertEquals(bench.take(), [
    '45: {"type":"COMMAND","command":{"exit_code":1}}',
    "45: unhealthy 1",
  ]);
  await bench.end();
});

Deno.test("TaskChecks says nothing more once it is stopped, whenever that is", async () => {
  const moments: readonly ((bench: Bench) => void | Promise<void>)[] = [
    () => {},
    ({ checks }) => checks.start(),
    async (bench) => {
      bench.checks.start();
      await bench.advance(4);
    },
    async (bench) => {
      bench.checks.start();
      await settled();
      await bench.advance(5);
    },
    async (bench) => {
      bench.checks.start();
      await settled();
      await bench.advance(5);
      await bench.command.exit(1);
    },
    async (bench) => {
      bench.checks.start();
      await settled();
      await bench.advance(5);
      bench.checks.pause();
    },
  ];
  for (const reach of moments) {
    const bench = new Bench(HEALTH);
    await reach(bench);
    bench.take();
    bench.checks.stop();
    await settled();
    assertEquals(bench.clock.pending, 0);
    for (const command of [...bench.running]) await command.exit(1);
    bench.checks.resume();
    bench.checks.start();
    await bench.advance(1_000);
    assertEquals(bench.take(), []);
    assertEquals(bench.running, []);
    await bench.end();
  }
});

Deno.test("TaskChecks can be stopped by whom it reports to", async () => {
  const bench = new Bench(HEALTH);
  bench.onReport = () => bench.checks.stop();
  bench.checks.start();
  await settled();
  await bench.advance(10);
  await bench.command.exit(1);
  await bench.advance(1_000);
  assertEquals(bench.take(), ["10: unhealthy 1"]);
  assertEquals(bench.running, []);
  await bench.end();
});

Deno.test("TaskChecks hangs up on a server when it is stopped", async () => {
  await using server = new LoopbackServer(() => Promise.resolve());
  const bench = new Bench({
    health_check: { http: { port: server.port }, delay_seconds: 0 },
  });
  bench.checks.start();
  await server.requested(1);
  bench.checks.stop();
  await server.idle();
  await bench.end();
  assertEquals(bench.take(), []);
});

Deno.test("TaskChecks keeps its rules whatever happens in whatever order", async () => {
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let round = 0; round < 25; round++) {
    const bench = new Bench(HEALTH);
    let isStarted = false;
    let isPaused = false;
    let isStopped = false;
    const trace: string[] = [];
    const acts: Readonly<Record<string, () => void | Promise<void>>> = {
      start: () => {
        isStarted = true;
        bench.checks.start();
      },
      pause: () => {
        isPaused = true;
        bench.checks.pause();
      },
      resume: () => {
        isPaused = false;
        bench.checks.resume();
      },
      advance: () => bench.advance(random(12)),
      settle: () => settled(),
      exit: async () => await bench.running[0]?.exit(random(2)),
      fail: async () =>
        await bench.running[0]?.fail(new AppError("UNAVAILABLE", "away")),
    };
    const names = Object.keys(acts);
    bench.onReport = () => {
      assert(isStarted && !isPaused && !isStopped, `report: ${trace}`);
    };
    for (let step = 0; step < 80; step++) {
      const before = bench.running.length;
      const name = names[random(names.length)] ?? "settle";
      trace.push(name);
      await acts[name]?.();
      assert(bench.running.length <= 1, `two at a time: ${trace}`);
      if (!isStarted || isPaused) {
        assert(bench.running.length <= before, `probe: ${trace}`);
      }
    }
    isStopped = true;
    await bench.end();
  }
});

Deno.test("TaskChecks ignores what it does not understand, and says so", () => {
  const bench = new Bench({ health_check: {}, check: { type: "UNKNOWN" } });
  bench.checks.start();
  assertEquals(bench.clock.pending, 0);
  assertEquals(bench.logger.lines, [
    "health check of unknown type ignored",
    "check of unknown type ignored",
  ]);
  assertEquals(new Bench({}).logger.lines, []);
});

Deno.test("TaskChecks takes no definition with problems", () => {
  assertThrows(
    () => new Bench({ health_check: { tcp: { port: 0 } } }),
    InvariantError,
  );
});

Deno.test("TaskChecks lets a bug end the service", async () => {
  const bench = new Bench(HEALTH);
  bench.checks.start();
  await settled();
  await bench.advance(5);
  await bench.command.fail(new TypeError("bug"));
  await bench.background.settle();
  assertEquals(bench.failures, ["health check: TypeError: bug"]);
});
