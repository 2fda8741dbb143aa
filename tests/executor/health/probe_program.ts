/** Makes the probes that its argument lists, as JSON, and prints outcomes. */
import type { Probe } from "../../../executor/health/probe.ts";
import { runProbe } from "../../../executor/health/run_probe.ts";
import { systemClock } from "../../../shared/clock.ts";

const probes: Probe[] = JSON.parse(Deno.args[0] ?? "[]");
const outcomes = [];
for (const probe of probes) {
  outcomes.push(
    await runProbe(
      { probe, timeoutMs: 30_000 },
      { clock: systemClock, exec: () => Promise.reject(new Error("unused")) },
      new AbortController().signal,
    ),
  );
}
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(outcomes)));
