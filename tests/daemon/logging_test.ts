import { assertEquals, assertMatch } from "@std/assert";
import { createDaemonLogger } from "../../daemon/logging.ts";

function record(settings: Parameters<typeof createDaemonLogger>[0]) {
  const lines: string[] = [];
  const logger = createDaemonLogger(settings, (line) => lines.push(line));
  return { logger, lines };
}

Deno.test("createDaemonLogger() writes a JSON object for each event", () => {
  const { logger, lines } = record({ level: "info", format: "json" });
  logger.warn("effect {id} failed", { id: "a\nb", tries: 2, isLast: false });
  assertEquals(lines.length, 1);
  assertMatch(lines[0] ?? "", /^[^\n]+\n$/);
  const { "@timestamp": time, ...rest } = JSON.parse(lines[0] ?? "");
  assertMatch(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assertEquals(rest, {
    level: "WARN",
    logger: "process-daemon",
    message: "effect {id} failed",
    id: "a\nb",
    tries: 2,
    isLast: false,
  });
});

Deno.test("createDaemonLogger() writes logfmt as well", () => {
  const { logger, lines } = record({ level: "info", format: "logfmt" });
  logger.info("listening", { socket: "/run/a b.sock", processes: 0 });
  assertEquals(lines.length, 1);
  assertMatch(
    lines[0] ?? "",
    /^[^\n]*level=info [^\n]*listening[^\n]* socket="\/run\/a b\.sock" processes=0\n$/,
  );
});

Deno.test("createDaemonLogger() leaves out what is less important", () => {
  const written = (level: "info" | "warning" | "error") => {
    const { logger, lines } = record({ level, format: "json" });
    logger.info("a");
    logger.warn("b");
    logger.error("c");
    return lines.map((line) => JSON.parse(line).message).join("");
  };
  assertEquals(written("info"), "abc");
  assertEquals(written("warning"), "bc");
  assertEquals(written("error"), "c");
});

Deno.test("createDaemonLogger() loses lines that cannot be written, and says so", () => {
  const lines: string[] = [];
  let isFull = true;
  const logger = createDaemonLogger(
    { level: "info", format: "json" },
    (line) => {
      if (isFull) throw new Error("No space left on device");
      lines.push(line);
    },
  );
  logger.info("a");
  logger.error("b");
  isFull = false;
  logger.info("c", { id: "p" });
  logger.info("d");
  const [c, d] = lines.map((line) => JSON.parse(line));
  assertEquals([c.message, c.id, c.linesLost], ["c", "p", 2]);
  assertEquals([d.message, d.linesLost], ["d", undefined]);
});
