import { assertEquals } from "@std/assert";
import { ROWS } from "./rows.ts";

const EXECUTOR_TESTS = new URL("../", import.meta.url);
const TEST_NAME = /Deno\.test\(\s*("|`)(.*?)\1,/gs;
/** What tells runs of one test apart. */
const VARIANT = / (\([^()]*codec\}\)|\$\{(how|endsOf\(wire\))\})$/;

/** The names of a file's tests, as they stand there. */
async function namesIn(path: string): Promise<string[]> {
  const source = await Deno.readTextFile(new URL(path, EXECUTOR_TESTS));
  return [...source.matchAll(TEST_NAME)].map(([, , name = ""]) =>
    name.replace(VARIANT, "")
  );
}

Deno.test("every row of the conformance table names tests that exist", async () => {
  const missing: string[] = [];
  for (const { id, tests } of ROWS) {
    if (tests.length === 0) missing.push(`${id} names none`);
    for (const test of tests) {
      const at = test.indexOf(": ");
      const names = await namesIn(test.slice(0, at));
      if (!names.includes(test.slice(at + 2))) missing.push(`${id}: ${test}`);
    }
  }
  assertEquals(missing, []);
});

Deno.test("every conformance test stands in the conformance table", async () => {
  const named = new Set(ROWS.flatMap(({ tests }) => tests));
  const missing: string[] = [];
  for await (const { name: file } of Deno.readDir(import.meta.dirname ?? "")) {
    if (!file.endsWith("_test.ts") || file === "rows_test.ts") continue;
    for (const name of await namesIn(`conformance/${file}`)) {
      const test = `conformance/${file}: ${name}`;
      if (!named.has(test)) missing.push(test);
    }
  }
  assertEquals(missing, []);
});

Deno.test("no two rows of the conformance table have one id", () => {
  assertEquals(new Set(ROWS.map(({ id }) => id)).size, ROWS.length);
});
