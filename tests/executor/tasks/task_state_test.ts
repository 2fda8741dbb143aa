import { assertEquals } from "@std/assert";
import {
  type KillCause,
  type TaskProgress,
  toStateReport,
} from "../../../executor/tasks/task_state.ts";
import type { TaskState } from "../../../executor/mesos/types.ts";
import type { ProcessStatusInfo } from "../../../shared/manager_api/types.ts";
import { makeStatus } from "../../support/in_process_daemon.ts";

type End = Pick<ProcessStatusInfo, "Result" | "ExitKnown" | "ExitCode">;

const PROGRESS: TaskProgress = {
  state: "TASK_RUNNING",
  killCause: null,
  generation: 1,
  rules: "mesos",
  hasFinishedMate: false,
};
const PROGRESSES: readonly TaskProgress[] = [
  { ...PROGRESS, state: "TASK_STARTING", generation: 0 },
  { ...PROGRESS, state: "TASK_STARTING", generation: 0, killCause: "kill" },
  PROGRESS,
  { ...PROGRESS, killCause: "kill" },
  { ...PROGRESS, state: "TASK_KILLING", killCause: "shutdown" },
  { ...PROGRESS, rules: "bcs" },
  { ...PROGRESS, killCause: "group-failed", rules: "bcs" },
];

/** Every cause of a kill, and what the end is called by whose rules. */
const KILLS:
  readonly (readonly [KillCause, TaskState, TaskState, TaskState])[] = [
    ["kill", "TASK_KILLED", "TASK_KILLED", "TASK_KILLED"],
    ["group-failed", "TASK_KILLED", "TASK_KILLED", "TASK_KILLED"],
    ["shutdown", "TASK_KILLED", "TASK_KILLED", "TASK_FINISHED"],
    ["unhealthy", "TASK_KILLED", "TASK_FAILED", "TASK_FAILED"],
    ["time-over", "TASK_FAILED", "TASK_FAILED", "TASK_FAILED"],
  ];

/** Every way to end, and what it is when nobody asked for it. */
const ENDS: readonly (readonly [End, TaskState])[] = [
  [{ Result: "exited", ExitKnown: true, ExitCode: 0 }, "TASK_FINISHED"],
  [{ Result: "exited", ExitKnown: true, ExitCode: 3 }, "TASK_FAILED"],
  [{ Result: "exited", ExitKnown: false, ExitCode: 0 }, "TASK_FAILED"],
  [{ Result: "signalled", ExitKnown: true, ExitCode: 0 }, "TASK_FAILED"],
  [{ Result: "unknown", ExitKnown: false, ExitCode: 0 }, "TASK_FAILED"],
  [{ Result: "start-failed", ExitKnown: true, ExitCode: 0 }, "TASK_FAILED"],
  [{ Result: "start-failed", ExitKnown: true, ExitCode: 2 }, "TASK_FAILED"],
  [{ Result: "start-failed", ExitKnown: false, ExitCode: 0 }, "TASK_FAILED"],
  [{ Result: "lost", ExitKnown: false, ExitCode: 0 }, "TASK_FAILED"],
  [{ Result: "package-failed", ExitKnown: false, ExitCode: 0 }, "TASK_FAILED"],
  // The daemon stopped it as it had not heard of us: nobody wanted that.
  [{ Result: "lease-expired", ExitKnown: true, ExitCode: 0 }, "TASK_FAILED"],
  [{ Result: "lease-expired", ExitKnown: false, ExitCode: 0 }, "TASK_FAILED"],
  [{ Result: "none", ExitKnown: false, ExitCode: 0 }, "TASK_FAILED"],
  // Somebody asked the daemon, and not the executor.
  [{ Result: "stopped", ExitKnown: true, ExitCode: 0 }, "TASK_KILLED"],
  [{ Result: "stopped", ExitKnown: false, ExitCode: 0 }, "TASK_KILLED"],
];

function stateOf(
  progress: TaskProgress,
  status: Partial<ProcessStatusInfo>,
): TaskState | null {
  const report = toStateReport(progress, makeStatus("one", status));
  return report?.state ?? null;
}

for (const Status of ["staging", "starting", "stopping"] as const) {
  Deno.test(`toStateReport() has nothing to say of a ${Status} process`, () => {
    for (const progress of PROGRESSES) {
      for (const [end] of ENDS) {
        assertEquals(stateOf(progress, { Status, ...end }), null);
      }
    }
  });
}

Deno.test("toStateReport() reports a running process once", () => {
  for (const progress of PROGRESSES) {
    assertEquals(
      stateOf(progress, { Status: "running" }),
      progress.state === "TASK_STARTING" ? "TASK_RUNNING" : null,
    );
  }
});

for (const [end, expected] of ENDS) {
  const { Result, ExitCode, ExitKnown } = end;
  const name = `${Result} with ${ExitKnown ? "code" : "unknown code"} ${
    ExitKnown ? ExitCode : ""
  }`.trim();

  Deno.test(`toStateReport() makes ${expected} of "${name}", unless killed`, () => {
    for (const progress of PROGRESSES) {
      assertEquals(
        stateOf(progress, { Status: "stopped", ...end }),
        progress.killCause === null ? expected : "TASK_KILLED",
      );
    }
  });
}

Deno.test("toStateReport() passes the daemon's words on", () => {
  const report = toStateReport(
    PROGRESS,
    makeStatus("one", { Status: "stopped", Message: "it was the butler" }),
  );
  assertEquals(report?.message, "it was the butler");
});

Deno.test("toStateReport() reports a process that was started again", () => {
  const anew = { Status: "running", Generation: 2 } as const;
  assertEquals(stateOf(PROGRESS, anew), "TASK_RUNNING");
  assertEquals(stateOf({ ...PROGRESS, generation: 2 }, anew), null);
  const killing = { ...PROGRESS, state: "TASK_KILLING" } as const;
  assertEquals(stateOf(killing, anew), null);
});

for (const [killCause, mesos, bcs, bcsWithMate] of KILLS) {
  Deno.test(`toStateReport() names the end of a task killed for "${killCause}"`, () => {
    for (const [end] of ENDS) {
      const ended = { Status: "stopped", ...end } as const;
      const name = (more: Partial<TaskProgress>) =>
        stateOf({ ...PROGRESS, killCause, ...more }, ended);
      assertEquals(name({}), mesos);
      assertEquals(name({ hasFinishedMate: true }), mesos);
      assertEquals(name({ rules: "bcs" }), bcs);
      assertEquals(name({ rules: "bcs", hasFinishedMate: true }), bcsWithMate);
    }
  });
}
