import { assertEquals, assertThrows } from "@std/assert";
import { InvalidInputError } from "../../shared/errors.ts";
import { parseHandOver } from "../../shared/manager_api/parse.ts";
import { parseOwner } from "../../shared/manager_api/parse_owner.ts";

Deno.test("parseHandOver() reads from whom to whom", () => {
  const read = (body: unknown) => parseHandOver(JSON.stringify(body));
  assertEquals(read({ from: "a/b", To: "" }), { From: "a/b", To: "" });
  const From = "x".repeat(1_024);
  assertEquals(read({ From, To: "é b" }), { From, To: "é b" });
});

for (
  const [handOver, ...problems] of [
    [
      {},
      'From: must be given: "" is nobody',
      'To: must be given: "" is nobody',
    ],
    [
      { From: 1, To: null },
      'To: must be given: "" is nobody',
      "From: must be a string: current value is 1",
    ],
    [
      { From: "a\nb", To: "é".repeat(513) },
      "From: must not hold a control character",
      "To: must have at most 1024 bytes: current value has 1026",
    ],
    [
      "run-1",
      "(document): must be an object: current value is a string",
      'From: must be given: "" is nobody',
      'To: must be given: "" is nobody',
    ],
  ] as [unknown, ...string[]][]
) {
  Deno.test(
    `parseHandOver() names every problem of ${
      JSON.stringify(handOver).slice(0, 40)
    }`,
    () => {
      const error = assertThrows(
        () => parseHandOver(JSON.stringify(handOver)),
        InvalidInputError,
      );
      assertEquals(
        error.problems.map((
          { field, rule }: { field: string; rule: string },
        ) => `${field}: ${rule}`),
        problems,
      );
    },
  );
}

Deno.test("parseOwner() takes any name but none", () => {
  assertEquals(parseOwner("fw/exec 1/é"), "fw/exec 1/é");
  for (const wrong of ["", "a\x7f", "x".repeat(1_025)]) {
    assertThrows(() => parseOwner(wrong), InvalidInputError, "owner: must");
  }
});
