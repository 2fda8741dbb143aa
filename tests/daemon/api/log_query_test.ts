import { assertEquals, assertThrows } from "@std/assert";
import { parseLogQuery } from "../../../daemon/api/log_query.ts";
import { InvalidInputError, type Problem } from "../../../shared/errors.ts";
import { ApiBench, BASE } from "./api_bench.ts";

Deno.test("parseLogQuery() has a default for all", () => {
  const cases = [
    ["", "stdout", "lines", 100, false],
    ["stream=stderr&bytes=0", "stderr", "bytes", 0, false],
    ["from=123456789012345&follow=1", "stdout", "from", 123456789012345, true],
    ["lines=5&follow=0", "stdout", "lines", 5, false],
  ] as const;
  for (const [query, stream, unit, count, isFollowed] of cases) {
    assertEquals(parseLogQuery(new URLSearchParams(query)), {
      stream,
      range: { unit, count },
      isFollowed,
    });
  }
});

Deno.test("parseLogQuery() names every problem at once", () => {
  const query = "stream=x&follow=yes&lines=-1&bytes=16777217&tail=3&from=1" +
    "&from=2";
  const { problems } = assertThrows(
    () => parseLogQuery(new URLSearchParams(query)),
    InvalidInputError,
  );
  assertEquals(
    problems.map(({ field, rule }: Problem) => `${field}: ${rule}`),
    [
      "tail: is no parameter: known are stream, follow, lines, bytes, from",
      "from: must be given once",
      'stream: must be stdout or stderr: current value is "x"',
      'follow: must be 0 or 1: current value is "yes"',
      "lines, bytes, from: exclude each other: give one of them",
      "lines: must be a whole number of at most 15 digits: " +
      'current value is "-1"',
      'bytes: must be at most 16777216: current value is "16777217"',
    ],
  );
});

Deno.test("logs of a process that is not there are refused", async () => {
  await using api = await ApiBench.create();
  const { status } = await api.call("GET", `${BASE}/process/p/logs`);
  assertEquals(status, 404);
  await api.call(
    "POST",
    `${BASE}/process`,
    JSON.stringify({ Id: "p", StartCmd: "/bin/server" }),
  );
  const bad = await api.call("GET", `${BASE}/process/p/logs?lines=x`);
  assertEquals(bad.status, 400);
});
