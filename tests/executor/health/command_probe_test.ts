import { assertEquals, assertRejects } from "@std/assert";
import { probeCommand } from "../../../executor/health/command_probe.ts";
import type { CommandProbe } from "../../../executor/health/probe.ts";
import { AppError, type ErrorCode } from "../../../shared/errors.ts";
import type { ExecResult } from "../../../shared/manager_api/types.ts";

const PROBE: CommandProbe = {
  type: "COMMAND",
  request: {
    Cmd: ["/bin/true"],
    Envs: [],
    User: "",
    WorkDir: "",
    Timeout: 1.5,
  },
};

const DONE: ExecResult = {
  TimedOut: false,
  ExitKnown: true,
  ExitCode: 0,
  Signal: 0,
  Stdout: "",
  Stderr: "",
  Truncated: false,
};

function probe(result: Partial<ExecResult>) {
  return probeCommand(PROBE, () => Promise.resolve({ ...DONE, ...result }));
}

function probeFailing(error: Error) {
  return probeCommand(PROBE, () => Promise.reject(error));
}

Deno.test("probeCommand() tells the exit code, and a signal as a shell does", async () => {
  assertEquals(await probe({}), { type: "COMMAND", exitCode: 0 });
  assertEquals(await probe({ ExitCode: 3 }), { type: "COMMAND", exitCode: 3 });
  assertEquals(await probe({ Signal: 9 }), { type: "COMMAND", exitCode: 137 });
});

Deno.test("probeCommand() fails when its end was not seen, or not in time", async () => {
  assertEquals(await probe({ TimedOut: true, Signal: 9 }), {
    type: "failed",
    reason: "not done within 1.5 s",
  });
  assertEquals(await probe({ ExitKnown: false }), {
    type: "failed",
    reason: "its exit code could not be observed",
  });
});

Deno.test("probeCommand() does not blame the task for the daemon", async () => {
  const expected: Partial<Record<ErrorCode, string>> = {
    UNAVAILABLE: "skipped",
    RESOURCE_EXHAUSTED: "skipped",
    INTERNAL: "skipped",
    FAILED_PRECONDITION: "failed",
    INVALID_ARGUMENT: "failed",
    NOT_FOUND: "failed",
  };
  for (const [code, type] of Object.entries(expected)) {
    const error = new AppError(code as ErrorCode, "Cannot run it");
    assertEquals(await probeFailing(error), {
      type,
      reason: "Cannot run it",
    });
  }
});

Deno.test("probeCommand() lets a bug through", async () => {
  await assertRejects(() => probeFailing(new TypeError("bug")), TypeError);
});
