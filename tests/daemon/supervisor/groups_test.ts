import { assertEquals, assertRejects } from "@std/assert";
import { toStatus } from "../../../daemon/lifecycle/status.ts";
import { Groups } from "../../../daemon/supervisor/groups.ts";
import { ProcessRunner } from "../../../daemon/supervisor/process_runner.ts";
import { AppError } from "../../../shared/errors.ts";
import type { ProcessInfo } from "../../../shared/manager_api/types.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { FakeLauncher } from "../../support/fake_launcher.ts";
import { MemoryLogger, settled } from "../../support/in_process_daemon.ts";
import { ended, EVENTS, exited, record } from "../lifecycle/records.ts";

const START = [EVENTS.launched, EVENTS.executed];

/** A process with limits whose launcher is at work. */
function bench(part: Partial<ProcessInfo> = {}) {
  const launcher = new FakeLauncher();
  const groups = new Groups({
    launcher,
    logger: new MemoryLogger(),
    policy: { parent: "g", isRequired: false },
  });
  const Resource = { Cpus: 1, Mem: 64, Disk: 0 };
  const info = { Resource, ...part };
  const runner = new ProcessRunner(record({ state: "staging" }, info), {
    store: {
      update: (record, Cause, Time) => ({
        Seq: 1,
        Time,
        Id: record.id,
        Cause,
        Status: toStatus(record),
      }),
    },
    clock: new FakeClock(0),
    publish: () => {},
    perform: () => {},
  });
  runner.dispatch(EVENTS.prepared);
  return { launcher, groups, runner };
}

Deno.test("limits are changed once the launcher has made the group", async () => {
  const { launcher, groups, runner } = bench();
  const change = groups.change(runner, { Mem: 100 });
  await settled();
  assertEquals(launcher.sent, []);
  START.forEach((event) => runner.dispatch(event));
  await change;
  assertEquals(launcher.sent, ["limit g/1.1"]);
  assertEquals(runner.record.info.LimitResources?.Mem, 100);
});

Deno.test("limits of a process that waits to be started again are for then", async () => {
  const { launcher, groups, runner } = bench({
    RestartPolicy: { Policy: "Always", Interval: 9, Backoff: 0, MaxTimes: 0 },
  });
  START.forEach((event) => runner.dispatch(event));
  runner.dispatch(ended(exited(0)));
  await groups.change(runner, { Mem: 100 });
  assertEquals(runner.record.phase.state, "starting");
  assertEquals(launcher.sent, []);
  assertEquals(runner.record.info.LimitResources?.Mem, 100);
});

Deno.test("limits are not called changed if it was started anew meanwhile", async () => {
  const { launcher, groups, runner } = bench();
  START.forEach((event) => runner.dispatch(event));
  launcher.limitGroup = () => {
    runner.dispatch(EVENTS.restartRequested);
    runner.dispatch(ended(exited(0)));
    runner.dispatch(EVENTS.prepared);
    return Promise.resolve();
  };
  const error = await assertRejects(
    () => groups.change(runner, { Mem: 100 }),
    AppError,
  );
  assertEquals(error.code, "FAILED_PRECONDITION");
  assertEquals(runner.record.generation, 2);
  assertEquals(runner.record.info.LimitResources, undefined);
});
