import { signalNameOf } from "../../shared/signals.ts";
import type { Exit } from "./record.ts";

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
