import { assertEquals, assertThrows } from "@std/assert";
import {
  type CommandInput,
  type TaskInput,
  toProcessInfo,
} from "../../../executor/bcs/process_info.ts";
import { assert, InvalidInputError } from "../../../shared/errors.ts";
import taskGroup from "../../fixtures/bcs_process_task_group.json" with {
  type: "json",
};

const options = { user: "games", sandbox: "/sandbox", owner: "e1" };
const path =
  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function encode(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}

function encodeTwice(value: unknown): string {
  return encode(encode(JSON.stringify(value)));
}

function taskOf(command: CommandInput, more: Partial<TaskInput> = {}) {
  return { task_id: { value: "t1" }, command, ...more };
}

function processOf(command: CommandInput, more: Partial<TaskInput> = {}) {
  const { processInfo, unsupported } = toProcessInfo(
    taskOf(command, more),
    options,
  );
  assertEquals(unsupported, []);
  return processInfo;
}

function errorOf(task: TaskInput): InvalidInputError {
  return assertThrows(
    () => toProcessInfo(task, options),
    InvalidInputError,
  ) as InvalidInputError;
}

Deno.test("toProcessInfo() makes a process of a captured BCS task", () => {
  const [task] = taskGroup.tasks;
  assert(task, "a task");
  const { processInfo, unsupported } = toProcessInfo(task, options);
  const root = "${work_base_dir}/ns-a.gamesvc.0";
  const pidFile = "${run_base_dir}/ns-a.gamesvc.0/pid/gamesvc.pid";
  assertEquals(processInfo, {
    Id: "1795331452997824430.0.0.gamesvc.ns-a.10000",
    WorkDir: `${root}/gamesvc`,
    ProcessName: "gamesvr",
    Uris: [{
      Value: "http://repo.example/generic-local/gamesvc-v1.tar.gz",
      User: "u",
      Pwd: "p",
      OutputDir: root,
      Mode: "copy",
      ExtractDir: "",
      PackagesFile: "",
    }],
    PidFile: pidFile,
    StartCmd: "./start.sh",
    StartGracePeriod: 10,
    StopCmd: "./stop.sh",
    StopTimeout: 10,
    KillCmd: "./kill.sh",
    RestartCmd: "./restart.sh",
    ReloadCmd: "./reload.sh",
    CheckCmd: "./check.sh",
    Resource: { Cpus: 2, Mem: 500, Disk: 100 },
    Files: [{
      To: `${root}/gamesvc/gamesvc.conf`,
      Right: "rw",
      User: "root",
      Base64: "a2V5PXZhbHVlCg==",
      Remote: null,
    }, {
      To: "/data/remote.conf",
      Right: "r",
      User: "root",
      Base64: null,
      Remote: {
        From: "http://repo.example/gamesvc.conf",
        RemoteUser: "ru",
        RemotePasswd: "rp",
      },
    }, {
      To: "/data/secret.conf",
      Right: "r",
      User: "",
      Base64: "czNjcmV0",
      Remote: null,
    }],
    RemoteEnvs: [{
      Name: "REMOTE_ENV",
      From: "http://repo.example/gamesvc.conf",
      RemoteUser: "ru",
      RemotePasswd: "rp",
    }],
    Envs: [
      "CONF_ENV=from-configmap",
      "SRECT_ENV=s3cret",
      "hostip=127.0.0.12",
      "http_port=8899",
      "metric_port=31000",
      `pid_file=${pidFile}`,
      "PORT_http_port=8899",
      "PORT_metric_port=31000",
    ],
    Argv: [],
    User: "games",
    StatusInfo: null,
    ExecutorId: "e1",
    ExecutorHeartBeatTime: 0,
  });
  assertEquals(unsupported, []);
});

Deno.test("toProcessInfo() lets the last of equal variables win", () => {
  const task = taskOf({
    user: "own",
    environment: { variables: [{ name: "A", value: "command" }] },
  }, {
    data: encodeTwice({
      ProcInfo: { startCmd: "./a" },
      Msgs: [
        { Type: 3, Env: { Name: "A", Value: encode("message") } },
        { Type: 3, Env: { Name: "B", Value: encode("b=1\nc") } },
      ],
    }),
    kill_policy: { grace_period: { nanoseconds: 1_000_000_001 } },
  });
  const { processInfo } = toProcessInfo(task, options);
  assertEquals(processInfo.Envs, ["A=command", "B=b=1\nc"]);
  assertEquals(processInfo.User, "own");
  assertEquals(processInfo.StopTimeout, 2);
  assertEquals(processInfo.Resource, null);
  assertEquals("RestartCmd" in processInfo, false);
});

