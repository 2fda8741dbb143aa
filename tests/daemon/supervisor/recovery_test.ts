import { assertEquals } from "@std/assert";
import { ExitWatcher } from "../../../daemon/launch/exit_watcher.ts";
import { Prober } from "../../../daemon/launch/prober.ts";
import { SessionSearch } from "../../../daemon/launch/session_search.ts";
import type { Phase } from "../../../daemon/lifecycle/record.ts";
import { ProcessStore } from "../../../daemon/store/process_store.ts";
import { Effects } from "../../../daemon/supervisor/effects.ts";
import { EventHub } from "../../../daemon/supervisor/event_hub.ts";
import { layOutFolders } from "../../../daemon/supervisor/folders.ts";
import { Groups } from "../../../daemon/supervisor/groups.ts";
import { Leases } from "../../../daemon/supervisor/leases.ts";
import type { ProcessRunner } from "../../../daemon/supervisor/process_runner.ts";
import { recover } from "../../../daemon/supervisor/recovery.ts";
import { Staging } from "../../../daemon/supervisor/staging.ts";
import { Supervisor } from "../../../daemon/supervisor/supervisor.ts";
import { Surroundings } from "../../../daemon/supervisor/surroundings.ts";
import { Users } from "../../../daemon/supervisor/users.ts";
import { WorkFolders } from "../../../daemon/supervisor/work_folders.ts";
import { BackgroundTasks } from "../../../shared/background.ts";
import { type Clock, systemClock } from "../../../shared/clock.ts";
import type { ProcessInfo } from "../../../shared/manager_api/types.ts";
import { FakeLauncher } from "../../support/fake_launcher.ts";
import { type TempDir, tempDir } from "../../support/temp_dir.ts";
import { createLogger } from "../../../shared/logger.ts";
import {
  COMMAND,
  info as definition,
  LAUNCHED,
  record,
  SIMPLE,
  stopping,
} from "../lifecycle/records.ts";

/** A daemon's inside, found in the middle of something. */
function bench(
  { path }: TempDir,
  phase: Phase,
  info: Partial<ProcessInfo> = {},
  clock: Clock = systemClock,
) {
  const failures: string[] = [];
  const background = new BackgroundTasks((name, error) =>
    failures.push(`${name}: ${error}`)
  );
  const logger = createLogger(() => {}, () => 0);
  const launcher = new FakeLauncher();
  const store = new ProcessStore(`${path}/processes.db`);
  const folders = layOutFolders(`${path}/run`, path);
  const fileDirs = [path];
  const users = new Users({
    launcher,
    clock: systemClock,
    policy: { fallback: "", allowed: [] },
  });
  const staging = new Staging({
    launcher,
    clock: systemClock,
    random: () => 0,
    logger,
    fileDirs,
    users,
    workFolders: new WorkFolders({ launcher, users, folders, fileDirs }),
    packages: {
      prepare: () => Promise.resolve(),
      discard: () => Promise.resolve(),
      keep: () => {},
    },
  });
  const groups = new Groups({ launcher, logger, policy: null });
  const ports = {
    launcher,
    groups,
    staging,
    prober: new Prober(launcher, systemClock, background, logger),
    exits: new ExitWatcher(`${path}/run`, background),
    sessions: new SessionSearch(launcher, logger),
    clock,
    folders,
    users,
    surroundings: new Surroundings({ staging, users }),
    background,
    logger,
  };
  const checked: ProcessRunner[] = [];
  const checks = {
    follow: (runner: ProcessRunner) => {
      checked.push(runner);
      return Promise.resolve();
    },
  };
  const effects = new Effects({ ...ports, checks });
  const supervisor = new Supervisor({
    store,
    clock: systemClock,
    hub: new EventHub(),
    effects,
    staging,
    execs: { settled: () => Promise.resolve() },
    groups,
    leases: new Leases(systemClock, 600_000),
    removeFiles: () => Promise.resolve(),
  });
  const { record: stored } = store.insert(record(phase, info), 0);
  const [runner] = supervisor.restore([stored]);
  if (runner === undefined) throw new Error("Nothing was restored");
  return {
    launcher,
    ports,
    effects,
    supervisor,
    runner,
    failures,
    store,
    checked,
  };
}

Deno.test("recover() leaves a start alone that it has begun again", async () => {
  await using dir = await tempDir();
  const { launcher, ports, effects, supervisor, runner, failures, store } =
    bench(dir, { state: "starting", step: "launch" });
  // The probe is slow: the process is up before its answer is.
  launcher.beforeProbeAnswer = async () => {
    await runner.until(({ phase }) =>
      phase.state !== "staging" &&
      phase.state !== "starting"
    );
  };
  await recover([runner], effects, ports);
  assertEquals(runner.record.phase.state, "running");
  assertEquals(runner.record.generation, 2);
  await launcher.end(runner.record.pid, "1 exited 0 no");
  await ports.background.settle();
  assertEquals(runner.record.exit, { kind: "exited", code: 0 });
  assertEquals([launcher.sent, failures], [[], []]);
  ports.exits.close();
  supervisor.close();
  store.close();
});

