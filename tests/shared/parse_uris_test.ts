import { assertEquals, assertThrows } from "@std/assert";
import { InvalidInputError } from "../../shared/errors.ts";
import { parseProcessInfo } from "../../shared/manager_api/parse.ts";

// Packages of a process definition.

const SECRET = "hunter2";
const SUM = "0123456789abcdef".repeat(4);

function parse(
  uris: unknown,
  checkPath: (path: string) => string | null = () => null,
) {
  const body = JSON.stringify({ Id: "p", StartCmd: "/bin/s", Uris: uris });
  return parseProcessInfo(body, checkPath).Uris;
}

function problemsOf(uris: unknown): string[] {
  const error = assertThrows(
    () => parse(uris),
    InvalidInputError,
  ) as InvalidInputError;
  assertEquals(error.message.includes(SECRET), false);
  return error.problems.map(({ field, rule }) => `${field}: ${rule}`).sort();
}

/** A package that is as it should be, with something changed. */
function uri(part: Record<string, unknown> = {}) {
  return { Value: "https://repo/p.tgz?a=b", OutputDir: "/srv/p", ...part };
}

Deno.test("parseProcessInfo() reads what a package may be", () => {
  const [first, second] = parse([
    uri({
      Sha256: SUM.toUpperCase(),
      Md5: SUM.slice(0, 32),
      User: "u",
      Pwd: "p:1",
      PullPolicy: "Always",
      Mode: "copy",
    }),
    uri({ OutputDir: "${work_base_dir}/q/" }),
  ]) ?? [];
  assertEquals(first, {
    Value: "https://repo/p.tgz?a=b",
    User: "u",
    Pwd: "p:1",
    OutputDir: "/srv/p",
    Sha256: SUM,
    Md5: SUM.slice(0, 32),
    PullPolicy: "Always",
    Mode: "copy",
    ExtractDir: "",
    PackagesFile: "",
  });
  assertEquals(second?.OutputDir, "${work_base_dir}/q/");
});

const ABSOLUTE = "must be an absolute path: it is";
const DOTS = "must not go through . or ..: it is";
const ALONE = "must be the package's alone: Uris[0] has it, or is above";

for (
  const [uris, ...problems] of [
    [
      [{}],
      "Uris[0].OutputDir: must not be empty",
      "Uris[0].Value: must not be empty",
    ],
    [
      [uri(), SECRET],
      "Uris[1].OutputDir: must not be empty",
      "Uris[1].Value: must not be empty",
      "Uris[1]: must be an object: current value is a string",
    ],
    [
      [uri({ Value: `http://u:${SECRET}@repo/p`, Pwd: 4242 })],
      "Uris[0].Pwd: must be a string",
      "Uris[0].Value: must not hold a user: give User and Pwd",
    ],
    [
      [uri({ Value: `file:///${SECRET}` })],
      "Uris[0].Value: must be an http or https URL",
    ],
    [
      [uri({ Value: { [SECRET]: 1 } })],
      "Uris[0].Value: must be a string",
    ],
    [
      [uri({ User: "a:b" })],
      "Uris[0].User: must not hold a colon (RFC 7617)",
    ],
    [
      [uri({ OutputDir: "srv/p" })],
      `Uris[0].OutputDir: ${ABSOLUTE} "srv/p"`,
    ],
    [
      [uri({ OutputDir: "/srv/../p" })],
      `Uris[0].OutputDir: ${DOTS} "/srv/../p"`,
    ],
    [
      [uri({ OutputDir: "/srv/p\n" })],
      "Uris[0].OutputDir: must not hold a control character",
    ],
    [
      [uri({ OutputDir: `/${"x".repeat(4095)}` })],
      "Uris[0].OutputDir: must have at most 4095 bytes",
    ],
    [
      [uri(), uri({ OutputDir: "/srv//p/" }), uri({ OutputDir: "/srv/p/q" })],
      `Uris[1].OutputDir: ${ALONE}`,
      `Uris[2].OutputDir: ${ALONE}`,
    ],
    [
      [uri({ OutputDir: "/srv/p/q" }), uri()],
      "Uris[0].OutputDir: must be the package's alone: Uris[1] has it, or " +
      "is above",
    ],
    [
      [uri({ Sha256: SUM.slice(1), Md5: "g".repeat(32), Mode: "move" })],
      "Uris[0].Md5: must be 32 hexadecimal digits: current value is " +
      `"${"g".repeat(32)}"`,
      'Uris[0].Mode: must be one of link, copy: current value is "move"',
      "Uris[0].Sha256: must be 64 hexadecimal digits: current value is " +
      `"${SUM.slice(1)}"`,
    ],
    [
      Array.from({ length: 33 }, (_, n) => uri({ OutputDir: `/srv/${n}` })),
      "Uris: must have at most 32 items",
    ],
  ] as [unknown, ...string[]][]
) {
  const name = JSON.stringify(uris).slice(0, 80);
  Deno.test(`parseProcessInfo() names what is wrong with ${name}`, () => {
    assertEquals(problemsOf(uris), problems.sort());
  });
}

Deno.test("parseProcessInfo() takes folders beside each other", () => {
  const dirs = ["/srv/p", "/srv/p2", "/srv/q/p"];
  const uris = parse(dirs.map((OutputDir) => uri({ OutputDir })));
  assertEquals(uris?.map(({ OutputDir }) => OutputDir), dirs);
});

Deno.test("parseProcessInfo() asks whether a package may be there", () => {
  const error = assertThrows(
    () => parse([uri()], (path) => `not ${path}`),
    InvalidInputError,
  );
  assertEquals(error.problems, [{
    field: "Uris[0].OutputDir",
    rule: "not /srv/p",
  }]);
});
