import { assert, assertEquals, assertThrows } from "@std/assert";
import { InvalidInputError } from "../../shared/errors.ts";
import {
  ID_BYTES_MAX,
  parseLimits,
  parseProcessInfo,
} from "../../shared/manager_api/parse.ts";

const VALID = { Id: "p", StartCmd: "/bin/server" };

function parse(part: Record<string, unknown>) {
  return parseProcessInfo(JSON.stringify({ ...VALID, ...part }));
}

/** The problems of a definition, as "field: rule". */
function problemsOf(body: string): string[] {
  const error = assertThrows(() => parseProcessInfo(body), InvalidInputError);
  return error.problems.map((
    { field, rule }: { field: string; rule: string },
  ) => `${field}: ${rule}`);
}

Deno.test("parseProcessInfo() gives what is absent the zero values", () => {
  assertEquals(parse({}), {
    Id: "p",
    WorkDir: "",
    ProcessName: "",
    Uris: null,
    PidFile: "",
    StartCmd: "/bin/server",
    StartGracePeriod: 0,
    StopCmd: "",
    StopTimeout: 0,
    KillCmd: "",
    RestartCmd: "",
    ReloadCmd: "",
    CheckCmd: "",
    Resource: null,
    LimitResources: null,
    LogPath: "",
    RestartPolicy: null,
    HeartBeatTimeout: 0,
    OrphanPolicy: "stop",
    Umask: "022",
    Nice: 0,
    Rlimits: null,
    OomScoreAdj: 0,
    Files: [],
    RemoteEnvs: [],
    Envs: null,
    Argv: null,
    User: "",
    ExecutorId: "",
    StatusInfo: null,
    ExecutorHeartBeatTime: 0,
  });
});

Deno.test("parseProcessInfo() takes null for absent", () => {
  const keys = Object.keys(parse({}));
  const nulls = Object.fromEntries(keys.map((key) => [key, null]));
  assertEquals(parse({ ...nulls, ...VALID }), parse({}));
});

Deno.test("parseProcessInfo() ignores unknown keys and letter case", () => {
  assertEquals(
    parseProcessInfo('{"iD":"p","STARTCMD":"/bin/server","Nope":[1],"x":null}'),
    parse({}),
  );
});

const URI = { Value: "http://repo/p.tgz", OutputDir: "/srv/p" };

Deno.test("parseProcessInfo() does not take what only the daemon sets", () => {
  const info = parse({
    StatusInfo: { Id: "p", Status: "running" },
    ExecutorHeartBeatTime: 5,
    Uris: [{ ...URI, ExtractDir: "/x", PackagesFile: "/y" }],
  });
  assertEquals([info.StatusInfo, info.ExecutorHeartBeatTime], [null, 0]);
  assertEquals(info.Uris, [{
    ...URI,
    User: "",
    Pwd: "",
    Sha256: "",
    Md5: "",
    PullPolicy: "IfNotPresent",
    Mode: "link",
    ExtractDir: "",
    PackagesFile: "",
  }]);
});

Deno.test("parseProcessInfo() tells an empty list from none", () => {
  const { Envs, Argv, Uris } = parse({ Envs: [], Argv: [], Uris: [] });
  assertEquals([Envs, Argv, Uris], [[], [], []]);
});

const ID_RULE = "must be neither . nor .. and hold no slash and no control " +
  "character: current value is ";
const VARIABLE_RULE = "must be NAME=value with a name of letters, digits and " +
  "_ that does not begin with a digit";

