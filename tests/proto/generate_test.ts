import { assertEquals } from "@std/assert";
import { generate } from "../../proto/generate.ts";

Deno.test("generate() gives the committed files", async () => {
  for (const [name, text] of Object.entries(await generate())) {
    const url = new URL(`../../proto/${name}`, import.meta.url);
    assertEquals(
      await Deno.readTextFile(url) === text,
      true,
      `proto/${name} is out of date: run "deno task proto"`,
    );
  }
});
