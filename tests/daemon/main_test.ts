/** What the daemon says when it cannot start: the program itself is run. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { tempDir } from "../support/temp_dir.ts";

const MAIN = decodeURIComponent(
  new URL("../../daemon/main.ts", import.meta.url).pathname,
);

async function start(...args: readonly string[]) {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", MAIN, ...args],
  }).output();
  return { code, text: new TextDecoder().decode(stderr) };
}

Deno.test("a daemon that may not use its folders says what to do", async () => {
  await using dir = await tempDir();
  const { code, text } = await start(`--data-dir=${dir.path}/data`);
  assertEquals(code, 1);
  const line = JSON.parse(text);
  assertEquals(line.message, "cannot start");
  assertStringIncludes(line.error, `read access to "${dir.path}/data": `);
  assertStringIncludes(line.error, "--allow- flags");
});

Deno.test("--check-config prints each problem in a line of its own", async () => {
  assertEquals(await start("--check-config", "--log-files=x", "--no-flag"), {
    code: 2,
    text: "--no-flag: is no flag: see --help\n" +
      "--log-files: must be a whole number from 1 to 31536000: " +
      'current value is "x"\n',
  });
  const { code, text } = await start("--log-files=x");
  assertEquals([code, JSON.parse(text).message], [2, "cannot start"]);
});
