import { assertEquals } from "@std/assert";
import {
  type TaskProgress,
  toStateReport,
} from "../../../executor/tasks/task_state.ts";
import type { TaskState } from "../../../executor/mesos/types.ts";
import type { ProcessStatusInfo } from "../../../shared/manager_api/types.ts";
import { makeStatus } from "../../support/in_process_daemon.ts";

type End = Pick<ProcessStatusInfo, "Result" | "ExitKnown" | "ExitCode">;

const PROGRESSES: readonly TaskProgress[] = [
  { state: "TASK_STARTING", isKillRequested: false },
  { state: "TASK_STARTING", isKillRequested: true },
  { state: "TASK_RUNNING", isKillRequested: false },
  { state: "TASK_RUNNING", isKillRequested: true },
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
        progress.isKillRequested ? "TASK_KILLED" : expected,
      );
    }
  });
}

Deno.test("toStateReport() passes the daemon's words on", () => {
  const report = toStateReport(
    { state: "TASK_RUNNING", isKillRequested: false },
    makeStatus("one", { Status: "stopped", Message: "it was the butler" }),
  );
  assertEquals(report?.message, "it was the butler");
});
