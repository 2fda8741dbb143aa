import { assertEquals } from "@std/assert";
import {
  EXEC_RESULT,
  MessageWorld,
  refusal,
  turn,
} from "./fake_message_ports.ts";

/** Seconds of the fake clock. */
const NOW_S = 1_795_331_599;

const local = { To: "/a", Right: "rw", User: "root", Base64: "YQ==" };
const command = {
  ID: "c1",
  TaskId: "t1",
  ContainerId: "x",
  Env: ["SECRET=hunter2"],
  Cmd: ["ls", "-l"],
  User: "games",
  WorkingDir: "/data",
  Privileged: false,
};

/** What is answered when all went well. */
function successOf(Type: number, more: object = {}) {
  return {
    Id: 7,
    TaskGroupId: "g",
    TaskID: null,
    Status: "success",
    Message: "",
    CompleteTime: NOW_S,
    CreateTime: 1_795_331_452,
    Type,
    ...more,
  };
}

function failureOf(Type: number, Message: string, more: object = {}) {
  return successOf(Type, { Status: "failed", Message, ...more });
}

async function callsOf(message: object): Promise<unknown[][]> {
  const world = new MessageWorld();
  const answers = await world.exchange(message);
  assertEquals(answers.map(({ Status }) => Status), ["success"]);
  assertEquals(world.failures, []);
  return world.calls;
}

Deno.test("MessageHandler has the daemon do what a message says", async () => {
  const remote = { From: "http://a", RemoteUser: "u", RemotePasswd: "p" };
  const file = { To: "/a", Right: "r", User: "", Base64: null, Remote: null };
  const cases: [object, (id: string) => unknown[]][] = [
    [{ Type: 1, Local: local }, (id) => [
      "writeFile",
      id,
      { ...local, Remote: null },
    ]],
    [{ Type: 2, Sig: { Signal: 10 } }, (id) => ["signal", id, "10"]],
    [{ Type: 4, Remote: { To: "/a", ...remote } }, (id) => [
      "writeFile",
      id,
      { ...file, Remote: remote },
    ]],
    [{ Type: 5, Secret: { Name: "/a", Value: "YQ==", Type: 2 } }, (id) => [
      "writeFile",
      id,
      { ...file, Base64: "YQ==" },
    ]],
    [{ Type: 10, ReloadTask: {} }, (id) => ["reload", id]],
    [{ Type: 11, RestartTask: {} }, (id) => ["restart", id, 0]],
  ];
  for (const [message, call] of cases) {
    assertEquals(await callsOf(message), [call("t1"), call("t2")]);
    const TaskID = { value: "t2" };
    assertEquals(await callsOf({ ...message, TaskID }), [call("t2")]);
    const all = { value: "" };
    assertEquals(
      await callsOf({ ...message, TaskID: all }),
      [call("t1"), call("t2")],
    );
  }
});

Deno.test("MessageHandler echoes what a message is named by", async () => {
  const world = new MessageWorld();
  const TaskID = { value: "t1" };
  assertEquals(await world.exchange({ Type: 10, TaskID }), [
    successOf(10, { TaskID }),
  ]);
  world.clock.advance(2_500);
  assertEquals(
    await world.exchange({ Id: 8, Type: 11, TaskGroupId: "h" }),
    [successOf(11, { Id: 8, TaskGroupId: "h", CompleteTime: NOW_S + 2 })],
  );
});

Deno.test("MessageHandler tells for which task what went wrong", async () => {
  const world = new MessageWorld();
  world.daemon = (_operation, id) => {
    if (id === "t2") throw refusal("it does not run");
  };
  assertEquals(await world.exchange({ Type: 10 }), [
    failureOf(10, 'task "t2": it does not run'),
  ]);
  world.daemon = (_operation, id) => {
    throw refusal(`${id}!${"ü".repeat(5_000)}`);
  };
  const [answer] = await world.exchange({ Id: 8, Type: 10 });
  const message = String(answer?.["Message"]);
  assertEquals(message.startsWith('task "t1": t1!ü'), true);
  assertEquals(new TextEncoder().encode(message).length, 4_096);
});

