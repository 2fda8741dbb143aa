import { assertEquals } from "@std/assert";
import {
  type BcsContainerInfo,
  type ContainerInfoInput,
  encodeContainerInfo,
  toContainerInfo,
} from "../../../executor/bcs/container_info.ts";
import type { ProcessStatusInfo } from "../../../shared/manager_api/types.ts";

const status: ProcessStatusInfo = {
  Id: "t1",
  Status: "running",
  ExitCode: 0,
  Message: "process t1 is running",
  Pid: 378,
  RegisterTime: 1_795_331_599,
  LastStartTime: 1_795_331_600,
  Result: "none",
  Signal: 0,
  ExitKnown: false,
  FinishTime: 0,
  Generation: 1,
};

const input: ContainerInfoInput = {
  task: { name: "name of the task" },
  process: {
    ProcessName: "gamesvr",
    Resource: { Cpus: 2, Mem: 500, Disk: 100 },
    Envs: [],
  },
  status,
  agent: { hostname: "host-1", ip: "10.0.0.1" },
  health: { healthy: true, isChecked: true, consecutiveFailures: 0 },
  oomKilled: false,
};

function endedWith(more: Partial<ProcessStatusInfo>): BcsContainerInfo {
  return toContainerInfo({
    ...input,
    status: {
      ...status,
      Status: "stopped",
      Result: "exited",
      ExitKnown: true,
      FinishTime: 1_795_331_601,
      ...more,
    },
  });
}

function portsOf(more: Partial<ContainerInfoInput>) {
  return toContainerInfo({ ...input, ...more }).Ports;
}

function decode(info: BcsContainerInfo): { size: number; value: unknown } {
  const bytes = Uint8Array.fromBase64(encodeContainerInfo(info));
  const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
  return { size: bytes.length, value };
}

Deno.test("toContainerInfo() tells a running process", () => {
  assertEquals(toContainerInfo(input), {
    ID: "t1",
    Name: "gamesvr",
    Pid: 378,
    StartAt: "2026-11-22T07:13:20Z",
    FinishAt: "0001-01-01T00:00:00Z",
    Status: "running",
    Healthy: true,
    IsChecked: true,
    Hostname: "host-1",
    NetworkMode: "host",
    IPAddress: "10.0.0.1",
    NodeAddress: "10.0.0.1",
    Message: "process t1 is running",
    Resource: { Cpus: 2, Mem: 500, Disk: 100 },
  });
});

Deno.test("toContainerInfo() leaves out what Go leaves out", () => {
  assertEquals(
    toContainerInfo({
      task: { name: "" },
      process: { ProcessName: "", Resource: null, Envs: null },
      status: {
        ...status,
        Status: "staging",
        Pid: 0,
        LastStartTime: 0,
        Message: "",
      },
      agent: { hostname: "", ip: "" },
      health: { healthy: false, isChecked: false, consecutiveFailures: 0 },
      oomKilled: false,
    }),
    {
      ID: "t1",
      StartAt: "0001-01-01T00:00:00Z",
      FinishAt: "0001-01-01T00:00:00Z",
      Status: "created",
      NetworkMode: "host",
    },
  );
});

Deno.test("toContainerInfo() names a process after its task if need be", () => {
  const process = { ...input.process, ProcessName: "" };
  assertEquals(
    toContainerInfo({ ...input, process }).Name,
    "name of the task",
  );
});

Deno.test("toContainerInfo() uses Docker's words for states", () => {
  const words =
    (["staging", "starting", "running", "stopping", "stopped"] as const)
      .map((Status) => {
        const info = toContainerInfo({
          ...input,
          status: { ...status, Status },
        });
        return [info.Status, info.Healthy];
      });
  assertEquals(words, [
    ["created", undefined],
    ["created", undefined],
    ["running", true],
    ["running", undefined],
    ["exited", undefined],
  ]);
});

