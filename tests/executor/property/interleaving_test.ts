/**
 * Whatever happens in whatever order: each task that was delivered ends with
 * one terminal update that is acknowledged, and nothing is left behind.
 *
 * BCS_PROCESS_TEST_SEED repeats one story and tells it.
 */
import { assertEquals } from "@std/assert";
import { Story } from "./interleaving.ts";

const STORIES = 500;
/** Stories in which a launch comes just as the executor leaves. */
const FAREWELLS = [2_409, 4_889, 11_049, 11_627, 12_978, 24_025, 28_572];
const given = Deno.env.get("BCS_PROCESS_TEST_SEED");

Deno.test("executor ends every task once in random stories", async () => {
  const seeds = given === undefined
    ? [
      ...FAREWELLS,
      ...Array.from({ length: STORIES }, (_, index) => index + 1),
    ]
    : [Number(given)];
  for (const seed of seeds) {
    const story = new Story(seed);
    const problems = await story.run();
    assertEquals(
      problems,
      [],
      `again: BCS_PROCESS_TEST_SEED=${seed}\n${story.told.join("\n")}\n` +
        (given === undefined ? "" : story.world.log.join("\n")),
    );
  }
});
