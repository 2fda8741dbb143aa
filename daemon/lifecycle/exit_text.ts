import type { ProcessResult } from "../../shared/manager_api/types.ts";
import { signalNameOf } from "../../shared/signals.ts";
import type { Exit, Orphaned, ProcessRecord } from "./record.ts";

/** Words how a process ended, to follow its name. */
export function describeExit(exit: Exit): string {
  switch (exit.kind) {
    case "exited":
      return `exited with code ${exit.code}`;
    case "signalled": {
      const name = signalNameOf(exit.signal);
      return `was ended by signal ${exit.signal}${name ? ` (${name})` : ""}`;
    }
    case "unknown":
      return "is gone, how it ended was not seen";
  }
}

/** Words why a process is an orphan. */
export function describeSilence({ owner, silentMs }: Orphaned): string {
  const seconds = Math.round(silentMs / 1000);
  return `its owner ${owner} was not heard of for ${seconds} s`;
}

/** Says in one line what has become of a process. */
export function describeResult(
  { id, orphaned }: Pick<ProcessRecord, "id" | "orphaned">,
  result: ProcessResult,
  exit: Exit,
  reason: string,
): string {
  const end = describeExit(exit) + (reason === "" ? "" : `: ${reason}`);
  switch (result) {
    case "start-failed":
      return `process ${id} failed to start: it ${end}`;
    case "oom-killed":
      return `process ${id} was killed as it had used up its memory: it ${end}`;
    case "stopped":
    case "lease-expired":
      return `process ${id} was stopped` +
        (orphaned ? `, as ${describeSilence(orphaned)}` : "") +
        (exit.kind === "unknown" ? "" : `: it ${end}`);
    default:
      return `process ${id} ${end}`;
  }
}
