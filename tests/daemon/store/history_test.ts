import { assertEquals } from "@std/assert";
import { ProcessStore } from "../../../daemon/store/process_store.ts";
import { tempDir } from "../../support/temp_dir.ts";
import { record } from "../lifecycle/records.ts";

// Which events are kept: the latest 10,000 of all, and 100 of each process.

const ALL = 10_000;
const EACH = 100;

function open(path: string) {
  const store = new ProcessStore(`${path}/processes.db`);
  const insert = (id: string) =>
    store.insert({ ...record({ state: "stopped" }), id }, 0).record;
  const update = (of: ReturnType<typeof insert>, times: number) => {
    for (let time = 0; time < times; time++) store.update(of, "x", time);
  };
  const count = (id: string) => store.historyOf(id, 2 * ALL).length;
  return { store, insert, update, count };
}

Deno.test("a noisy process drives nobody's history out", async () => {
  await using dir = await tempDir();
  const { store, insert, update, count } = open(dir.path);
  const quiet = insert("quiet");
  const busy = insert("busy");
  update(quiet, 10);
  update(busy, EACH + 50);
  const gone = insert("gone");
  update(gone, 10);
  store.remove(gone, 0);
  const noisy = insert("noisy");
  update(noisy, ALL - 1);
  assertEquals(
    ["quiet", "busy", "gone", "noisy"].map(count),
    [11, EACH, 0, ALL],
  );
  // Each keeps its latest, also when there is more of it.
  update(quiet, EACH);
  update(busy, 3);
  assertEquals(["quiet", "busy"].map(count), [EACH, EACH]);
  assertEquals(
    store.historyOf("busy", EACH).slice(-4).map(({ Time }) => Time),
    [EACH + 49, 0, 1, 2],
  );
  // What is followed has no gap.
  const seqs = store.eventsAfter(0, 2 * ALL).map(({ Seq }) => Seq);
  assertEquals(seqs.length, ALL);
  assertEquals((seqs.at(-1) ?? 0) - (seqs[0] ?? 0), ALL - 1);
  // A delete leaves of it what all share.
  store.remove(quiet, 0);
  assertEquals(count("quiet"), EACH + 1);
  store.remove(busy, 0);
  assertEquals(count("busy"), 4);
  update(noisy, ALL);
  assertEquals(["quiet", "busy"].map(count), [0, 0]);
  store.close();
});

Deno.test("an event says what it brought, or nothing", async () => {
  await using dir = await tempDir();
  const { store, insert } = open(dir.path);
  const process = insert("p");
  store.update(process, "ended", 1, "it exited with code 7");
  store.update(process, "prepared", 2);
  assertEquals(
    store.historyOf("p", 9).map((event) => [
      event.Cause,
      event.Detail,
      "Detail" in event,
    ]),
    [
      ["created", undefined, false],
      ["ended", "it exited with code 7", true],
      ["prepared", undefined, false],
    ],
  );
  store.close();
});