Deno.test("toContainerInfo() tells how a process ended", () => {
  const { FinishAt, ExitCode, OOMKilled } = endedWith({ ExitCode: 3 });
  assertEquals(
    [FinishAt, ExitCode, OOMKilled],
    ["2026-11-22T07:13:21Z", 3, undefined],
  );
  assertEquals(endedWith({ ExitCode: 0 }).ExitCode, undefined);
  assertEquals(endedWith({ Signal: 9 }).ExitCode, 137);
  assertEquals(endedWith({ ExitKnown: false }).ExitCode, -1);
  assertEquals(toContainerInfo({ ...input, oomKilled: true }).OOMKilled, true);
});

Deno.test("toContainerInfo() tells failed checks", () => {
  const health = { healthy: false, isChecked: true, consecutiveFailures: 3 };
  const info = toContainerInfo({ ...input, health });
  assertEquals(
    [info.Healthy, info.IsChecked, info.ConsecutiveFailureTimes],
    [undefined, true, 3],
  );
});

Deno.test("toContainerInfo() finds the ports of discovery and of BCS", () => {
  const port = (name: string, number: string, protocol?: string) => ({
    name,
    containerPort: number,
    hostPort: number,
    ...(protocol && { protocol }),
    hostIP: "10.0.0.1",
  });
  const discovery = {
    ports: {
      ports: [
        { number: 8899, name: "http", protocol: "tcp" },
        { number: 53 },
        { number: 54 },
      ],
    },
  };
  const Envs = [
    "PORT_http=1",
    "PORT_metric_port=31000",
    "PORT_none=",
    "PORT_zero=0",
    "PORT_big=65536",
    "PORT_text=80a",
    "PORT_lines=80\n81",
    "SUPPORT_no=82",
    "PORT_last=65535",
  ];
  assertEquals(
    portsOf({
      task: { name: "t", discovery },
      process: { ...input.process, Envs },
    }),
    [
      port("http", "8899", "tcp"),
      port("", "53"),
      port("", "54"),
      port("metric_port", "31000"),
      port("last", "65535"),
    ],
  );
});

Deno.test("encodeContainerInfo() encodes bytes of JSON", () => {
  const info = toContainerInfo(input);
  assertEquals(decode(info).value, info);
});

Deno.test("encodeContainerInfo() never takes more than 16 KiB", () => {
  const many = (count: number, name: string) =>
    Array.from(
      { length: count },
      (_, index) => `PORT_${name}${index}=${index}`,
    );
  // Each of these characters takes six bytes in JSON.
  const Message = "\u0001".repeat(10_000);
  const noisy = toContainerInfo({
    ...input,
    status: { ...status, Message },
    process: { ...input.process, Envs: many(100, "a") },
  });
  assertEquals([noisy.Message?.length, noisy.Ports?.length], [2_048, 64]);
  const { Message: _message, ...silent } = noisy;
  assertEquals(decode(noisy).value, silent);

  const wide = toContainerInfo({
    ...input,
    task: { name: "n".repeat(20_000) },
    agent: { hostname: "h".repeat(20_000), ip: "10.0.0.1" },
    process: {
      ...input.process,
      ProcessName: "",
      Envs: many(64, "a".repeat(200)),
    },
  });
  const { size, value } = decode(wide);
  const { Message: _text, Ports: _ports, ...least } = wide;
  assertEquals(value, least);
  assertEquals(size < 1_000, true);
});

Deno.test("toContainerInfo() makes do with what the original daemon tells", () => {
  const { FinishTime: _finishTime, Generation: _generation, ...rest } = status;
  const said = { ...rest, LastStartTime: 1_795_331_600, Status: "stopped" };
  const original: ProcessStatusInfo = JSON.parse(JSON.stringify(said));
  const { FinishAt, ExitCode } = toContainerInfo({
    ...input,
    status: original,
  });
  assertEquals([FinishAt, ExitCode], ["0001-01-01T00:00:00Z", -1]);
});