Deno.test("recover() waits for a restart command whose deadline is past", async () => {
  await using dir = await tempDir();
  const tracked = { ...LAUNCHED, commandEnded: true, sessions: [] };
  const { launcher, ports, effects, supervisor, runner, failures, store } =
    bench(dir, {
      state: "starting",
      step: "restart-command",
      tracked,
      askedMs: 0,
      deadlineMs: 0,
      helper: null,
    }, { RestartCmd: "/bin/r", PidFile: "/p.pid" });
  // The deadline comes first.
  launcher.beforeProbeAnswer = async () => {
    await runner.until(({ phase }) =>
      phase.state !== "starting" || phase.step !== "restart-command" ||
      phase.deadlineMs > 0
    );
  };
  await recover([runner], effects, ports);
  const { phase } = await runner.until(({ phase }) =>
    phase.state === "starting" && phase.step === "restart-command" &&
    phase.helper !== null
  );
  assertEquals(phase.state, "starting");
  await launcher.end(100, "1 exited 0 no");
  await runner.until(({ phase }) =>
    phase.state === "starting" && phase.step === "pid-file"
  );
  runner.dispatch({ type: "stopRequested", timeoutMs: 0, nowMs: Date.now() });
  await runner.until(({ phase }) => phase.state === "stopped");
  await ports.background.settle();
  assertEquals(failures, []);
  ports.exits.close();
  supervisor.close();
  store.close();
});

for (
  const [phase, isChecked] of [
    [{ state: "running", tracked: SIMPLE }, true],
    [
      { state: "starting", step: "check", tracked: SIMPLE, deadlineMs: 9e15 },
      true,
    ],
    [
      {
        state: "starting",
        step: "backoff",
        deadlineMs: 9e15,
        waitMs: 9e9,
      },
      false,
    ],
    [{ state: "stopped" }, false],
  ] as const satisfies readonly (readonly [Phase, boolean])[]
) {
  const step = "step" in phase ? phase.step : "";
  Deno.test(`recover() checks who is up, of ${phase.state} ${step}`, async () => {
    await using dir = await tempDir();
    const { ports, effects, supervisor, runner, store, checked } = bench(
      dir,
      phase,
      { CheckCmd: "/bin/check" },
    );
    const recovered = recover([runner], effects, ports);
    assertEquals(checked.length, isChecked ? 1 : 0);
    await recovered;
    await ports.background.settle();
    ports.exits.close();
    supervisor.close();
    store.close();
  });
}

Deno.test("recover() looks for a stop command that was asked for and not heard of", async () => {
  await using dir = await tempDir();
  const { launcher, ports, effects, supervisor, runner, failures, store } =
    bench(
      dir,
      stopping("sigkill", { ...SIMPLE, commandEnded: true, sessions: [] }, {
        awaitedHelper: "stop",
        deadlineMs: 9e15,
      }),
      { StopCmd: "/bin/stop" },
    );
  const folder = ports.folders.helper(runner.record, "stop.1");
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/identity`, "1 boot 30 3000 31 3000\n");
  await recover([runner], effects, ports);
  await runner.until(({ phase }) => phase.state === "stopped");
  // It was there to be swept before its process was called stopped.
  assertEquals(launcher.sent.at(-1), "sweep KILL 30");
  await ports.background.settle();
  assertEquals([launcher.alive.size, failures], [0, []]);
  ports.exits.close();
  supervisor.close();
  store.close();
});

Deno.test("what waits for its turn to start is stopped at once, and never started", async () => {
  await using dir = await tempDir();
  const { launcher, ports, supervisor, failures, store } = bench(
    dir,
    { state: "stopped" },
    {},
    // No turn ends by its time.
    { ...systemClock, after: () => ({ cancel: () => {} }) },
  );
  const hang = Promise.withResolvers<void>();
  let starts = 0;
  launcher.run = async function* () {
    starts++;
    await hang.promise;
    yield { type: "refused", message: "it hung" };
  };
  const ids = Array.from({ length: 9 }, (_, index) => `q${index}`);
  for (const Id of ids) await supervisor.create(definition({ Id }));
  for (const id of ids) {
    await supervisor.runnerOf(id).until(({ phase }) =>
      phase.state === "starting"
    );
  }
  const stopped = await supervisor.stop("q8", 60_000);
  assertEquals(stopped.result, "stopped");
  hang.resolve();
  for (const id of ids) {
    await supervisor.runnerOf(id).until(({ phase }) =>
      phase.state === "stopped"
    );
  }
  await ports.background.settle();
  assertEquals([starts, failures], [8, []]);
  ports.exits.close();
  supervisor.close();
  store.close();
});

Deno.test("a session that is to be killed again and again is killed once at a time", async () => {
  await using dir = await tempDir();
  const { launcher, ports, effects, supervisor, runner, failures, store } =
    bench(dir, { state: "stopped" });
  for (let time = 0; time < 3; time++) {
    effects.perform(runner, { type: "killSession", session: COMMAND });
  }
  await ports.background.settle();
  assertEquals(launcher.sent, ["signal KILL 10", "sweep KILL 10"]);
  effects.perform(runner, { type: "killSession", session: COMMAND });
  await ports.background.settle();
  assertEquals([launcher.sent.length, failures], [4, []]);
  supervisor.close();
  store.close();
});
