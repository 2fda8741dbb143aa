import { assertEquals } from "@std/assert";
import { explain } from "../../../scripts/procctl/explain.ts";
import {
  formatBytes,
  formatPackage,
  formatSpan,
  formatTable,
} from "../../../scripts/procctl/format.ts";
import type {
  ProcessInfo,
  ProcessStatusInfo,
} from "../../../shared/manager_api/types.ts";
import { FakeTerminal } from "./fake_terminal.ts";

const STATUS: ProcessStatusInfo = {
  Id: "p",
  Status: "running",
  ExitCode: 0,
  Message: "process p is running",
  Pid: 7,
  RegisterTime: 0,
  LastStartTime: 0,
  Result: "none",
  Signal: 0,
  ExitKnown: false,
  FinishTime: 0,
  Generation: 1,
};

for (
  const [bytes, text] of [
    [0, "0B"],
    [1023, "1023B"],
    [1024, "1.0K"],
    [10 * 1024, "10K"],
    [1.5 * 2 ** 30, "1.5G"],
    [2 ** 52, "4096T"],
  ] as const
) {
  Deno.test(`formatBytes() writes ${bytes} as ${text}`, () => {
    assertEquals(formatBytes(bytes), text);
  });
}

for (
  const [seconds, text] of [
    [-5, "0s"],
    [0.9, "0s"],
    [59, "59s"],
    [60, "1m"],
    [3_661, "1h 1m"],
    [86_400 + 5, "1d"],
    [2 * 86_400 + 5 * 3_600, "2d 5h"],
  ] as const
) {
  Deno.test(`formatSpan() writes ${seconds} s as ${text}`, () => {
    assertEquals(formatSpan(seconds), text);
  });
}

Deno.test("formatTable() gives a program whole lines without colours", () => {
  const { terminal } = new FakeTerminal();
  const Message = "x".repeat(300);
  const lines = formatTable(
    [
      { ...STATUS, Message, Restarts: 3 },
      {
        ...STATUS,
        Id: "longer",
        Usage: {
          Time: 0,
          CpuSeconds: 1,
          CpuPercent: 12.34,
          MemoryBytes: 45 * 2 ** 20,
          MemoryPeakBytes: 0,
          Processes: 1,
          UptimeSeconds: 80,
        },
      },
    ],
    terminal,
    90_000,
  );
  const cells = lines.map((line) => line.split(/ {2,}/));
  assertEquals(cells[1], [
    "p",
    "running",
    "-",
    "7",
    "1m 30s",
    "-",
    "-",
    "3",
    Message,
  ]);
  assertEquals(cells[2]?.slice(4, 8), ["1m 30s", "12.3%", "45M", "0"]);
  // Columns stand below each other.
  assertEquals(
    lines.map((line) => line.indexOf("7")).slice(1),
    Array(2).fill(lines[0]?.indexOf("PID")),
  );
});