for (
  const [part, ...problems] of [
    [{ Id: "" }, "Id: must not be empty"],
    [{ Id: 7 }, "Id: must be a string: current value is 7"],
    [{ Id: "." }, `Id: ${ID_RULE}"."`],
    [{ Id: ".." }, `Id: ${ID_RULE}".."`],
    [{ Id: "a/b" }, `Id: ${ID_RULE}"a/b"`],
    [{ Id: "../x" }, `Id: ${ID_RULE}"../x"`],
    [{ Id: "a\0" }, `Id: ${ID_RULE}"a\\u0000"`],
    [{ Id: "a\n" }, `Id: ${ID_RULE}"a\\n"`],
    [{ Id: "a\x7f" }, `Id: ${ID_RULE}"a\x7f"`],
    [
      { Id: "é".repeat(ID_BYTES_MAX / 2) + "x" },
      `Id: must have at most ${ID_BYTES_MAX} bytes`,
    ],
    [{ StartCmd: "" }, "StartCmd: must not be empty"],
    [{ StartCmd: "a\0b" }, "StartCmd: must not hold a NUL"],
    [
      { StartCmd: "a\nb", Argv: ["x"] },
      "StartCmd: must be a path without control characters when Argv is given",
    ],
    [{ StopCmd: "\0" }, "StopCmd: must not hold a NUL"],
    [{ KillCmd: 1 }, "KillCmd: must be a string: current value is 1"],
    [
      { WorkDir: "rel" },
      'WorkDir: must be an absolute path: current value is "rel"',
    ],
    [{ WorkDir: "/a\nb" }, "WorkDir: must not hold a control character"],
    [
      { PidFile: "./p" },
      'PidFile: must be an absolute path: current value is "./p"',
    ],
    [{ PidFile: "/p\0" }, "PidFile: must not hold a control character"],
    [
      { ProcessName: "a/b" },
      "ProcessName: must be a base name, without a slash",
    ],
    [{ ProcessName: "\n" }, "ProcessName: must not hold a control character"],
    [{ User: "-x" }, "User: must not begin with -"],
    [{ User: "a\nb" }, "User: must not hold a control character"],
    [
      { StartGracePeriod: -1 },
      "StartGracePeriod: must be at least 0: current value is -1",
    ],
    [
      { StartGracePeriod: 1.5 },
      "StartGracePeriod: must be an integer: current value is 1.5",
    ],
    [
      { StopTimeout: 31_536_001 },
      "StopTimeout: must be at most 31536000: current value is 31536001",
    ],
    [
      { StopTimeout: "10" },
      'StopTimeout: must be an integer: current value is "10"',
    ],
    [
      { Resource: [] },
      "Resource: must be an object: current value is an array",
    ],
    [
      { Resource: { Cpus: -2, Mem: "1" } },
      "Resource.Cpus: must be at least -1: current value is -2",
      'Resource.Mem: must be a number: current value is "1"',
    ],
    [{ Envs: "A=x" }, "Envs: must be an array: current value is a string"],
    [
      { Envs: ["A=1", "B", "=x", "1A=x", "A-B=x", "É=x", " A=x", 4242] },
      "Envs[7]: must be a string",
      ...[1, 2, 3, 4, 5, 6, 7].map((index) =>
        `Envs[${index}]: ${VARIABLE_RULE}`
      ),
    ],
    [{ Envs: ["A=hunter2\0"] }, "Envs[0]: must not hold a NUL"],
    [
      { Envs: Array(4_097).fill("A=") },
      "Envs: must have at most 4096 items",
    ],
    [{ Argv: ["a", 4242] }, "Argv[1]: must be a string"],
    [{ Argv: ["hunter2\0"] }, "Argv[0]: must not hold a NUL"],
    [
      { Id: "/", StartCmd: "", WorkDir: "x", StopTimeout: -1 },
      `Id: ${ID_RULE}"/"`,
      'WorkDir: must be an absolute path: current value is "x"',
      "StartCmd: must not be empty",
      "StopTimeout: must be at least 0: current value is -1",
    ],
  ] as [Record<string, unknown>, ...string[]][]
) {
  const shown = JSON.stringify(part).slice(0, 60);
  Deno.test(`parseProcessInfo() names every problem of ${shown}`, () => {
    const found = problemsOf(JSON.stringify({ ...VALID, ...part }));
    assertEquals(found.sort(), problems.sort());
    const secrets = ["hunter2", "4242"];
    assert(secrets.every((secret) => !found.join().includes(secret)));
  });
}

for (
  const [body, problem] of [
    ["", "(document): must be JSON"],
    ["{", "(document): must be JSON"],
    ['{"Envs":["A=hunter2"', "(document): must be JSON"],
    ["null", "(document): must be an object: current value is null"],
    ["[]", "(document): must be an object: current value is an array"],
    ['"hunter2"', "(document): must be an object: current value is a string"],
  ] as const
) {
  Deno.test(`parseProcessInfo() refuses ${body || "nothing"}`, () => {
    const [first = ""] = problemsOf(body);
    assert(first.startsWith(problem), first);
    assert(!first.includes("hunter2"));
  });
}

Deno.test("parseProcessInfo() takes ids that only look dangerous", () => {
  for (
    const Id of ["...", "a..b", "-rf", "$(x)", "a b", "é", "x".repeat(200)]
  ) {
    assertEquals(parse({ Id }).Id, Id);
  }
});

Deno.test("parseProcessInfo() takes values of every kind", () => {
  const Envs = ["A=", "_=x", "a1=b=c", "N=a\nb", "E=é"];
  const Argv = ["", " ", "\n", "-n", "$(x)"];
  const info = parse({ Envs, Argv, WorkDir: "${work_base_dir}/a" });
  assertEquals([info.Envs, info.Argv], [Envs, Argv]);
  assertEquals(info.WorkDir, "${work_base_dir}/a");
});

Deno.test("parseLimits() reads what is to change", () => {
  const read = (limits: unknown) => parseLimits(JSON.stringify(limits));
  assertEquals(read({ cpus: 0.5, Mem: null }), { Cpus: 0.5 });
  assertEquals(read({ Mem: -1, Cpus: 2 }), { Cpus: 2, Mem: -1 });
});

for (
  const [limits, ...problems] of [
    [{}, "Cpus: must be given, or Mem, or Pids"],
    [
      { Cpus: 0, Mem: -2 },
      "Cpus: must be above 0, or -1 for no limit: current value is 0",
      "Mem: must be above 0, or -1 for no limit: current value is -2",
    ],
    [{ Cpus: "1" }, 'Cpus: must be a number: current value is "1"'],
    [
      [],
      "(document): must be an object: current value is an array",
      "Cpus: must be given, or Mem, or Pids",
    ],
  ] as [unknown, ...string[]][]
) {
  Deno.test(`parseLimits() names every problem of ${JSON.stringify(limits)}`, () => {
    const error = assertThrows(
      () => parseLimits(JSON.stringify(limits)),
      InvalidInputError,
    );
    assertEquals(
      error.problems.map((
        { field, rule }: { field: string; rule: string },
      ) => `${field}: ${rule}`),
      problems,
    );
  });
}