Deno.test("toProcessInfo() lets the last of equal fetched variables win", () => {
  const remote = { From: "https://a", RemoteUser: "", RemotePasswd: "" };
  const task = taskOf({
    environment: { variables: [{ name: "B", value: "command" }] },
  }, {
    data: encodeTwice({
      ProcInfo: { startCmd: "./a" },
      Msgs: [
        { Type: 3, Env: { Name: "A", Value: encode("message") } },
        { Type: 7, EnvRemote: { Name: "A", From: "http://a" } },
        { Type: 7, EnvRemote: { Name: "A", From: "https://a" } },
        { Type: 7, EnvRemote: { Name: "B", From: "https://a" } },
        { Type: 7, EnvRemote: { Name: "PATH", From: "https://a" } },
      ],
    }),
  });
  const { processInfo } = toProcessInfo(task, options);
  assertEquals(processInfo.Envs, ["B=command"]);
  assertEquals(processInfo.RemoteEnvs, [
    { Name: "A", ...remote },
    { Name: "PATH", ...remote },
  ]);
});

Deno.test("toProcessInfo() gives a plain command the PATH that is fetched", () => {
  const { Envs, RemoteEnvs } = processOf({ value: "a" }, {
    data: encodeTwice({
      Msgs: [{ Type: 7, EnvRemote: { Name: "PATH", From: "https://a" } }],
    }),
  });
  assertEquals([Envs, RemoteEnvs?.length], [[], 1]);
});

Deno.test("toProcessInfo() gives a file no more rights than it is given", () => {
  const rightOf = (Right: unknown) =>
    processOf({ value: "a" }, {
      data: encodeTwice({ Msgs: [{ Type: 1, Local: { To: "/a", Right } }] }),
    }).Files?.[0]?.Right;
  assertEquals(
    ["rw", "r", "", "w", "RW", null].map(rightOf),
    ["rw", "r", "r", "r", "r", "r"],
  );
});

Deno.test("toProcessInfo() takes limits from Mesos, then from BCS", () => {
  const limitsOf = (
    limits: TaskInput["limits"],
    LimitResources: unknown,
    Resources: unknown = { Cpus: 2, Mem: 500, Disk: 100 },
  ) =>
    processOf({}, {
      ...(limits && { limits }),
      data: encodeTwice({
        ProcInfo: { startCmd: "./a" },
        Resources,
        LimitResources,
      }),
    }).LimitResources;
  const bcs = { Cpus: 4, Mem: 800, Disk: 0 };
  assertEquals(limitsOf(undefined, null), undefined);
  assertEquals(limitsOf({}, { Cpus: 0, Mem: 0, Disk: 0 }), undefined);
  assertEquals(limitsOf(undefined, bcs), { Cpus: 4, Mem: 800, Disk: 100 });
  assertEquals(limitsOf(undefined, bcs, null), { Cpus: 4, Mem: 800, Disk: -1 });
  assertEquals(
    limitsOf({ mem: { value: Infinity }, gpus: { value: 1 } }, bcs),
    { Cpus: 4, Mem: -1, Disk: 100 },
  );
  assertEquals(
    limitsOf({ cpus: { value: 0.5 }, disk: { value: 0 } }, null),
    { Cpus: 0.5, Mem: 500, Disk: 0 },
  );
});

Deno.test("toProcessInfo() refuses names that no variable can have", () => {
  const error = errorOf(taskOf({ value: "a" }, {
    data: encodeTwice({
      Msgs: [
        { Type: 3, Env: { Name: "A=", Value: "" } },
        { Type: 5, Secret: { Name: "A\0", Value: "", Type: 1 } },
        { Type: 7, EnvRemote: { Name: "A=", From: "http://a" } },
      ],
    }),
  }));
  assertEquals(
    error.problems.map(({ field }) => field),
    ["data.Msgs[0].Env", "data.Msgs[1].Secret", "data.Msgs[2].EnvRemote"],
  );
});

