import { assert, assertEquals } from "@std/assert";
import {
  decideHealth,
  HEALTH_UNKNOWN,
  type HealthState,
} from "../../../executor/health/health_state.ts";
import type { Outcome, Probe } from "../../../executor/health/probe.ts";

const TCP: Probe = { type: "TCP", hostname: "127.0.0.1", port: 80 };
const OK: Outcome = { type: "TCP", succeeded: true };
const REFUSED: Outcome = { type: "TCP", succeeded: false };
const FAILED: Outcome = { type: "failed", reason: "not done within 20 s" };
const SKIPPED: Outcome = { type: "skipped", reason: "the daemon is away" };

/** Plays outcomes, each with its time; tells reports as short words. */
function play(
  plan: { readonly graceMs: number; readonly failuresMax: number },
  outcomes: readonly (readonly [Outcome, number])[],
): string[] {
  let state: HealthState = HEALTH_UNKNOWN;
  return outcomes.map(([outcome, elapsedMs]) => {
    const decision = decideHealth(
      { ...plan, probe: TCP },
      state,
      outcome,
      elapsedMs,
    );
    state = decision.state;
    const { report } = decision;
    if (report === null) return "-";
    const kill = report.isKillDue ? " kill" : "";
    return report.healthy
      ? `healthy ${report.consecutiveFailures}${kill}`
      : `unhealthy ${report.consecutiveFailures}${kill}`;
  });
}

const PLAN = { graceMs: 10_000, failuresMax: 3 };
const LATER = 60_000;

Deno.test("decideHealth() reports the first success only", () => {
  assertEquals(play(PLAN, [[OK, 1], [OK, 2], [OK, LATER]]), [
    "healthy 0",
    "-",
    "-",
  ]);
});

Deno.test("decideHealth() reports the first failure and the one that kills", () => {
  assertEquals(
    play(PLAN, [
      [REFUSED, LATER],
      [FAILED, LATER],
      [REFUSED, LATER],
      [FAILED, LATER],
      [FAILED, LATER],
    ]),
    ["unhealthy 1", "-", "unhealthy 3 kill", "-", "-"],
  );
});

Deno.test("decideHealth() starts to count again after a success", () => {
  assertEquals(
    play(PLAN, [
      [OK, 1],
      [REFUSED, 2],
      [REFUSED, 3],
      [OK, 4],
      [REFUSED, 5],
      [REFUSED, 6],
      [REFUSED, 7],
      [OK, 8],
      [OK, 9],
    ]),
    [
      "healthy 0",
      "unhealthy 1",
      "-",
      "healthy 0",
      "unhealthy 1",
      "-",
      "unhealthy 3 kill",
      "healthy 0",
      "-",
    ],
  );
});

Deno.test("decideHealth() ignores failures of the grace period, its end included", () => {
  assertEquals(
    play(PLAN, [[REFUSED, 0], [FAILED, 10_000], [REFUSED, 10_001]]),
    ["-", "-", "unhealthy 1"],
  );
});

Deno.test("decideHealth() ends the grace period with the first success", () => {
  assertEquals(
    play(PLAN, [[REFUSED, 1], [OK, 2], [REFUSED, 3]]),
    ["-", "healthy 0", "unhealthy 1"],
  );
});

Deno.test("decideHealth() counts a failure at once without a grace period", () => {
  assertEquals(play({ graceMs: 0, failuresMax: 1 }, [[REFUSED, 0]]), [
    "unhealthy 1 kill",
  ]);
});

Deno.test("decideHealth() learns nothing from a probe that our side did not make", () => {
  assertEquals(
    play(PLAN, [
      [SKIPPED, LATER],
      [REFUSED, LATER],
      [SKIPPED, LATER],
      [REFUSED, LATER],
      [SKIPPED, LATER],
      [REFUSED, LATER],
    ]),
    ["-", "unhealthy 1", "-", "-", "-", "unhealthy 3 kill"],
  );
});

/** Whether one outcome is a success. */
function isHealthy(outcome: Outcome, statuses: readonly number[] = []) {
  const probe: Probe = { type: "HTTP", url: "http://127.0.0.1/", statuses };
  return decideHealth(
    { graceMs: 0, failuresMax: 9, probe },
    HEALTH_UNKNOWN,
    outcome,
    0,
  ).report?.healthy;
}

Deno.test("decideHealth() knows what is healthy", () => {
  for (const exitCode of [0, 1, 137]) {
    assertEquals(isHealthy({ type: "COMMAND", exitCode }), exitCode === 0);
  }
  for (
    const [statusCode, expected] of [
      [200, true],
      [204, true],
      [399, true],
      [400, false],
      [503, false],
    ] as const
  ) assertEquals(isHealthy({ type: "HTTP", statusCode }), expected);
  for (const statusCode of [200, 404, 503]) {
    assertEquals(
      isHealthy({ type: "HTTP", statusCode }, [404, 418]),
      statusCode === 404,
      "the statuses that are named are the only healthy ones",
    );
  }
});

Deno.test("decideHealth() says what was seen, within bounds", () => {
  const message = (outcome: Outcome, failuresMax = 3) =>
    decideHealth(
      { graceMs: 0, failuresMax, probe: TCP },
      HEALTH_UNKNOWN,
      outcome,
      0,
    ).report?.message ?? "";
  assertEquals(
    message({ type: "HTTP", statusCode: 503 }),
    "health check failed, 1 of 3: the server answered with status 503",
  );
  assertEquals(
    message({ type: "COMMAND", exitCode: 0 }),
    "health check passed: the command ended with exit code 0",
  );
  const long = message({ type: "failed", reason: "é".repeat(5_000) });
  assert(new TextEncoder().encode(long).length <= 1_024);
});
