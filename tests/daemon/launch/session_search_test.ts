import { assertEquals } from "@std/assert";
import { SessionSearch } from "../../../daemon/launch/session_search.ts";
import type { EndRecord } from "../../../daemon/launch/run_folder.ts";
import type { Identity } from "../../../daemon/lifecycle/record.ts";
import { AppError } from "../../../shared/errors.ts";
import { createLogger } from "../../../shared/logger.ts";

/** A launcher that answers when the test says so. */
function bench() {
  const searches: {
    readonly pids: readonly number[];
    readonly answer: PromiseWithResolvers<ReadonlySet<number>>;
  }[] = [];
  const log: string[] = [];
  const search = new SessionSearch({
    findLeft(leaders) {
      const answer = Promise.withResolvers<ReadonlySet<number>>();
      searches.push({ pids: leaders.map(({ pid }) => pid), answer });
      return answer.promise;
    },
  }, createLogger((line) => log.push(line), () => 0));
  return { search, searches, log };
}

function end(isSessionEmpty: boolean | null): EndRecord {
  return {
    exit: { kind: "exited", code: 0 },
    isSessionEmpty,
    isOomKilled: false,
    endedMs: 0,
  };
}

function leader(pid: number): Identity {
  return { bootId: "boot", pid, startTicks: 1 };
}

/** Lets everything run that does not wait for anything. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("an end of which it is known is not searched for", async () => {
  const { search, searches } = bench();
  assertEquals(await search.isEmpty(end(true), leader(10)), true);
  assertEquals(await search.isEmpty(end(false), leader(10)), false);
  assertEquals(searches, []);
});

Deno.test("all that end during a search share the next one", async () => {
  const { search, searches } = bench();
  const first = search.isEmpty(end(null), leader(10));
  await settle();
  const others = [11, 12, 13].map((pid) =>
    search.isEmpty(end(null), leader(pid))
  );
  await settle();
  // What is under way may have passed by who is left: it answers the first.
  assertEquals(searches.map(({ pids }) => pids), [[10]]);
  searches[0]?.answer.resolve(new Set());
  assertEquals(await first, true);
  await settle();
  assertEquals(searches.map(({ pids }) => pids), [[10], [11, 12, 13]]);
  searches[1]?.answer.resolve(new Set([12]));
  assertEquals(await Promise.all(others), [true, false, true]);
});

Deno.test("a search that fails finds nobody gone, the next goes on", async () => {
  const { search, searches, log } = bench();
  const first = search.isEmpty(end(null), leader(10));
  await settle();
  const second = search.isEmpty(end(null), leader(11));
  searches[0]?.answer.reject(new AppError("UNAVAILABLE", "no processes"));
  assertEquals(await first, false);
  await settle();
  searches[1]?.answer.resolve(new Set());
  assertEquals(await second, true);
  assertEquals(log.length, 1);
});
