import { assertEquals } from "@std/assert";
import { TABLE } from "../../../daemon/lifecycle/transition.ts";
import type { ProcessState } from "../../../shared/manager_api/types.ts";

Deno.test("ARCHITECTURE.md prints the lifecycle table as it is", async () => {
  const url = new URL("../../../ARCHITECTURE.md", import.meta.url);
  const text = await Deno.readTextFile(url);
  const [, after = ""] = text.split("<!-- lifecycle table -->\n");
  const [table = ""] = after.trim().split("\n\n");
  // What a formatter does to a table is none of its content.
  const printed = table.split("\n").map((line) =>
    line.split("|").map((cell) => cell.trim().replace(/^-+$/, "---"))
      .join("|")
  );
  const states = Object.keys(TABLE) as ProcessState[];
  const events = Object.keys(TABLE.staging) as (keyof typeof TABLE.staging)[];
  const expected = [
    `|event|${states.join("|")}|`,
    `|${"---|".repeat(states.length + 1)}`,
    ...events.map((event) => {
      const cells = states.map((state) => {
        const cell = TABLE[state][event];
        return cell === "ignore" ? "–" : cell.name;
      });
      return `|\`${event}\`|${cells.join("|")}|`;
    }),
  ];
  assertEquals(printed, expected);
});