Deno.test("MessageHandler does nothing for a task that is not there", async () => {
  const world = new MessageWorld();
  const TaskID = { value: "t9" };
  const reason = 'task "t9" does not run in this executor';
  for (const Type of [10, 11]) {
    assertEquals(await world.exchange({ Type, TaskID }), [
      failureOf(Type, reason, { TaskID }),
    ]);
  }
  const UpdateTaskResources = {
    Resources: [{ TaskId: "t1", Cpu: 1 }, { TaskId: "t9", Cpu: 1 }],
  };
  assertEquals(await world.exchange({ Type: 8, UpdateTaskResources }), [
    failureOf(8, reason),
  ]);
  world.tasks.length = 0;
  for (const Type of [6, 10]) {
    assertEquals(await world.exchange({ Id: 8, Type }), [
      failureOf(Type, "no task of this executor runs", { Id: 8 }),
    ]);
  }
  assertEquals(world.calls, []);
});

Deno.test("MessageHandler does not change a running environment", async () => {
  const source = { Name: "A", From: "http://a" };
  const messages = [
    { Type: 3, Env: { Name: "A", Value: "YQ==" } },
    { Type: 5, Secret: { Name: "A", Value: "YQ==", Type: 1 } },
    { Type: 7, EnvRemote: source },
  ];
  const world = new MessageWorld();
  for (const message of messages) {
    assertEquals(await world.exchange(message), [
      failureOf(
        message.Type,
        "the environment of a running process cannot be changed: send the " +
          "variable with the task",
      ),
    ]);
  }
  assertEquals(world.calls, []);
});

Deno.test("MessageHandler refuses what makes no sense for a process", async () => {
  const world = new MessageWorld();
  const CommitTask = { Tasks: [{ TaskId: "t1", Image: "i" }] };
  assertEquals(await world.exchange({ Type: 9, CommitTask }), [
    failureOf(9, "not supported: a process has no image to commit"),
  ]);
  assertEquals(await world.exchange({ Type: 0 }), [
    failureOf(0, "the type of the message is not known"),
  ]);
  assertEquals(world.calls, []);
});

Deno.test("MessageHandler signals a process by its own name only", async () => {
  const world = new MessageWorld();
  const Sig = { Signal: 1, ProcessName: "name of t2" };
  assertEquals(
    await world.exchange({ Type: 2, Sig, TaskID: { value: "t2" } }),
    [successOf(2, { TaskID: { value: "t2" } })],
  );
  assertEquals(await world.exchange({ Type: 2, Sig }), [
    failureOf(
      2,
      'task "t1": Cannot signal "name of t2" as the process is "name of t1"',
    ),
  ]);
  const call = ["signal", "t2", "1"];
  assertEquals(world.calls, [call, call]);
});

Deno.test("MessageHandler sets the limits that are given", async () => {
  const UpdateTaskResources = {
    Resources: [
      { TaskId: "t2", ReqCpu: 9, ReqMem: 9, Cpu: 0.5, Mem: 64 },
      { TaskId: "t1", Cpu: -1 },
      { TaskId: "t1", Mem: 32 },
    ],
  };
  const calls = await callsOf({ Type: 8, UpdateTaskResources });
  assertEquals(calls.length, 3);
  assertEquals(
    calls.filter(([, id]) => id === "t1"),
    [["setLimits", "t1", { Cpus: -1 }], ["setLimits", "t1", { Mem: 32 }]],
  );
  assertEquals(
    calls.filter(([, id]) => id === "t2"),
    [["setLimits", "t2", { Cpus: 0.5, Mem: 64 }]],
  );
});

