/**
 * The short form of `deno task fuzz`, with the same seed each time. In a
 * process of its own, as memory is measured.
 */
import { assert, assertEquals } from "@std/assert";
import { Random } from "../support/random.ts";
import type { Summary } from "./main.ts";
import { TARGETS } from "./targets.ts";

const PROGRAM = decodeURIComponent(
  new URL("main.ts", import.meta.url).pathname,
);
const ROUNDS = 20_000;
/** No reader may take more CPU time for one small input, ms. */
const INPUT_MS_MAX = 2_000;
/** All that readers may hold on to, garbage included. */
const GROWTH_MIB_MAX = 400;
/** A reader that hangs is ended by this, ms. */
const RUN_MS_MAX = 600_000;

Deno.test("fuzzing finds no input that breaks a reader", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-read", PROGRAM, `--rounds=${ROUNDS}`, "--seed=1"],
    stdout: "piped",
    stderr: "inherit",
    signal: AbortSignal.timeout(RUN_MS_MAX),
  });
  const { code, stdout } = await child.output();
  const output = new TextDecoder().decode(stdout);
  assertEquals(code, 0, output);
  const summary = JSON.parse(
    output.trimEnd().split("\n").at(-1) ?? "",
  ) as Summary;
  Deno.stdout.writeSync(stdout);
  assert(summary.inputs >= 100_000, output);
  assert(summary.longestMs < INPUT_MS_MAX, output);
  assert(
    summary.rssMibMax - summary.rssMibBefore < GROWTH_MIB_MAX,
    output,
  );
  for (const { name } of TARGETS) {
    // Damage that is always noticed would be too coarse, as would none.
    const share = (summary.accepted[name] ?? 0) / ROUNDS;
    assert(share > 0.005 && share < 0.9, `${name}: ${share} are accepted`);
  }
});

for (const { name, samples, check } of TARGETS) {
  Deno.test(`fuzzing begins with a ${name} that is accepted`, async () => {
    for (const sample of samples) {
      assert(await check(sample, new Random(1)), sample.toHex());
    }
  });
}