Deno.test("toProcessInfo() refuses limits below 0", () => {
  const error = errorOf(taskOf({ value: "a" }, {
    limits: { cpus: { value: -1 }, mem: { value: NaN } },
  }));
  assertEquals(error.problems, [
    {
      field: 'limits["cpus"]',
      rule: 'must be at least 0: current value is "-1"',
    },
    {
      field: 'limits["mem"]',
      rule: 'must be at least 0: current value is "NaN"',
    },
  ]);
});

Deno.test("toProcessInfo() runs a plain command in a shell", () => {
  assertEquals(
    processOf({ value: "exec sleep $N" }, {
      data: encode("opaque"),
      resources: [
        { name: "cpus", scalar: { value: 0.5 } },
        { name: "cpus", scalar: { value: 0.25 } },
        { name: "mem", scalar: { value: 64 } },
        { name: "ports" },
      ],
    }),
    {
      Id: "t1",
      WorkDir: "/sandbox",
      ProcessName: "",
      Uris: [],
      PidFile: "",
      StartCmd: "/bin/sh",
      Argv: ["-c", "exec sleep $N"],
      StartGracePeriod: 0,
      StopCmd: "",
      StopTimeout: 0,
      KillCmd: "",
      Resource: { Cpus: 0.75, Mem: 64, Disk: 0 },
      Envs: [path],
      User: "games",
      StatusInfo: null,
      ExecutorId: "e1",
      ExecutorHeartBeatTime: 0,
    },
  );
});

Deno.test("toProcessInfo() keeps a PATH that is given", () => {
  const environment = { variables: [{ name: "PATH", value: "/opt" }] };
  assertEquals(processOf({ value: "a", environment }).Envs, ["PATH=/opt"]);
});

Deno.test("toProcessInfo() starts an executable with exact arguments", () => {
  const cases: [string, string[] | undefined, string, string[]][] = [
    ["/bin/a", ["a", "$x", ""], "/bin/a", ["$x", ""]],
    ["/my app/a", ["a", "b"], "/my app/a", ["b"]],
    ["/bin/a", undefined, "/bin/a", []],
    ["/bin/a", ["/bin/a"], "/bin/a", []],
    // Without arguments the daemon would take this for shell text.
    ["/my app/a", ["a"], "/usr/bin/env", ["--", "/my app/a"]],
    ["sleep", ["sleep", "9"], "/usr/bin/env", ["--", "sleep", "9"]],
    ["-odd", undefined, "/usr/bin/env", ["--", "-odd"]],
  ];
  for (const [value, given, StartCmd, Argv] of cases) {
    const command = { shell: false, value, ...(given && { arguments: given }) };
    const processInfo = processOf(command);
    assertEquals([processInfo.StartCmd, processInfo.Argv], [StartCmd, Argv]);
  }
});

Deno.test("toProcessInfo() tells what it cannot give to a process", () => {
  const task = taskOf({
    shell: false,
    value: "/bin/busybox",
    arguments: ["ls", "-l"],
    uris: [{ value: "http://a" }],
  }, { container: { type: "DOCKER" } });
  assertEquals(toProcessInfo(task, options).unsupported, [
    "command.uris: a task's own URIs cannot be fetched yet",
    'command.arguments[0]: the process is always called as "/bin/busybox" ' +
    "(the first of the arguments is argv[0])",
    "container: a process runs in none",
  ]);
});

Deno.test("toProcessInfo() decodes secret variables", () => {
  const environment = {
    variables: [{
      name: "TOKEN",
      type: "SECRET",
      secret: { type: "VALUE", value: { data: encode("s3cret ü") } },
    }],
  };
  const { Envs } = processOf({ value: "a", environment });
  assertEquals(Envs, ["TOKEN=s3cret ü", path]);
});

