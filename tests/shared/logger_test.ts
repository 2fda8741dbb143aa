import { assertEquals } from "@std/assert";
import { createLogger } from "../../shared/logger.ts";

Deno.test("createLogger() loses lines that cannot be written, and says so", () => {
  const lines: string[] = [];
  let isFull = false;
  const logger = createLogger((line) => {
    if (isFull) throw new Error("No space left on device");
    lines.push(line);
  }, () => 7);
  logger.info("one", { id: "a" });
  isFull = true;
  logger.warn("two");
  logger.error("three");
  isFull = false;
  logger.warn("four");
  logger.info("five");
  assertEquals(lines.map((line) => JSON.parse(line)), [
    { time: 7, level: "info", message: "one", id: "a" },
    { time: 7, level: "warn", message: "four", linesLost: 2 },
    { time: 7, level: "info", message: "five" },
  ]);
});
