import { assertEquals } from "@std/assert";
import {
  parseMessageEvent,
  type ReceivedMessage,
} from "../../../executor/bcs/read_message.ts";
import { assert } from "../../../shared/errors.ts";

const header = {
  Id: 1_795_331_452,
  TaskGroupId: "0.gamesvc.ns-a.10000.1795331452997824430",
  TaskID: null,
  Status: "staging",
  Message: "",
  CompleteTime: 0,
  CreateTime: 1_795_331_452,
};

function encode(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}

/** As the scheduler sends it. */
function encodeTwice(value: unknown): string {
  return encode(encode(JSON.stringify(value)));
}

function read(body: object): ReceivedMessage {
  const received = parseMessageEvent(encodeTwice({ ...header, ...body }));
  assert(received, "a BCS message");
  return received;
}

function problemsOf(body: object): Record<string, string> {
  const { message, problems } = read(body);
  assertEquals(message, undefined);
  return Object.fromEntries(problems.map(({ field, rule }) => [field, rule]));
}

/** A message of each type as Go writes it, and what is read if that differs. */
const MESSAGES: readonly (readonly [sent: object, read?: object])[] = [
  [{ Type: 0 }],
  [{
    Type: 1,
    Local: { To: "/a", Right: "rw", User: "root", Base64: "YQ==" },
  }],
  [{ Type: 2, Sig: { Signal: 10, ProcessName: null } }, {
    Type: 2,
    Sig: { Signal: 10, ProcessName: "" },
  }],
  [{ Type: 3, Env: { Name: "A", Value: "YQ==" } }],
  [{
    Type: 4,
    Remote: {
      To: "/a",
      Right: "r",
      User: "root",
      From: "HTTPS://repo.example/a",
      Type: null,
      RemoteUser: null,
      RemotePasswd: null,
    },
  }, {
    Type: 4,
    Remote: {
      To: "/a",
      Right: "r",
      User: "root",
      From: "HTTPS://repo.example/a",
      Type: "",
      RemoteUser: "",
      RemotePasswd: "",
    },
  }],
  [{ Type: 5, Secret: { Name: "/a", Value: "YQ==", Type: 2 } }],
  [{ Type: 6, TaskStatusQuery: { Reason: "why" } }],
  [{ Type: 6 }, { Type: 6, TaskStatusQuery: { Reason: "" } }],
  [{
    Type: 7,
    EnvRemote: {
      Name: "A",
      From: "http://repo.example/a",
      Type: "http",
      RemoteUser: "u",
      RemotePasswd: "p",
    },
  }],
  [{
    Type: 8,
    UpdateTaskResources: {
      Resources: [
        { TaskId: "t", ReqCpu: 0.1, ReqMem: 1, Cpu: 0.5, Mem: 64 },
        { TaskId: "t", ReqCpu: null, Cpu: 0, Mem: -1 },
      ],
    },
  }, {
    Type: 8,
    UpdateTaskResources: {
      Resources: [
        { TaskId: "t", ReqCpu: 0.1, ReqMem: 1, Cpu: 0.5, Mem: 64 },
        { TaskId: "t", ReqCpu: null, ReqMem: null, Cpu: null, Mem: -1 },
      ],
    },
  }],
  [{ Type: 9, CommitTask: { Tasks: [{ TaskId: "t", Image: "i" }] } }],
  [{ Type: 10, ReloadTask: {} }],
  [{ Type: 10, ReloadTask: null }, { Type: 10, ReloadTask: {} }],
  [{ Type: 11, RestartTask: {} }],
  [{
    Type: 12,
    RequestCommandTask: {
      ID: "c",
      TaskId: "t",
      ContainerId: "x",
      Env: ["A=1"],
      Cmd: ["ls", "-l"],
      User: "games",
      WorkingDir: "/",
      Privileged: true,
    },
  }],
  [{ Type: 12, RequestCommandTask: { ID: "c", TaskId: "t" } }, {
    Type: 12,
    RequestCommandTask: {
      ID: "c",
      TaskId: "t",
      ContainerId: "",
      Env: [],
      Cmd: [],
      User: "",
      WorkingDir: "",
      Privileged: false,
    },
  }],
  [{
    Type: 13,
    ResponseCommandTask: {
      ID: "c",
      TaskId: "t",
      ContainerId: "x",
      Status: "finish",
      Message: "",
      CommInspect: { exitCode: 1, stdout: "o", stderr: "e" },
    },
  }],
  [{ Type: 14, TaskStatus: encode("{}") }],
];

