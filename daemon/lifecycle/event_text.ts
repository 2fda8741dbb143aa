import { boundText } from "../../shared/bound_text.ts";
import { describeExit, describeSilence } from "./exit_text.ts";
import type { ProcessEvent } from "./events.ts";
import type { Phase, ProcessRecord } from "./record.ts";

/** Longest text, UTF-8 bytes: the status beside it holds the whole message. */
const TEXT_BYTES_MAX = 256;

/**
 * Says in one line what an event brought that its name does not say, and
 * which step it led to; "" = nothing.
 */
export function describeChange(
  event: ProcessEvent,
  before: ProcessRecord,
  after: ProcessRecord,
): string {
  const step = stepOf(after.phase);
  const isNews = step !== "" && step !== stepOf(before.phase);
  return boundText(
    [describeEvent(event), isNews ? `now: ${step}` : ""]
      .filter((part) => part !== "").join("; "),
    TEXT_BYTES_MAX,
  );
}

function stepOf(phase: Phase): string {
  switch (phase.state) {
    case "starting":
      return phase.step;
    case "stopping":
      return phase.rung;
    default:
      return "";
  }
}

function describeEvent(event: ProcessEvent): string {
  switch (event.type) {
    case "launched":
      return `pid ${event.tracked.command.pid}`;
    case "mainFound":
      return `pid ${event.main.pid}`;
    case "helperStarted":
    case "sessionKilled":
      return `pid ${event.session.pid}`;
    case "ended":
      return `it ${describeExit(event.exit)}` +
        (event.isSessionEmpty ? "" : ", not all of it is gone");
    case "mainGone":
      return `it ${describeExit({ kind: "unknown" })}`;
    case "refused":
    case "mainMissing":
    case "checkFailed":
      return event.message;
    case "unlimited":
      return event.reason;
    case "stopRequested":
    case "restartRequested":
      return `${event.timeoutMs / 1000} s until force`;
    case "leaseEnded":
      return describeSilence(event);
    case "ownerChanged":
      return event.owner === "" ? "to nobody" : `to ${event.owner}`;
    case "restartEnded":
      return event.failure ?? "its restart command succeeded";
    case "helperEnded":
      return `its ${event.which} command ` +
        (event.succeeded ? "succeeded" : "failed");
    case "swept":
      return event.left.length === 0
        ? "nobody is left"
        : `still alive: ${event.left.join(" ")}`;
    case "fileCreated":
      return event.path;
    case "limitsChanged":
      return Object.entries(event.limits)
        .map(([key, value]) => `${key} ${value}`).join(", ");
    default:
      return "";
  }
}
