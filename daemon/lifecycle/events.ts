import type { CreatedFile, Exit, Identity, Tracked } from "./record.ts";

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
    readonly nowMs: number;
  }
  /** The launcher recorded the end of the command. */
  | {
    readonly type: "ended";
    readonly exit: Exit;
    /** Whether nobody of its session is left. */
    readonly isSessionEmpty: boolean;
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
  | { readonly type: "mainGone"; readonly nowMs: number }
  /** A file that was not there is about to be written for it. */
  | ({ readonly type: "fileCreated" } & CreatedFile)
  /** The deadline of the current phase has come. */
  | { readonly type: "deadline"; readonly nowMs: number }
  | {
    readonly type: "stopRequested";
    /** Time until force, ms. */
    readonly timeoutMs: number;
    readonly nowMs: number;
  }
  /** The launcher never got to start it, and now cannot any more. */
  | { readonly type: "claimed"; readonly nowMs: number }
  /** The stop or kill command of the current rung runs. */
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
    /** Live pids that are left. */
    readonly left: readonly number[];
    readonly nowMs: number;
  };

/** What the decision asks the outside to do, after it was stored. */
export type Effect =
  | { readonly type: "prepare" }
  | { readonly type: "launch" }
  /** Reads the pid file until it fits or `deadlineMs` (wall clock) is past. */
  | { readonly type: "findMain"; readonly deadlineMs: number }
  /** Reports `mainGone`: for a process that no launcher waits for. */
  | { readonly type: "watchMain"; readonly main: Identity }
  | { readonly type: "signal"; readonly target: Identity }
  | { readonly type: "runHelper"; readonly which: "stop" | "kill" }
  | {
    readonly type: "sweep";
    readonly signal: "TERM" | "KILL" | "0";
    readonly sessions: readonly Identity[];
    readonly afterMs: number;
  };
