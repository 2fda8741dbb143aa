import { assertEquals } from "@std/assert";
import { Completion, type Progress } from "../../executor/completion.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { settled } from "../support/in_process_daemon.ts";

Deno.test("Completion.reach() does not wait anew whenever something happens", async () => {
  const clock = new FakeClock();
  let progress: Progress = {
    isOver: false,
    isHeard: false,
    isConnected: true,
    isLeaving: true,
  };
  let isReached = false;
  const completion = new Completion(clock, () => progress, 300_000);
  const reached = completion.reach().then(() => isReached = true);
  const pass = async (ms: number) => {
    clock.advance(ms);
    completion.update();
    await settled();
  };
  for (let minute = 0; minute < 5; minute++) await pass(60_000);
  progress = { ...progress, isOver: true };
  await pass(0);
  await pass(59_999);
  assertEquals(isReached, false);
  await pass(1);
  await reached;
  assertEquals(clock.pending, 0);
});

Deno.test("Completion.reach() waits for the ends of tasks no longer than they may take", async () => {
  const clock = new FakeClock();
  const completion = new Completion(
    clock,
    () => ({
      isOver: false,
      isHeard: false,
      isConnected: true,
      isLeaving: true,
    }),
    300_000,
  );
  const reached = completion.reach();
  for (let minute = 0; minute < 6; minute++) {
    clock.advance(60_000);
    completion.update();
    await settled();
  }
  await reached;
  assertEquals(clock.pending, 0);
});
