import { assertEquals, assertThrows } from "@std/assert";
import { InvalidInputError } from "../../shared/errors.ts";
import { parseProcessInfo } from "../../shared/manager_api/parse.ts";

// What a process may ask of the kernel for itself.

function parse(part: Record<string, unknown>) {
  return parseProcessInfo(
    JSON.stringify({ Id: "p", StartCmd: "/bin/server", ...part }),
  );
}

Deno.test("settings are as they are given, in any letter case", () => {
  const { Umask, Nice, OomScoreAdj, Rlimits } = parse({
    umask: "0077",
    nice: -20,
    oomscoreadj: 1000,
    rlimits: { nofile: 0, CORE: -1 },
  });
  assertEquals([Umask, Nice, OomScoreAdj], ["0077", -20, 1000]);
  assertEquals(Rlimits, { NoFile: 0, Core: -1 });
});

for (
  const [part, problem] of [
    ...["8", "0o22", "22", "1022", "00022", "rwx", "-22", " 022"].map((Umask) =>
      [
        { Umask },
        'Umask: must be three octal digits, such as "022": current value is ' +
        `"${Umask}"`,
      ] as const
    ),
    [{ Umask: 22 }, "Umask: must be a string: current value is 22"],
    [{ Nice: -21 }, "Nice: must be at least -20: current value is -21"],
    [{ Nice: 20 }, "Nice: must be at most 19: current value is 20"],
    [{ Nice: 0.5 }, "Nice: must be an integer: current value is 0.5"],
    [
      { OomScoreAdj: 1001 },
      "OomScoreAdj: must be at most 1000: current value is 1001",
    ],
    [
      { OomScoreAdj: -1001 },
      "OomScoreAdj: must be at least -1000: current value is -1001",
    ],
    [
      { Rlimits: { NoFile: -2 } },
      "Rlimits.NoFile: must be at least -1: current value is -2",
    ],
    [
      { Rlimits: { Core: "unlimited" } },
      'Rlimits.Core: must be an integer: current value is "unlimited"',
    ],
    [{ Rlimits: 5 }, "Rlimits: must be an object: current value is a number"],
  ] as const
) {
  Deno.test(`a definition with ${JSON.stringify(part)} is refused`, () => {
    const error = assertThrows(() => parse(part), InvalidInputError);
    assertEquals(
      error.problems.map((each: { field: string; rule: string }) =>
        `${each.field}: ${each.rule}`
      ),
      [problem],
    );
  });
}
