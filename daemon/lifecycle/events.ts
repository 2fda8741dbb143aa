import type { Limits } from "../../shared/manager_api/types.ts";
import type {
  CreatedFile,
  Exit,
  Identity,
  PlacedPackage,
  Tracked,
} from "./record.ts";

/** What can happen to a process. Times are wall clock, ms. */
export type ProcessEvent =
  /** All that the start needs is in place. */
  | { readonly type: "prepared"; readonly nowMs: number }
  /** The command's process exists and its identity is on disk. */
  | { readonly type: "launched"; readonly tracked: Tracked }
  /** The command's own program has replaced the launcher's last stage. */
  | { readonly type: "executed"; readonly nowMs: number }
  /** The launcher did not start anything, and will not. */
  | {
    readonly type: "refused";
    readonly message: string;
    /** Why it never ran. @default {"start-failed"} */
    readonly result?: "package-failed";
    readonly nowMs: number;
  }
  /** The launcher recorded the end of the command. */
  | {
    readonly type: "ended";
    readonly exit: Exit;
    /** Whether nobody of its session is left. */
    readonly isSessionEmpty: boolean;
    /** Whether the kernel killed in it for its memory. @default {false} */
    readonly isOomKilled?: boolean;
    /** Last lines of stderr, or why it was never executed; may be "". */
    readonly reason: string;
    readonly nowMs: number;
  }
  /** The pid file names a live process that fits. */
  | {
    readonly type: "mainFound";
    readonly main: Identity;
    readonly session: Identity;
  }
  /** It does not, and the time for it is over (or a stop was asked for). */
  | {
    readonly type: "mainMissing";
    readonly message: string;
    readonly nowMs: number;
  }
  /** The main process is gone and nobody saw how it ended. */
  | {
    readonly type: "mainGone";
    /** As of `ended`. @default {false} */
    readonly isOomKilled?: boolean;
    readonly nowMs: number;
  }
  /** A file that was not there is about to be written for it. */
  | ({ readonly type: "fileCreated" } & CreatedFile)
  /** A package is about to be put in place. */
  | ({ readonly type: "packagePlaced" } & PlacedPackage)
  /** Its start goes on, but its limits do not hold. */
  | { readonly type: "unlimited"; readonly reason: string }
  /** It has other limits, or will have at its next start. */
  | { readonly type: "limitsChanged"; readonly limits: Limits }
  /** The deadline of the current phase has come. */
  | { readonly type: "deadline"; readonly nowMs: number }
  | {
    readonly type: "stopRequested";
    /** Time until force, ms. */
    readonly timeoutMs: number;
    readonly nowMs: number;
  }
  | {
    readonly type: "restartRequested";
    /** Time until force, or for the restart command, ms. */
    readonly timeoutMs: number;
    readonly nowMs: number;
  }
  /** Its owner was not heard of for too long. */
  | {
    readonly type: "leaseEnded";
    readonly owner: string;
    /** For how long, ms. */
    readonly silentMs: number;
    readonly nowMs: number;
  }
  /** It was handed over; "" = to nobody. */
  | { readonly type: "ownerChanged"; readonly owner: string }
  /** The restart command has ended. */
  | {
    readonly type: "restartEnded";
    /** Why it failed, in one line; null = it did not. */
    readonly failure: string | null;
    /** Whether the main process that was known before lives on. */
    readonly isMainAlive: boolean;
    readonly nowMs: number;
  }
  /** Its check command has succeeded. */
  | { readonly type: "checkPassed" }
  /** It fails, and the time of a start is over, or it has failed for long. */
  | {
    readonly type: "checkFailed";
    /** How, in one line. */
    readonly message: string;
    readonly nowMs: number;
  }
  /** It was told to read its configuration again. */
  | { readonly type: "reloaded" }
  /** The launcher never got to start it, and now cannot any more. */
  | { readonly type: "claimed"; readonly nowMs: number }
  /** The stop, kill or restart command runs. */
  | { readonly type: "helperStarted"; readonly session: Identity }
  /** The stop or kill command of the current rung has ended. */
  | {
    readonly type: "helperEnded";
    readonly which: "stop" | "kill";
    readonly succeeded: boolean;
    readonly nowMs: number;
  }
  /** The sessions were looked through or signalled. */
  | {
    readonly type: "swept";
    /** What was looked through. */
    readonly sessions: readonly Identity[];
    /** Live pids that are left in them. */
    readonly left: readonly number[];
    readonly nowMs: number;
  }
  /** Nobody of one of its sessions is left: it was killed for itself. */
  | { readonly type: "sessionKilled"; readonly session: Identity };

/** What the decision asks the outside to do, after it was stored. */
export type Effect =
  | { readonly type: "prepare" }
  | { readonly type: "launch" }
  /** Nobody is left in the control group of a start. */
  | { readonly type: "removeGroup"; readonly generation: number }
  /** Reads the pid file until it fits or `deadlineMs` (wall clock) is past. */
  | { readonly type: "findMain"; readonly deadlineMs: number }
  /** Reports `mainGone`: for a process that no launcher waits for. */
  | { readonly type: "watchMain"; readonly main: Identity }
  /** Runs the check command again and again, for as long as it is up. */
  | { readonly type: "check" }
  | { readonly type: "signal"; readonly target: Identity }
  | { readonly type: "runHelper"; readonly which: "stop" | "kill" }
  /** Runs the restart command; one that was begun already is waited for. */
  | { readonly type: "runRestart"; readonly askedMs: number }
  /** Ends every restart command that an earlier daemon may have begun. */
  | { readonly type: "endRestart" }
  /** Kills one session, whatever else is swept; reports `sessionKilled`. */
  | { readonly type: "killSession"; readonly session: Identity }
  | {
    readonly type: "sweep";
    readonly signal: "TERM" | "KILL" | "0";
    readonly sessions: readonly Identity[];
    readonly afterMs: number;
  };
