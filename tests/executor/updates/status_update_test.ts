import { assert, assertEquals } from "@std/assert";
import type { TaskState } from "../../../executor/mesos/types.ts";
import {
  buildTaskStatus,
  isTerminal,
  type StatusOrigin,
} from "../../../executor/updates/status_update.ts";

const ORIGIN: StatusOrigin = {
  agentId: "agent-1",
  executorId: "exec-1",
  nowMs: () => 1_795_331_587_250,
  uuid: () => "2aac3a9d-e644-41f1-b03d-42ed4b9237ad",
};
const REPORT = {
  taskId: "one",
  state: "TASK_RUNNING",
  message: "process one is running",
} as const;

function messageOf(message: string): string {
  return buildTaskStatus({ ...REPORT, message }, ORIGIN).message ?? "";
}

Deno.test("buildTaskStatus() fills in everything that an agent checks", () => {
  assertEquals(buildTaskStatus(REPORT, ORIGIN), {
    task_id: { value: "one" },
    state: "TASK_RUNNING",
    message: "process one is running",
    agent_id: { value: "agent-1" },
    timestamp: 1_795_331_587.25,
    executor_id: { value: "exec-1" },
    source: "SOURCE_EXECUTOR",
    uuid: "Kqw6neZEQfGwPULtS5I3rQ==",
  });
});

Deno.test("buildTaskStatus() mends half a character, which an agent would refuse", () => {
  assertEquals(messageOf("a \u{1f600}".slice(0, 3)), "a \ufffd");
});

Deno.test("buildTaskStatus() leaves out what it does not know", () => {
  const status = buildTaskStatus(REPORT, { ...ORIGIN, agentId: "" });
  assert(!("agent_id" in status));
  assert(!("reason" in status));
});

Deno.test("buildTaskStatus() keeps the reason", () => {
  const reason = "REASON_TASK_INVALID";
  assertEquals(buildTaskStatus({ ...REPORT, reason }, ORIGIN).reason, reason);
});

Deno.test("buildTaskStatus() cuts a message to 4 KiB", () => {
  assertEquals(messageOf("x".repeat(4_096)), "x".repeat(4_096));
  assertEquals(messageOf("x".repeat(5_000)), "x".repeat(4_096));
});

Deno.test("buildTaskStatus() never cuts a character in two", () => {
  for (const before of [4_093, 4_094, 4_095, 4_096]) {
    const message = messageOf("x".repeat(before) + "😀😀");
    assert(message.isWellFormed(), `after ${before} characters`);
  }
});

Deno.test("buildTaskStatus() counts bytes, as what is stored is bytes", () => {
  const bytes = new TextEncoder().encode(messageOf("ü".repeat(4_096)));
  assert(bytes.length <= 4_096, `it has ${bytes.length} bytes`);
});

Deno.test("isTerminal() knows the ends among the states an executor sends", () => {
  const states: readonly TaskState[] = [
    "TASK_STARTING",
    "TASK_RUNNING",
    "TASK_KILLING",
    "TASK_FINISHED",
    "TASK_FAILED",
    "TASK_KILLED",
    "TASK_ERROR",
  ];
  assertEquals(states.filter(isTerminal), states.slice(3));
});