Deno.test("formatTable() fits a terminal, and colours states there", () => {
  const { terminal } = new FakeTerminal(30);
  const lines = formatTable(
    [
      STATUS,
      { ...STATUS, Status: "stopped", Result: "signalled" },
    ],
    terminal,
    0,
  );
  // deno-lint-ignore no-control-regex -- colours are control characters
  const plain = lines.map((line) => line.replaceAll(/\x1b\[\d+m/g, ""));
  assertEquals(plain.map((line) => line.length <= 30), [true, true, true]);
  assertEquals(lines[1]?.includes("\x1b[32mrunning\x1b[0m"), true);
  assertEquals(lines[2]?.includes("\x1b[31mstopped\x1b[0m"), true);
});

Deno.test("a table does not pass on what moves the cursor", () => {
  const { terminal } = new FakeTerminal(80);
  const [, line = ""] = formatTable(
    [
      { ...STATUS, Id: "a\x1b[2Jb\u009bc\u202ed", Message: "x\ny\x07\r" },
    ],
    terminal,
    0,
  );
  assertEquals(line.startsWith("a [2Jb c d "), true, line);
  assertEquals(line.endsWith("x y"), true, line);
});

Deno.test("formatPackage() tells how far a package is", () => {
  const status = {
    Value: "http://r/p.tgz",
    State: "downloading",
    Bytes: 1024,
    Total: 4096,
    Sha256: "",
    VerifiedBy: "",
  } as const;
  assertEquals(
    formatPackage(status),
    "http://r/p.tgz: downloading (1.0K of 4.0K, 25%)",
  );
  assertEquals(
    formatPackage({ ...status, Total: 0 }),
    "http://r/p.tgz: downloading (1.0K)",
  );
  assertEquals(
    formatPackage({ ...status, State: "waiting", Bytes: 0 }),
    "http://r/p.tgz: waiting",
  );
  assertEquals(
    formatPackage({ ...status, State: "ready", VerifiedBy: "sha256" }),
    "http://r/p.tgz: ready (1.0K, verified by sha256)",
  );
});

Deno.test("formatTable() says nothing twice, and no uptime of who is down", () => {
  const { terminal } = new FakeTerminal();
  const lines = formatTable(
    [
      STATUS,
      { ...STATUS, Status: "stopped", Message: "process p2 is p" },
    ],
    terminal,
    90_000,
  ).map((line) => line.split(/ {2,}/));
  assertEquals(lines.map((cells) => [cells[4], cells.at(-1)]), [
    ["UPTIME", "MESSAGE"],
    ["1m 30s", "is running"],
    ["-", "process p2 is p"],
  ]);
});

Deno.test("a terminal without a width has whole lines", () => {
  const { terminal } = new FakeTerminal(0);
  assertEquals(terminal.columns, Infinity);
});

const at = (s: number) => Date.UTC(2026, 0, 1) + s * 1000;

Deno.test("explain() says what happened and what comes next", () => {
  const waiting: ProcessStatusInfo = {
    ...STATUS,
    Status: "starting",
    Result: "signalled",
    ExitKnown: true,
    Signal: 9,
    FinishTime: at(50) / 1000,
    Restarts: 2,
    NextStartTime: at(70) / 1000,
    Owner: "fw/ex/1",
    Healthy: false,
    Message: "process p was ended by signal 9\x1b[2J",
  };
  const Info = {
    OrphanPolicy: "keep",
    HeartBeatTimeout: 90,
    RestartPolicy: { MaxTimes: 4 },
  } as ProcessInfo;
  const event = { Id: "p", Status: waiting };
  const lines = explain({
    Info,
    Status: waiting,
    History: [
      { ...event, Seq: 1, Time: at(0), Cause: "executed", Status: STATUS },
      {
        ...event,
        Seq: 2,
        Time: at(50),
        Cause: "ended",
        Detail: "now: backoff",
      },
      { ...event, Seq: 3, Time: at(51), Cause: "noted" },
    ],
  }, at(60));
  assertEquals(lines, [
    "p is starting for 10s",
    "  was ended by signal 9 [2J",
    "  how it ended: signalled, signal 9, at 2026-01-01T00:00:50Z",
    "  starts again in a row: 2 of at most 4",
    "  the next start is in 10s",
    "  its owner: fw/ex/1; it runs on if that is silent for 1m 30s",
    "what happened:",
    "  2026-01-01T00:00:00Z executed → running",
    "  2026-01-01T00:00:50Z ended → starting (signalled), now: backoff",
    "    was ended by signal 9 [2J",
    "  2026-01-01T00:00:51Z noted → starting (signalled)",
  ]);
});

Deno.test("explain() tells what a process is, its owner and its check", () => {
  const Info = {} as ProcessInfo;
  const explained = (status: Partial<ProcessStatusInfo>) =>
    explain({ Info, Status: { ...STATUS, ...status }, History: [] }, 0)
      .slice(0, -1);
  assertEquals(explained({ Owner: "fw", Healthy: true }), [
    "p is running",
    "  its check command says: well",
    "  its owner: fw; it is stopped if that is silent for the daemon's " +
    "heartbeat_timeout",
  ]);
  assertEquals(
    explained({
      Owner: "fw",
      Healthy: false,
      Status: "stopped",
      Result: "lease-expired",
      Message: "process p was stopped",
    }),
    [
      "p is stopped",
      "  was stopped",
      "  how it ended: lease-expired",
      "  its owner: fw",
    ],
  );
});
