import type { Clock } from "../../shared/clock.ts";
import type { Operation } from "../../shared/manager_api/routes.ts";
import type {
  HealthInfo,
  VersionInfo,
} from "../../shared/manager_api/types.ts";
import { VERSION } from "../../shared/version.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import type { Handler } from "./handlers.ts";

/** What the daemon says of itself. */
export interface SystemPorts {
  readonly supervisor: Pick<Supervisor, "size">;
  readonly clock: Clock;
  /** Whether every process of an earlier daemon was taken up. */
  readonly isRecovered: () => boolean;
}

/** The operations about the daemon itself. */
export function createSystemHandlers(
  { supervisor, clock, isRecovered }: SystemPorts,
): Pick<Record<Operation, Handler>, "health" | "version"> {
  const startedMs = clock.monotonicMs();
  return {
    // That there is an answer says that it works: a daemon that cannot, ends.
    health: (): HealthInfo => ({
      Status: "ok",
      Processes: supervisor.size,
      Recovered: isRecovered(),
      UptimeSeconds: Math.floor((clock.monotonicMs() - startedMs) / 1000),
    }),
    version: (): VersionInfo => ({
      Version: VERSION,
      Deno: Deno.version.deno,
    }),
  };
}