Deno.test("toProcessInfo() finds every problem and shows no secret", () => {
  const error = errorOf(taskOf({
    shell: false,
    value: "a=hunter2",
    environment: {
      variables: [
        { name: "", value: "hunter2" },
        { name: "A=", value: "hunter2" },
        { name: "B", value: "hunter2\0" },
        { name: "C", type: "SECRET", secret: { type: "REFERENCE" } },
        { name: "D", type: "SECRET", secret: { value: { data: "hunter2!" } } },
        { name: "E", type: "SECRET", secret: { value: { data: "/w==" } } },
      ],
    },
  }));
  assertEquals(
    error.problems.map(({ field }) => field),
    [
      "command.value",
      "command.environment.variables[0]",
      "command.environment.variables[1]",
      "command.environment.variables[2]",
      "command.environment.variables[3].secret",
      "command.environment.variables[4].secret.value.data",
      "command.environment.variables[5].secret.value.data",
    ],
  );
  assertEquals(error.message.includes("hunter2"), false);
});

Deno.test("toProcessInfo() puts the data's path before its problems", () => {
  const error = errorOf(taskOf({
    environment: { variables: [{ name: "" }] },
  }, {
    data: encodeTwice({
      ProcInfo: { startGracePeriod: "x" },
      Msgs: [
        { Type: 3, Env: { Name: "", Value: "!" } },
        { Type: 7, EnvRemote: { Name: "A" } },
      ],
    }),
  }));
  assertEquals(
    error.problems.map(({ field }) => field),
    [
      "data.Msgs[0].Env.Name",
      "data.Msgs[0].Env.Value",
      "data.Msgs[1].EnvRemote.From",
      "data.ProcInfo.startCmd",
      "data.ProcInfo.startGracePeriod",
      "command.environment.variables[0]",
    ],
  );
});

Deno.test("toProcessInfo() refuses a task without anything to run", () => {
  assertEquals(
    errorOf({ task_id: { value: "t1" }, data: encode("opaque") }).message,
    'Cannot accept the task "t1": command.value: must not be empty when data ' +
      "describes no BCS process",
  );
});

Deno.test("toProcessInfo() copies packages that something is written into", () => {
  const uris = [
    { Value: "http://a/1", OutputDir: "/srv/pid/" },
    { Value: "http://a/2", OutputDir: "/srv//file", pullPolicy: "Always" },
    { Value: "http://a/3", OutputDir: "/srv/other" },
    { Value: "http://a/4", OutputDir: "/srv/fil" },
  ];
  const { processInfo } = toProcessInfo({
    task_id: { value: "t1" },
    data: encodeTwice({
      ProcInfo: { startCmd: "/bin/s", pidFile: "/srv//pid/p.pid", uris },
      Msgs: [{ Type: 1, Local: { To: "/srv/file/a/b", Base64: "" } }],
    }),
  }, options);
  assertEquals(
    processInfo.Uris?.map(({ Value, Mode, PullPolicy }) => [
      Value.at(-1),
      Mode,
      PullPolicy,
    ]),
    [
      ["1", "copy", undefined],
      ["2", "copy", "Always"],
      ["3", "link", undefined],
      ["4", "link", undefined],
    ],
  );
});

for (
  const [logPath, folder] of [
    ["${run_base_dir}/ns.game.0/log", "${run_base_dir}/ns.game.0/log"],
    ["${work_base_dir}//game//log/", "${work_base_dir}/game/log"],
    // Of before it was looked at: such a task must start still.
    ["", undefined],
    ["/data/log", undefined],
    ["./log", undefined],
    ["${run_base_dir}", undefined],
    ["${run_base_dir}/", undefined],
    ["${run_base_dir}x/log", undefined],
    ["${run_base_dir}/../log", undefined],
    ["${run_base_dir}/lo\ng", undefined],
    ["${run_base_dir}/game.log", undefined],
  ] as const
) {
  Deno.test(`toProcessInfo() takes ${JSON.stringify(logPath)} for the log folder ${folder}`, () => {
    const uris = [
      { Value: "http://a/1", OutputDir: "${run_base_dir}/ns.game.0" },
      { Value: "http://a/2", OutputDir: "${work_base_dir}/game/log" },
    ];
    const { processInfo } = toProcessInfo({
      task_id: { value: "t1" },
      data: encodeTwice({ ProcInfo: { startCmd: "/bin/s", logPath, uris } }),
    }, options);
    assertEquals(processInfo.LogPath, folder);
    // The links to the logs go into a copy.
    assertEquals(processInfo.Uris?.map(({ Mode }) => Mode), [
      folder?.startsWith("${run") ? "copy" : "link",
      folder?.startsWith("${work") ? "copy" : "link",
    ]);
  });
}