Deno.test("MessageHandler answers a query with each task's data", async () => {
  const world = new MessageWorld();
  world.statuses.set("t1", {
    task_id: { value: "t1" },
    state: "TASK_RUNNING",
    data: "e30=",
  });
  world.statuses.set("t2", {
    task_id: { value: "t2" },
    state: "TASK_STARTING",
  });
  world.daemon = () => new Promise(() => {});
  world.send({ Id: 8, Type: 10 }); // Never ends, and no query waits for it.
  const query = { Type: 6, TaskStatusQuery: { Reason: "why" } };
  world.send(query);
  await turn();
  const [t1, t2, t9] = ["t1", "t2", "t9"].map((value) => ({ value }));
  assertEquals(world.answers, [
    successOf(14, { TaskID: t1, TaskStatus: "e30=" }),
    failureOf(6, 'task "t2" has not run yet', { TaskID: t2 }),
  ]);
  const other = new MessageWorld();
  assertEquals(await other.exchange({ ...query, TaskID: t9 }), [
    failureOf(6, 'task "t9" does not run in this executor', { TaskID: t9 }),
  ]);
});

function commandAnswer(
  Status: string,
  Message: string,
  CommInspect: object | null,
  more: object = {},
) {
  const header = {
    Status: Status === "finish" ? "success" : "failed",
    Message,
  };
  return successOf(13, {
    ...header,
    ResponseCommandTask: {
      ID: "c1",
      TaskId: "t1",
      ContainerId: "x",
      Status,
      Message,
      CommInspect,
      ...more,
    },
  });
}

Deno.test("MessageHandler runs a command beside a process", async () => {
  const world = new MessageWorld();
  assertEquals(
    await world.exchange({ Type: 12, RequestCommandTask: command }),
    [commandAnswer("finish", "", {
      exitCode: 0,
      stdout: "out",
      stderr: "err",
    })],
  );
  assertEquals(world.calls, [["exec", "t1", {
    Cmd: ["ls", "-l"],
    Envs: ["SECRET=hunter2"],
    User: "games",
    WorkDir: "/data",
    Timeout: 60,
  }]]);
  assertEquals(world.logLines.join().includes("hunter2"), false);
});

Deno.test("MessageHandler tells how a command ended", async () => {
  const world = new MessageWorld();
  const inspect = async (result: object) => {
    world.execResult = { ...EXEC_RESULT, ...result };
    const RequestCommandTask = { ...command, ID: "" };
    const message = { Id: 0, Type: 12, RequestCommandTask };
    const [answer] = await world.exchange(message);
    const { Status, Message, CommInspect } = answer
      ?.["ResponseCommandTask"] as Record<string, unknown>;
    return [Status, Message, CommInspect];
  };
  assertEquals(
    await inspect({ ExitCode: 3, Stdout: "ü".repeat(600), Stderr: "" }),
    ["finish", "", { exitCode: 3, stdout: "ü".repeat(512), stderr: "" }],
  );
  assertEquals(
    await inspect({ Signal: 15, Stdout: "", Stderr: "e".repeat(2_000) }),
    ["finish", "", { exitCode: 143, stdout: "", stderr: "e".repeat(1_024) }],
  );
  assertEquals(await inspect({ TimedOut: true }), [
    "failed",
    "the command was killed as it took more than 60 s",
    null,
  ]);
  assertEquals(await inspect({ ExitKnown: false }), [
    "failed",
    "it is not known how the command ended",
    null,
  ]);
});

Deno.test("MessageHandler answers a command that cannot run", async () => {
  const world = new MessageWorld();
  world.daemon = () => {
    throw refusal("no such program");
  };
  assertEquals(
    await world.exchange({ Type: 12, RequestCommandTask: command }),
    [commandAnswer("failed", "no such program", null)],
  );
  world.calls.length = 0;
  const RequestCommandTask = {
    ...command,
    TaskId: "t9",
    Cmd: [],
    Privileged: true,
  };
  const reason = 'task "t9" does not run in this executor; Cmd must name a ' +
    "program; Privileged must be false";
  assertEquals(await world.exchange({ Type: 12, RequestCommandTask }), [
    commandAnswer("failed", reason, null, { TaskId: "t9" }),
  ]);
  for (const one of [{ TaskId: "t9" }, { Cmd: [] }, { Privileged: true }]) {
    const request = { ...command, ID: "c2", ...one };
    const [answer] = await world.exchange({
      Id: 0,
      Type: 12,
      RequestCommandTask: { ...request, ID: "" },
    });
    assertEquals(answer?.["Status"], "failed");
  }
  assertEquals(world.calls, []);
});