Deno.test("parseMessageEvent() reads every type of message", () => {
  for (const [sent, expected = sent] of MESSAGES) {
    const { message, problems } = read(sent);
    assertEquals(problems, []);
    assertEquals<unknown>(message, { ...header, ...expected });
  }
  assertEquals(
    [...new Set(MESSAGES.map(([sent]) => read(sent).type))],
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
  );
});

Deno.test("parseMessageEvent() reads a message that was encoded once", () => {
  const text = JSON.stringify({ ...header, Type: 10, ReloadTask: {} });
  for (const data of [encode(text), encode(encode(text))]) {
    const received = parseMessageEvent(data);
    assertEquals(received?.text, text);
    assertEquals(received?.message?.Type, 10);
  }
});

Deno.test("parseMessageEvent() reads the task that is meant", () => {
  const taskIdOf = (TaskID: unknown) =>
    read({ Type: 10, TaskID }).header.TaskID;
  assertEquals(taskIdOf({ value: "t" }), { value: "t" });
  assertEquals(taskIdOf({ value: null }), { value: "" });
  assertEquals(taskIdOf(null), null);
});

Deno.test("parseMessageEvent() leaves what is not BCS's alone", () => {
  const data = [
    "",
    "no base64!",
    "/////w==",
    encode("hi there"),
    encode("[10]"),
    encodeTwice({ hello: 1 }),
    encodeTwice({ Type: null }),
  ];
  for (const each of data) assertEquals(parseMessageEvent(each), undefined);
});

Deno.test("parseMessageEvent() tells a header whose body is wrong", () => {
  const received = read({ Type: 99 });
  assertEquals([received.type, received.header], [99, header]);
  assertEquals(received.problems, [{
    field: "Type",
    rule: "must be one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14: " +
      "current value is 99",
  }]);
});

Deno.test("parseMessageEvent() finds every problem and shows no secret", () => {
  const secret = "hunter2!";
  const must = "must be there for a message of this type";
  assertEquals(problemsOf({ Id: "x", TaskID: 7, Type: 1, Local: null }), {
    Id: 'must be an integer: current value is "x"',
    TaskID: "must be an object: current value is a number",
    Local: must,
  });
  assertEquals(problemsOf({ Type: 1, Local: { Base64: secret } }), {
    "Local.To": "must not be empty",
    "Local.Base64": "must be base64",
  });
  for (const Signal of [0, 65, null, -1]) {
    assertEquals(problemsOf({ Type: 2, Sig: { Signal } }), {
      "Sig.Signal": `must be from 1 to 64: current value is ${Signal ?? 0}`,
    });
  }
  assertEquals(
    problemsOf({
      Type: 4,
      Remote: {
        To: "/a",
        From: `ftp://u:${secret}@a`,
        Type: "ftp",
        RemotePasswd: [secret],
      },
    }),
    {
      "Remote.From": "must be an http:// or https:// address",
      "Remote.Type": 'must be http or https: current value is "ftp"',
      "Remote.RemotePasswd": "must be a string",
    },
  );
  assertEquals(
    problemsOf({
      Type: 8,
      UpdateTaskResources: { Resources: [{ Cpu: "1", Mem: 0 }] },
    }),
    {
      "UpdateTaskResources.Resources[0].TaskId": "must not be empty",
      "UpdateTaskResources.Resources[0].Cpu": "must not be 0 when Mem is",
    },
  );
  assertEquals(
    problemsOf({ Type: 12, RequestCommandTask: { Env: [7], Cmd: secret } }),
    {
      "RequestCommandTask.Env[0]": "must be a string",
      "RequestCommandTask.Cmd": "must be an array: current value is a string",
    },
  );
  assertEquals(problemsOf({ Type: 14, TaskStatus: secret }), {
    TaskStatus: "must be base64",
  });
});
