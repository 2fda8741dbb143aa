import { assertEquals, assertRejects } from "@std/assert";
import type { CommandPorts } from "../../../scripts/procctl/command.ts";
import { readCommandLine } from "../../../scripts/procctl/command_line.ts";
import { AppError } from "../../../shared/errors.ts";
import type {
  LogPart,
  LogQuery,
  PackageStatus,
  ProcessEvent,
  ProcessStatusInfo,
} from "../../../shared/manager_api/types.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { FakeTerminal } from "./fake_terminal.ts";

// What a daemon does that is hard to bring about: here a double of it.

type Manager = Partial<CommandPorts["manager"]>;

const encoder = new TextEncoder();

class Bench {
  readonly clock = new FakeClock();
  readonly screen: FakeTerminal;

  constructor(private readonly manager: Manager, columns?: number) {
    this.screen = new FakeTerminal(columns ?? null);
  }

  async run(...args: readonly string[]): Promise<number | void> {
    const line = readCommandLine(args);
    if (line.action !== "run") throw new Error("It only wants help");
    return await line.command.run(line.words, {
      manager: this.manager as CommandPorts["manager"],
      terminal: this.screen.terminal,
      // Whoever waits, waits no longer than the clock takes to be moved.
      clock: {
        ...this.clock,
        sleep: async (ms) => await this.clock.advance(ms),
        after: this.clock.after.bind(this.clock),
      },
      readText: () => Promise.resolve('{"Id":"p","StartCmd":"/x"}'),
    });
  }
}

function part(start: number, text: string): LogPart {
  const bytes = encoder.encode(text);
  return { start, end: start + bytes.length, bytes };
}

const away = () => new AppError("UNAVAILABLE", "the daemon is away");
const unknown = () => new AppError("NOT_FOUND", "process p not found");

Deno.test("logs prints each stream to its own", async () => {
  const asked: LogQuery[] = [];
  const bench = new Bench({
    logs(_id, query) {
      asked.push(query);
      return Promise.resolve(part(0, `${query.stream}!`));
    },
  });
  await bench.run("logs", "p", "-n", "5");
  assertEquals([bench.screen.stdout, bench.screen.stderr], [
    "stdout!",
    "stderr!",
  ]);
  assertEquals(asked, [
    { stream: "stdout", lines: 5 },
    { stream: "stderr", lines: 5 },
  ]);
  asked.length = 0;
  await bench.run("logs", "p", "--stream=stderr", "-c", "7");
  assertEquals(asked, [{ stream: "stderr", bytes: 7 }]);
});

Deno.test("logs -f goes on where a connection ended, and says what is gone", async () => {
  const asked: LogQuery[] = [];
  const answers: ((() => LogPart[]) | "away")[] = [
    () => [part(10, "a\n"), part(12, "b\n")],
    "away",
    "away",
    () => [part(14, "c\n")],
    () => [part(20, "d\n")],
  ];
  const bench = new Bench({
    followLogs(_id, query) {
      asked.push(query);
      const answer = answers.shift();
      if (answer === undefined) return Promise.reject(unknown());
      return answer === "away"
        ? Promise.reject(away())
        : Promise.resolve(ReadableStream.from(answer()));
    },
    status: () => Promise.resolve({} as ProcessStatusInfo),
  });
  await bench.run("logs", "-f", "p", "--stream=stdout");
  assertEquals(bench.screen.stdout, "a\nb\nc\nd\n");
  assertEquals(
    bench.screen.stderr,
    "procctl: 4 bytes of stdout are not kept any more\n",
  );
  assertEquals(asked.map(({ from, lines }) => from ?? `${lines} lines`), [
    "100 lines",
    14,
    14,
    14,
    16,
    22,
  ]);
});

for (const error of [away(), unknown()]) {
  Deno.test(`logs -f that cannot begin fails: ${error.code}`, async () => {
    const bench = new Bench({ followLogs: () => Promise.reject(error) });
    await assertRejects(() => bench.run("logs", "-f", "p"), AppError);
  });
}

function event(Seq: number): ProcessEvent {
  const Status = { Status: "running", Result: "none" } as ProcessStatusInfo;
  return { Seq, Time: 0, Id: "p", Cause: `c${Seq}`, Status };
}

