import { assert, assertEquals, assertThrows } from "@std/assert";
import { InvalidInputError } from "../../shared/errors.ts";
import {
  parseProcessFile,
  parseProcessInfo,
} from "../../shared/manager_api/parse.ts";
import { FILE_BYTES_MAX } from "../../shared/manager_api/parse_files.ts";

const FILE = { To: "/srv/a", Base64: "aGk=" };
const SOURCE = { From: "http://host/a" };

function problemsOf(part: Record<string, unknown>): string[] {
  const body = JSON.stringify({ Id: "p", StartCmd: "/bin/server", ...part });
  const error = assertThrows(() => parseProcessInfo(body), InvalidInputError);
  assert(!error.message.includes("hunter2"), error.message);
  return error.problems.map((
    { field, rule }: { field: string; rule: string },
  ) => `${field}: ${rule}`);
}

Deno.test("parseProcessInfo() reads files and variables to fetch", () => {
  const { Files, RemoteEnvs } = parseProcessInfo(JSON.stringify({
    Id: "p",
    StartCmd: "/bin/server",
    files: [
      { to: "${work_base_dir}/a b", base64: "", right: "rw", user: "game" },
      {
        To: "${run_base_dir}/x",
        Remote: { From: "https://h/x?a", RemoteUser: "u", RemotePasswd: "p" },
      },
    ],
    RemoteEnvs: [{ Name: "_A1", From: "http://h/v" }],
  }));
  assertEquals(Files, [
    {
      To: "${work_base_dir}/a b",
      Right: "rw",
      User: "game",
      Base64: "",
      Remote: null,
    },
    {
      To: "${run_base_dir}/x",
      Right: "r",
      User: "",
      Base64: null,
      Remote: { From: "https://h/x?a", RemoteUser: "u", RemotePasswd: "p" },
    },
  ]);
  assertEquals(RemoteEnvs, [
    { Name: "_A1", From: "http://h/v", RemoteUser: "", RemotePasswd: "" },
  ]);
});

const FTP = "must be an http or https URL: nothing is fetched by ftp, " +
  "serve it by HTTP";

for (
  const [part, ...problems] of [
    [
      { Files: [{}] },
      "Files[0].To: must not be empty",
      "Files[0].Base64: must be given, or else Remote, but not both",
    ],
    [
      { Files: [FILE, { ...FILE, Remote: SOURCE }] },
      "Files[1].Base64: must be given, or else Remote, but not both",
    ],
    [
      { Files: [{ ...FILE, To: "srv/a" }] },
      'Files[0].To: must be an absolute path: it is "srv/a"',
    ],
    [
      { Files: [{ ...FILE, To: "${work_base_dir}" }] },
      'Files[0].To: must be an absolute path: it is "${work_base_dir}"',
    ],
    [
      { Files: [{ ...FILE, To: "/srv/../a" }] },
      'Files[0].To: must not go through . or ..: it is "/srv/../a"',
    ],
    [
      { Files: [{ ...FILE, To: "/srv/./a" }] },
      'Files[0].To: must not go through . or ..: it is "/srv/./a"',
    ],
    [
      { Files: [{ ...FILE, To: "/srv/" }] },
      'Files[0].To: must name a file, no folder: it is "/srv/"',
    ],
    [
      { Files: [{ ...FILE, To: "/srv/a\nb" }] },
      "Files[0].To: must not hold a control character",
    ],
    [
      { Files: [{ ...FILE, To: `/${"x".repeat(4_095)}` }] },
      "Files[0].To: must have at most 4095 bytes",
    ],
    [
      { Files: [{ ...FILE, Right: "rwx" }] },
      'Files[0].Right: must be one of r, rw: current value is "rwx"',
    ],
    ...["-x", "a\n"].map((User) => [
      { Files: [{ ...FILE, User }] },
      "Files[0].User: must not begin with - nor hold a control character",
    ]),
    ...["hunter2", "aGk", "aGk=\n=", "aGl=", "aG=k"].map((Base64) => [
      { Files: [{ ...FILE, Base64 }] },
      "Files[0].Base64: must be base64 with its padding",
    ]),
    [
      { Files: [{ ...FILE, Base64: "AAAA".repeat(FILE_BYTES_MAX / 3 + 1) }] },
      `Files[0].Base64: must stand for at most ${FILE_BYTES_MAX} bytes: it ` +
      "has 4194306; serve it by HTTP and name it in Remote",
    ],
    [{ Files: Array(65).fill(FILE) }, "Files: must have at most 64 items"],
    ...["ftp://hunter2@h/a", "ftp://h/a"].map((From) => [
      { Files: [{ To: "/a", Remote: { From } }] },
      `Files[0].Remote.From: ${FTP}`,
    ]),
    [
      { RemoteEnvs: [{ Name: "A", From: "ftps://h/a" }] },
      `RemoteEnvs[0].From: ${FTP.replace("by ftp", "by ftps")}`,
    ],
    ...["file:///hunter2", "hunter2", "/hunter2"].map((From) => [
      { RemoteEnvs: [{ Name: "A", From }] },
      "RemoteEnvs[0].From: must be an http or https URL",
    ]),
    [
      { RemoteEnvs: [{ Name: "A", From: "http://u:hunter2@h/" }] },
      "RemoteEnvs[0].From: must not hold a user: give RemoteUser and " +
      "RemotePasswd",
    ],
    [
      {
        RemoteEnvs: [{
          ...SOURCE,
          Name: "1A",
          RemoteUser: "a:b",
          RemotePasswd: ["hunter2"],
        }],
      },
      "RemoteEnvs[0].Name: must be a name of letters, digits and _ that does " +
      'not begin with a digit: current value is "1A"',
      "RemoteEnvs[0].RemotePasswd: must be a string",
      "RemoteEnvs[0].RemoteUser: must not hold a colon (RFC 7617)",
    ],
  ] as [Record<string, unknown>, ...string[]][]
) {
  const shown = JSON.stringify(part).slice(0, 70);
  Deno.test(`parseProcessInfo() names every problem of ${shown}`, () => {
    assertEquals(problemsOf(part).sort(), problems.sort());
  });
}

Deno.test("parseProcessFile() asks for rules beside its own", () => {
  const body = JSON.stringify({ To: "/etc/passwd", Base64: "hunter2" });
  const error = assertThrows(
    () => parseProcessFile(body, (path) => `not ${path}`),
    InvalidInputError,
  );
  assertEquals(
    error.message,
    "Cannot accept the file: Base64: must be base64 with its padding; " +
      "To: not /etc/passwd",
  );
  assertEquals(parseProcessFile(JSON.stringify(FILE), () => null), {
    ...FILE,
    Right: "r",
    User: "",
    Remote: null,
  });
});

Deno.test("a file of the greatest size is taken", () => {
  const Base64 = new Uint8Array(FILE_BYTES_MAX).toBase64();
  parseProcessFile(JSON.stringify({ ...FILE, Base64 }), () => null);
});
