import { assertEquals } from "@std/assert";
import { findMain } from "../../../daemon/supervisor/find_main.ts";
import { AppError } from "../../../shared/errors.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { settled } from "../../support/in_process_daemon.ts";
import { COMMAND } from "../lifecycle/records.ts";

/** A clock whose wall clock somebody sets. */
class SetClock extends FakeClock {
  aheadMs = 0;
  override readonly nowMs = () => this.aheadMs + this.monotonicMs();
}

for (const aheadMs of [-3_600_000, 3_600_000]) {
  Deno.test(`findMain() waits its time if the clock is set by ${aheadMs} ms`, async () => {
    const clock = new SetClock();
    let looks = 0;
    const launcher = {
      readPidFile: () => {
        looks++;
        return Promise.reject(new AppError("INVALID_ARGUMENT", "no pid file"));
      },
      probe: () => Promise.reject(new Error("nobody is asked for")),
    };
    let answer: unknown = null;
    const request = {
      pidFile: "/p.pid",
      processName: "",
      findUid: () => Promise.resolve(null),
      command: COMMAND,
      deadlineMs: 1_000,
      isCurrent: () => true,
    };
    findMain(launcher, clock, request).then((found) => answer = found);
    await settled();
    clock.aheadMs = aheadMs;
    for (let passedMs = 0; passedMs < 990; passedMs += 30) {
      assertEquals(answer, null);
      clock.advance(30);
      await settled();
    }
    clock.advance(30);
    await settled();
    assertEquals(answer, { isFound: false, message: "no pid file" });
    assertEquals(looks > 30, true);
  });
}

Deno.test("findMain() finds nobody of another boot than its start command", async () => {
  // Ticks are counted from the boot on: this one seems to be younger.
  const identity = { bootId: "next boot", pid: 20, startTicks: 9e9 };
  const answer = await findMain(
    {
      readPidFile: () =>
        Promise.resolve({ identity, state: "S", session: 20, executable: "x" }),
      probe: () => Promise.reject(new Error("nobody is asked for")),
    },
    new FakeClock(),
    {
      pidFile: "/p.pid",
      processName: "x",
      findUid: () => Promise.resolve(null),
      command: COMMAND,
      deadlineMs: 0,
      isCurrent: () => true,
    },
  );
  assertEquals(answer, {
    isFound: false,
    message: "/p.pid names pid 20, but the host was restarted since the " +
      "start command",
  });
});
