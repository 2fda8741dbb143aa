import { assertEquals, assertThrows } from "@std/assert";
import { parseDataClass } from "../../../executor/bcs/data_class.ts";
import { assert, InvalidInputError } from "../../../shared/errors.ts";
import taskGroup from "../../fixtures/bcs_process_task_group.json" with {
  type: "json",
};

const captured = taskGroup.tasks[0]?.data;

function encode(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}

function encodeTwice(value: unknown): string {
  return encode(encode(JSON.stringify(value)));
}

function problemsOf(value: unknown): Record<string, string> {
  const error = assertThrows(
    () => parseDataClass(encodeTwice(value)),
    InvalidInputError,
  ) as InvalidInputError;
  return Object.fromEntries(
    error.problems.map(({ field, rule }) => [field, rule]),
  );
}

Deno.test("parseDataClass() reads what a real scheduler sent", () => {
  const data = parseDataClass(captured);
  assert(data?.ProcInfo, "BCS data");
  assertEquals(data.Resources, { Cpus: 2, Mem: 500, Disk: 100 });
  assertEquals(data.LimitResources, null);
  assertEquals(data.Msgs.map(({ Type }) => Type), [3, 1, 4, 7, 5, 5]);
  assertEquals(data.Msgs[1], {
    Id: 0,
    Type: 1,
    TaskGroupId: "",
    TaskID: null,
    Local: {
      To: "${work_base_dir}/ns-a.gamesvc.0/gamesvc/gamesvc.conf",
      Right: "rw",
      User: "root",
      Base64: "a2V5PXZhbHVlCg==",
    },
    Status: "",
    Message: "",
    CompleteTime: 0,
    CreateTime: 0,
  });
  assertEquals(data.ProcInfo.startGracePeriod, 10);
  assertEquals(data.ProcInfo.uris, [{
    Value: "http://repo.example/generic-local/gamesvc-v1.tar.gz",
    User: "u",
    Pwd: "p",
    OutputDir: "${work_base_dir}/ns-a.gamesvc.0",
    PullPolicy: "",
  }]);
});

Deno.test("parseDataClass() accepts data that was encoded once", () => {
  const once = new TextDecoder().decode(Uint8Array.fromBase64(captured ?? ""));
  assertEquals(parseDataClass(once), parseDataClass(captured));
});

Deno.test("parseDataClass() leaves data that is not BCS's alone", () => {
  const opaque = [
    undefined,
    "",
    "no base64!",
    encode("opaque"),
    encode("\xff\xfe"),
    encode("[1, 2]"),
    encode('{"broken": '),
    encodeTwice(["a"]),
    encodeTwice({ port: 80 }),
    "/////w==",
  ];
  for (const data of opaque) assertEquals(parseDataClass(data), undefined);
});

Deno.test("parseDataClass() does not regard the letter case of keys", () => {
  const data = parseDataClass(encodeTwice({
    procinfo: { STARTCMD: "./a", StartGracePeriod: 7, unknown: {} },
    MSGS: [{ type: 3, env: { name: "A", value: "YQ==" } }],
    LimitResources: null,
    NETLIMIT: { EgressLimit: 5 },
  }));
  assertEquals(data?.ProcInfo?.startCmd, "./a");
  assertEquals(data?.ProcInfo?.startGracePeriod, 7);
  assertEquals(data?.NetLimit, { egressLimit: 5 });
  const [message] = data?.Msgs ?? [];
  assert(message?.Type === 3, "a variable");
  assertEquals(message.Env, { Name: "A", Value: "YQ==" });
});

Deno.test("parseDataClass() finds every problem and names its field", () => {
  assertEquals(
    problemsOf({
      Resources: { Cpus: "2", Mem: -1 },
      Msgs: [
        "text",
        { Type: 9 },
        { Type: 3 },
        { Type: 1, Local: { Base64: "YQ==" } },
        { Type: 5, Secret: { Name: "A", Type: 3 } },
        { Type: 4, Remote: { To: "/a", From: "ftp://a", Type: "ftp" } },
        { Type: 7, EnvRemote: { Name: "A", From: "a", Type: "ftps" } },
      ],
      ProcInfo: {
        startCmd: 7,
        startGracePeriod: "x",
        uris: [{ Value: "http://a" }, { Value: "" }],
      },
    }),
    {
      "ProcInfo.startCmd": "must be a string: current value is 7",
      "ProcInfo.startGracePeriod": 'must be an integer: current value is "x"',
      "ProcInfo.uris[1].Value": "must not be empty",
      "Resources.Cpus": 'must be a number: current value is "2"',
      "Resources.Mem": "must be at least 0: current value is -1",
      "Msgs[0]": "must be an object: current value is a string",
      "Msgs[0].Type": "must be one of 1, 3, 4, 5, 7: current value is 0",
      "Msgs[1].Type": "must be one of 1, 3, 4, 5, 7: current value is 9",
      "Msgs[2].Env": "must be there for a message of this type",
      "Msgs[3].Local.To": "must not be empty",
      "Msgs[4].Secret.Type":
        "must be 1 (variable) or 2 (file): current value is 3",
      "Msgs[5].Remote.From": "must be an http:// or https:// address",
      "Msgs[5].Remote.Type": 'must be http or https: current value is "ftp"',
      "Msgs[6].EnvRemote.From": "must be an http:// or https:// address",
      "Msgs[6].EnvRemote.Type":
        'must be http or https: current value is "ftps"',
    },
  );
});

Deno.test("parseDataClass() shows no secret in a problem", () => {
  const problems = problemsOf({
    Msgs: [
      { Type: 5, Secret: { Name: "A", Value: "hunter2!", Type: 1 } },
      { Type: 5, Secret: { Name: "A", Value: 424242, Type: 1 } },
      { Type: 3, Env: { Name: "A", Value: "hunter2!" } },
      { Type: 5, Secret: "hunter2" },
      {
        Type: 4,
        Remote: { To: "/a", From: "u:hunter2@b", RemotePasswd: 424242 },
      },
    ],
    ProcInfo: { startCmd: "a", uris: [{ Value: "b", Pwd: 424242 }] },
  });
  assertEquals(problems, {
    "ProcInfo.uris[0].Pwd": "must be a string",
    "Msgs[0].Secret.Value": "must be base64",
    "Msgs[1].Secret.Value": "must be a string",
    "Msgs[2].Env.Value": "must be base64",
    "Msgs[3].Secret": "must be an object: current value is a string",
    "Msgs[4].Remote.From": "must be an http:// or https:// address",
    "Msgs[4].Remote.RemotePasswd": "must be a string",
  });
});