Deno.test("events -f has neither a gap nor anything twice", async () => {
  const asked: (number | undefined)[] = [];
  const answers = [[event(4)], null, [event(5), event(6)]];
  const bench = new Bench({
    events: (after) =>
      Promise.resolve(
        [event(1), event(2), event(3)]
          .filter(({ Seq }) => Seq > after).slice(0, 2),
      ),
    follow(after) {
      asked.push(after);
      const answer = answers.shift();
      if (answer === undefined) throw new TypeError("enough");
      return answer === null
        ? Promise.reject(away())
        : Promise.resolve(ReadableStream.from(answer));
    },
  });
  await assertRejects(() => bench.run("events", "-f", "--json"), TypeError);
  const lines = bench.screen.stdout.trim().split("\n");
  assertEquals(lines.map((line) => JSON.parse(line).Seq), [1, 2, 3, 4, 5, 6]);
  assertEquals(asked, [3, 4, 4, 6]);
});

function staging(Bytes: number): ProcessStatusInfo {
  const status: PackageStatus = {
    Value: "http://r/p",
    State: "downloading",
    Bytes,
    Total: 1000,
    Sha256: "",
    VerifiedBy: "",
  };
  return {
    Status: "staging",
    Packages: [status],
  } as unknown as ProcessStatusInfo;
}

const RUNNING = { Status: "running" } as ProcessStatusInfo;

function statuses(list: readonly ProcessStatusInfo[]): Manager {
  const left = [...list];
  return {
    create: () => Promise.resolve(),
    status: () => Promise.resolve(left.shift() ?? RUNNING),
  };
}

Deno.test("create --wait shows each tenth of a package to a program", async () => {
  const bench = new Bench(statuses([0, 10, 110, 190, 200].map(staging)));
  assertEquals(await bench.run("create", "-w", "f"), 0);
  assertEquals(bench.screen.stdout.split("\n"), [
    "p",
    "http://r/p: downloading 0%",
    "http://r/p: downloading 10%",
    "http://r/p: downloading 20%",
    "",
  ]);
});

Deno.test("create --wait shows a package in one line of a terminal", async () => {
  const bench = new Bench(statuses([100, 150].map(staging)), 60);
  await bench.run("create", "-w", "f");
  assertEquals(
    bench.screen.stdout,
    "p\n\r\x1b[Khttp://r/p: downloading (100B of 1000B, 10%)" +
      "\r\x1b[Khttp://r/p: downloading (150B of 1000B, 15%)",
  );
});

Deno.test("create --wait does not wait for a start again", async () => {
  const bench = new Bench(statuses([{
    Status: "starting",
    NextStartTime: 7,
    Message: "process p exited with code 1; start again 1 comes after 5 s",
  } as ProcessStatusInfo]));
  assertEquals(await bench.run("create", "-w", "f"), 1);
  assertEquals(
    bench.screen.stderr,
    "procctl: process p exited with code 1; start again 1 comes after 5 s\n",
  );
});

Deno.test("events tells what an event brought", async () => {
  const bench = new Bench({
    events: (after) =>
      Promise.resolve(after > 0 ? [] : [{ ...event(1), Detail: "pid 7" }]),
  });
  await bench.run("events");
  assertEquals(
    bench.screen.stdout,
    "1970-01-01T00:00:00Z p c1 → running, pid 7\n",
  );
});

Deno.test("stop tries all, and says which could not be", async () => {
  const asked: unknown[] = [];
  const bench = new Bench({
    status: () => Promise.resolve(RUNNING),
    stop(id, seconds) {
      asked.push([id, seconds]);
      return id === "b" ? Promise.reject(unknown()) : Promise.resolve();
    },
    restart: () => Promise.resolve(),
    reload: () => Promise.resolve(),
    signal: () => Promise.resolve(),
    delete: () => Promise.resolve(),
    setLimits: () => Promise.resolve(),
  });
  assertEquals(await bench.run("stop", "a", "b", "c", "-t", "3"), 1);
  assertEquals(asked, [["a", 3], ["b", 3], ["c", 3]]);
  assertEquals(bench.screen.stdout, "a\nc\n");
  assertEquals(bench.screen.stderr, "procctl: process p not found\n");
});
