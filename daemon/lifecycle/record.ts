import type {
  PackageStatus,
  ProcessInfo,
  ProcessResult,
} from "../../shared/manager_api/types.ts";

/** A process of this host: a bare pid may be a stranger's tomorrow. */
export interface Identity {
  /** The kernel's random id of this boot. */
  readonly bootId: string;
  readonly pid: number;
  /** Start time in clock ticks since boot (field 22 of /proc/PID/stat). */
  readonly startTicks: number;
}

/** How a process ended; `unknown` when nobody was there to see it. */
export type Exit =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signalled"; readonly signal: number }
  | { readonly kind: "unknown" };

/** What of a started command is alive or may be. */
export interface Tracked {
  /** What StartCmd became; leads a session of its own. */
  readonly command: Identity;
  /** The launcher that waits for it. */
  readonly launcher: Identity;
  /** Whether the command is known to have ended. */
  readonly commandEnded: boolean;
  /** The process to watch and to signal; null until a pid file named it. */
  readonly main: Identity | null;
  /** Leaders of the sessions that belong to this process. */
  readonly sessions: readonly Identity[];
}

/** The steps of a stop, each with its own deadline, in order. */
export type Rung =
  | "launch"
  /** A restart command is at work: it is killed, then looked for what it did. */
  | "restart-command"
  | "stop-command"
  | "sigterm"
  | "kill-command"
  | "sigkill";

/** A restart command that has ended, while its outcome is looked for. */
export interface EndedRestart {
  readonly helper: Identity | null;
  /** Why it failed; null = it did not. */
  readonly failure: string | null;
  /** Wall clock, ms. */
  readonly endedMs: number;
}

/** Where a process is in its life, with what that state owns. */
export type Phase =
  | { readonly state: "staging" }
  | {
    readonly state: "starting";
    /** The launcher was asked and has not answered yet. */
    readonly step: "launch";
  }
  | {
    readonly state: "starting";
    /** The command runs: until its exec (simple) or its end (forking). */
    readonly step: "command";
    readonly tracked: Tracked;
  }
  | {
    readonly state: "starting";
    /** The start command succeeded, its pid file names nobody yet. */
    readonly step: "pid-file";
    /** Its main process is there after a restart command alone: the old one. */
    readonly tracked: Tracked;
    /** Wall clock, ms. */
    readonly deadlineMs: number;
    /** Absent unless it was a restart command. */
    readonly restart?: EndedRestart;
  }
  | {
    readonly state: "starting";
    /** The restart command is at work; main is null once the old one ended. */
    readonly step: "restart-command";
    readonly tracked: Tracked;
    /** When it was asked for, wall clock, ms: names its run folder. */
    readonly askedMs: number;
    /** When it is killed; wall clock, ms. */
    readonly deadlineMs: number;
    /** Leads the session of the command; null until it was begun. */
    readonly helper: Identity | null;
  }
  | {
    readonly state: "starting";
    /** Its main process is there, its check command has not succeeded yet. */
    readonly step: "check";
    readonly tracked: Tracked;
    /** When it has failed to start; wall clock, ms. */
    readonly deadlineMs: number;
  }
  | {
    readonly state: "starting";
    /** It has ended, nothing of it is left, and its policy starts it again. */
    readonly step: "backoff";
    /** When; wall clock, ms. */
    readonly deadlineMs: number;
    /** All of the wait, ms: the most that is left of it, whatever a clock says. */
    readonly waitMs: number;
  }
  | {
    readonly state: "running";
    readonly tracked: Tracked;
    /** Whether its check command fails. @default {false} */
    readonly isUnhealthy?: boolean;
    /** Why the last restart changed nothing; absent = it did, or none was. */
    readonly restartFailure?: string;
  }
  | {
    readonly state: "stopping";
    /** What is to come of it; null = nobody asked, it ended by itself. */
    readonly asked: "stop" | "restart" | null;
    readonly rung: Rung;
    /** Null while the launcher's answer is awaited. */
    readonly tracked: Tracked | null;
    /** When the ladder goes on to the next rung; wall clock, ms. */
    readonly deadlineMs: number;
    /** When force begins: the end of the time that was granted. */
    readonly forceMs: number;
    /** Whether a stop, kill or restart command is at work, or about to be. */
    readonly isHelperRunning: boolean;
    /**
     * A command that was asked for and not heard of yet, on whatever rung: it
     * may begin at any time, so nobody can be called gone. Absent = none.
     */
    readonly awaitedHelper?: "stop" | "kill";
    /** Live pids that the last look through its sessions found. */
    readonly left: readonly number[];
    /**
     * Until when its pid file is looked at, wall clock, ms: before that look
     * has ended nobody knows whether all are gone. null = it is not.
     * @default {null}
     */
    readonly seekUntilMs?: number | null;
  }
  | { readonly state: "stopped" };

