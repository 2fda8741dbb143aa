import { assertEquals } from "@std/assert";
import { Slots } from "../../../daemon/supervisor/slots.ts";
import { FakeClock } from "../../support/fake_clock.ts";

function bench(atOnce: number) {
  const clock = new FakeClock();
  const slots = new Slots(atOnce, clock);
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    clock,
    begun,
    take: (name: string, unwanted = new AbortController().signal) =>
      slots.take(unwanted).then((end) => {
        if (end === null) return;
        begun.push(name);
        ends.set(name, end);
      }),
    end: async (name: string) => {
      ends.get(name)?.();
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
}

Deno.test("so many begin at a time, the others in the order they came", async () => {
  const { begun, take, end } = bench(2);
  const taken = ["a", "b", "c", "d"].map((name) => take(name));
  await Promise.all(taken.slice(0, 2));
  assertEquals(begun, ["a", "b"]);
  await end("b");
  assertEquals(begun, ["a", "b", "c"]);
  // It is over once.
  await end("b");
  assertEquals(begun, ["a", "b", "c"]);
  await end("a");
  await end("c");
  await end("d");
  await take("e");
  assertEquals(begun, ["a", "b", "c", "d", "e"]);
});

Deno.test("one that hangs loses its slot", async () => {
  const { begun, clock, take, end } = bench(1);
  await take("hangs");
  const next = take("next");
  const last = take("last");
  clock.advance(2_000);
  await next;
  // Its end comes too late to be somebody else's.
  await end("hangs");
  assertEquals(begun, ["hangs", "next"]);
  await end("next");
  await last;
  assertEquals(begun, ["hangs", "next", "last"]);
});

Deno.test("who is not wanted any more leaves the line", async () => {
  const { begun, take, end } = bench(1);
  await take("first");
  const unwanted = new AbortController();
  const left = take("left", unwanted.signal);
  const next = take("next");
  unwanted.abort();
  await left;
  await take("never", unwanted.signal);
  await end("first");
  await next;
  assertEquals(begun, ["first", "next"]);
  await end("next");
  await take("last");
  assertEquals(begun, ["first", "next", "last"]);
});
