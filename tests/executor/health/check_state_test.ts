import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  nextCheckStatus,
  toCheckStatus,
} from "../../../executor/health/check_state.ts";
import type { Outcome, Probe } from "../../../executor/health/probe.ts";

const FAILED: Outcome = { type: "failed", reason: "refused" };
const SKIPPED: Outcome = { type: "skipped", reason: "the daemon is away" };

/** Plays outcomes; tells each new status, and null for none. */
function play(type: Probe["type"], outcomes: readonly Outcome[]) {
  let last = toCheckStatus(type, null);
  return outcomes.map((outcome) => {
    const status = nextCheckStatus(type, last, outcome);
    if (status === last) return null;
    last = status;
    return status;
  });
}

Deno.test("nextCheckStatus() tells results that differ from the last", () => {
  assertEquals(
    play("COMMAND", [
      FAILED,
      { type: "COMMAND", exitCode: 0 },
      { type: "COMMAND", exitCode: 0 },
      SKIPPED,
      { type: "COMMAND", exitCode: 7 },
      FAILED,
      FAILED,
      { type: "COMMAND", exitCode: 7 },
    ]),
    [
      null,
      { type: "COMMAND", command: { exit_code: 0 } },
      null,
      null,
      { type: "COMMAND", command: { exit_code: 7 } },
      { type: "COMMAND", command: {} },
      null,
      { type: "COMMAND", command: { exit_code: 7 } },
    ],
  );
});

Deno.test("nextCheckStatus() writes each type in its own message", () => {
  assertEquals(play("HTTP", [{ type: "HTTP", statusCode: 404 }, FAILED]), [
    { type: "HTTP", http: { status_code: 404 } },
    { type: "HTTP", http: {} },
  ]);
  assertEquals(
    play("TCP", [
      { type: "TCP", succeeded: false },
      { type: "TCP", succeeded: true },
      FAILED,
    ]),
    [
      { type: "TCP", tcp: { succeeded: false } },
      { type: "TCP", tcp: { succeeded: true } },
      { type: "TCP", tcp: {} },
    ],
  );
});

Deno.test("nextCheckStatus() gives the last status back when nothing is new", () => {
  const last = toCheckStatus("TCP", { type: "TCP", succeeded: true });
  for (const outcome of [SKIPPED, { type: "TCP", succeeded: true } as const]) {
    assertStrictEquals(nextCheckStatus("TCP", last, outcome), last);
  }
});
