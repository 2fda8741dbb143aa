import { assert, assertEquals } from "@std/assert";
import type { LogRange } from "../../../daemon/api/log_query.ts";
import { streamLog } from "../../../daemon/api/log_stream.ts";
import type { LogFile } from "../../../daemon/logs/log_file.ts";
import { LOG_START_HEADER } from "../../../shared/manager_api/routes.ts";
import { LogBench } from "../logs/log_bench.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const ALL: LogRange = { unit: "from", count: 0 };

/** Lets a follower wait with nobody else who looks at the log. */
const LOGS = {
  grown: (log: LogFile, signal: AbortSignal) => log.grown(signal),
};

const startOf = (response: Response) =>
  Number(response.headers.get(LOG_START_HEADER));

Deno.test("a log is read no faster than it is taken", async () => {
  await using bench = await LogBench.create(MIB, 3);
  bench.append("x".repeat(MIB));
  const log = bench.open();
  let reads = 0;
  const read = log.read.bind(log);
  log.read = (place, bytesMax) => {
    reads++;
    return read(place, bytesMax);
  };
  const { body } = await streamLog(LOGS, log, ALL, true);
  const reader = body?.getReader();
  for (let taken = 0; taken < 3; taken++) {
    await new Promise((resolve) => setTimeout(resolve));
    assertEquals(reads, taken);
    assertEquals((await reader?.read())?.value?.length, 64 * KIB);
  }
  await reader?.cancel();
});

Deno.test("an answer that is not followed has a limit", async () => {
  await using bench = await LogBench.create(32 * MIB, 3);
  const line = "0123456789abcde\n";
  bench.append(line.repeat(18 * MIB / line.length));
  const log = bench.open();
  const ask = async (range: LogRange) => {
    const response = await streamLog(LOGS, log, range, false);
    return [startOf(response), (await response.bytes()).length];
  };
  assertEquals(await ask(ALL), [0, 16 * MIB]);
  assertEquals(await ask({ unit: "from", count: 16 * MIB }), [
    16 * MIB,
    2 * MIB,
  ]);
  assertEquals(await ask({ unit: "lines", count: 2 * MIB }), [
    2 * MIB,
    16 * MIB,
  ]);
  assertEquals(await ask({ unit: "lines", count: 2 }), [18 * MIB - 32, 32]);
});

Deno.test("an answer that is not followed ends where the log did", async () => {
  await using bench = await LogBench.create(MIB, 3);
  bench.append("x".repeat(100 * KIB));
  const log = bench.open();
  const response = await streamLog(LOGS, log, ALL, false);
  bench.append("y");
  log.look();
  assertEquals((await response.text()).length, 100 * KIB);
});

Deno.test("a follower that falls behind what is kept is let go at the gap", async () => {
  await using bench = await LogBench.create(128 * KIB, 1);
  const text = "0123456789abcde\n".repeat(16 * KIB);
  bench.append(text);
  const log = bench.open();
  const { body } = await streamLog(LOGS, log, ALL, true);
  const reader = body?.getReader();
  assertEquals((await reader?.read())?.value?.length, 64 * KIB);
  assert(await log.rotate());
  assertEquals((await reader?.read())?.done, true);
  // Asking again from there says how much is gone.
  const from: LogRange = { unit: "from", count: 64 * KIB };
  const again = await streamLog(LOGS, log, from, false);
  assertEquals(startOf(again), 128 * KIB);
  assertEquals(await again.text(), text.slice(128 * KIB));
});

Deno.test("a follower waits, and goes when the log is closed", async () => {
  await using bench = await LogBench.create(MIB, 3);
  const log = bench.open();
  const end: LogRange = { unit: "lines", count: 0 };
  const { body } = await streamLog(LOGS, log, end, true);
  const reader = body?.getReader();
  const first = reader?.read();
  bench.append("one\n");
  assert(log.isFollowed);
  log.look();
  assertEquals(new TextDecoder().decode((await first)?.value), "one\n");
  const second = reader?.read();
  await log.close();
  assertEquals((await second)?.done, true);
  assertEquals(log.isFollowed, false);
});

Deno.test("a follower that goes away is not waited for", async () => {
  await using bench = await LogBench.create(MIB, 3);
  const log = bench.open();
  const { body } = await streamLog(LOGS, log, ALL, true);
  const reader = body?.getReader();
  const read = reader?.read();
  await new Promise((resolve) => setTimeout(resolve));
  assert(log.isFollowed);
  await reader?.cancel();
  await read;
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(log.isFollowed, false);
});