/** Whether a start's limits hold. */
export type Limiting =
  /** The launcher was asked to, and has not said that it could not. */
  | {
    readonly kind: "asked";
    /** The start that the group is named by: a restart command keeps it. */
    readonly generation: number;
  }
  | { readonly kind: "failed"; readonly reason: string };

/** A file that was made for a process. */
export interface CreatedFile {
  /** Absolute. */
  readonly path: string;
  /** User name or uid; "" = the daemon's own. */
  readonly owner: string;
}

/** Whose lease ended, which is why a process was stopped. */
export interface Orphaned {
  readonly owner: string;
  /** For how long it was not heard of, ms. */
  readonly silentMs: number;
}

/** A package that was put in place for a process, or is just being put. */
export interface PlacedPackage {
  /** Absolute, without a slash at the end. */
  readonly outputDir: string;
  /** The shared tree that it is a link to; null = it is a copy. */
  readonly tree: string | null;
  readonly sha256: string;
  /** Packed. */
  readonly bytes: number;
  readonly verifiedBy: PackageStatus["VerifiedBy"];
}

/** All that is known of one process: what is stored, by one writer. */
export interface ProcessRecord {
  /** Never used again for another process; names the run folder. */
  readonly number: number;
  readonly id: string;
  /** Counts the starts under this id, from 1. */
  readonly generation: number;
  /** As it was asked for. */
  readonly info: ProcessInfo;
  /**
   * Starts again by its policy in a row, since somebody asked for a start or
   * it ran well.
   * @default {0}
   */
  readonly restarts?: number;
  /**
   * Files that were made for it, to be removed with it; not those that were
   * there before.
   * @default {[]}
   */
  readonly createdFiles?: readonly CreatedFile[];
  /**
   * Its packages, to be removed with it.
   * @default {[]}
   */
  readonly packages?: readonly PlacedPackage[];
  /**
   * What became of the limits of its latest start; null = it had none.
   * @default {null}
   */
  readonly limiting?: Limiting | null;
  /**
   * The executor that it belongs to, at first `info.ExecutorId`; "" = nobody.
   * Absent in records of daemons without leases, whose executors send no
   * heartbeats: their processes must not end for that.
   * @default {""}
   */
  readonly owner?: string;
  /** Set once it is being stopped as an orphan. @default {null} */
  readonly orphaned?: Orphaned | null;
  readonly phase: Phase;
  /** Why it is as it is; the first failure wins. */
  readonly result: ProcessResult;
  /** Null until the main process has ended. */
  readonly exit: Exit | null;
  /** Of the main process, also when it has ended; 0 = there was none yet. */
  readonly pid: number;
  /** For people: bounded, plain text. */
  readonly message: string;
  /** Wall clock, ms. */
  readonly registeredMs: number;
  /** Last time the launcher was asked to start it; wall clock, ms. */
  readonly startedMs: number;
  /** When the main process ended or was found gone; wall clock, ms. */
  readonly finishedMs: number | null;
}

/** The executor that a process belongs to; "" = nobody. */
export function ownerOf({ owner }: ProcessRecord): string {
  return owner ?? "";
}

/** The tracked processes of a phase, if it has any. */
export function trackedOf(phase: Phase): Tracked | null {
  return "tracked" in phase ? phase.tracked : null;
}

/** Whether nothing is alive or about to be, and none of its groups in use. */
export function isAtRest(phase: Phase): boolean {
  return phase.state === "stopped" ||
    (phase.state === "starting" && phase.step === "backoff");
}

/** Whether the main process is known and nobody wants its end. */
export function isUp(
  phase: Phase,
): phase is Extract<Phase, { state: "running" } | { step: "check" }> {
  return phase.state === "running" ||
    (phase.state === "starting" && phase.step === "check");
}

/** Whether two identities are the same process. */
export function isSameProcess(a: Identity, b: Identity): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks &&
    a.bootId === b.bootId;
}

/** Tracks the main process that a pid file named, and its session. */
export function addMain(
  tracked: Tracked,
  main: Identity,
  session: Identity,
): Tracked {
  return { ...addSession(tracked, session), main };
}

/** Tracks a session more; a number stands for the latest that had it. */
export function addSession(tracked: Tracked, session: Identity): Tracked {
  const { sessions } = tracked;
  if (sessions.some((known) => isSameProcess(known, session))) return tracked;
  const others = sessions.filter(({ pid }) => pid !== session.pid);
  return { ...tracked, sessions: [...others, session] };
}

/** The sessions that are not among others. */
export function withoutSessions(
  sessions: readonly Identity[],
  others: readonly Identity[],
): readonly Identity[] {
  return sessions.filter((session) =>
    !others.some((other) => isSameProcess(session, other))
  );
}
