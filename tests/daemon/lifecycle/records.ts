import type { ProcessInfo } from "../../../shared/manager_api/types.ts";
import type { Effect, ProcessEvent } from "../../../daemon/lifecycle/events.ts";
import type {
  Exit,
  Identity,
  Phase,
  ProcessRecord,
  Rung,
  Tracked,
} from "../../../daemon/lifecycle/record.ts";
import type { Decision } from "../../../daemon/lifecycle/decision.ts";
import { transition } from "../../../daemon/lifecycle/transition.ts";

/** A process of the boot that all of these tests are in. */
export function identity(pid: number): Identity {
  return { bootId: "boot", pid, startTicks: pid * 100 };
}

/** Who is who in these tests. */
export const COMMAND = identity(10);
export const LAUNCHER = identity(11);
export const MAIN = identity(20);
export const HELPER = identity(30);
/** Leaders of all sessions in these tests. */
export const EVERYBODY = [COMMAND, MAIN, HELPER];

/** A command that was started, alone. */
export const LAUNCHED: Tracked = {
  command: COMMAND,
  launcher: LAUNCHER,
  commandEnded: false,
  main: null,
  sessions: [COMMAND],
};
/** The same as a simple process: it is its own main process. */
export const SIMPLE: Tracked = { ...LAUNCHED, main: COMMAND };
/** A forking start command that has ended and left a daemon behind. */
export const FORKED: Tracked = {
  ...LAUNCHED,
  commandEnded: true,
  main: MAIN,
  sessions: [COMMAND, MAIN],
};

/** A definition with the zero values that a client may leave out. */
export function info(part: Partial<ProcessInfo> = {}): ProcessInfo {
  return {
    Id: "p",
    WorkDir: "/work",
    ProcessName: "",
    Uris: null,
    PidFile: "",
    StartCmd: "/bin/server",
    StartGracePeriod: 0,
    StopCmd: "",
    StopTimeout: 0,
    KillCmd: "",
    Resource: null,
    Envs: null,
    Argv: null,
    User: "",
    ExecutorId: "",
    StatusInfo: null,
    ExecutorHeartBeatTime: 0,
    ...part,
  };
}

/** A stored process. */
export function record(
  phase: Phase,
  infoPart: Partial<ProcessInfo> = {},
  part: Partial<ProcessRecord> = {},
): ProcessRecord {
  return {
    number: 1,
    id: "p",
    generation: 1,
    info: info(infoPart),
    phase,
    result: "none",
    exit: null,
    pid: 0,
    message: "",
    registeredMs: 0,
    startedMs: 0,
    finishedMs: null,
    ...part,
  };
}

/** A phase of the stop ladder: force begins at 10 s. */
export function stopping(
  rung: Rung,
  tracked: Tracked | null,
  part: Partial<Extract<Phase, { state: "stopping" }>> = {},
): Phase {
  return {
    state: "stopping",
    asked: "stop",
    rung,
    tracked,
    deadlineMs: 10_000,
    forceMs: 10_000,
    isHelperRunning: false,
    left: [],
    ...part,
  };
}

/** An end that the launcher recorded. */
export function ended(
  exit: Exit,
  part: Partial<Extract<ProcessEvent, { type: "ended" }>> = {},
): ProcessEvent {
  return {
    type: "ended",
    exit,
    isSessionEmpty: true,
    reason: "",
    nowMs: 5_000,
    ...part,
  };
}

export function exited(code: number): Exit {
  return { kind: "exited", code };
}

export function signalled(signal: number): Exit {
  return { kind: "signalled", signal };
}

/** One event of each type, as it comes when all goes well. */
export const EVENTS: Readonly<Record<ProcessEvent["type"], ProcessEvent>> = {
  prepared: { type: "prepared", nowMs: 5_000 },
  launched: { type: "launched", tracked: LAUNCHED },
  executed: { type: "executed", nowMs: 5_000 },
  refused: { type: "refused", message: "no", nowMs: 5_000 },
  ended: ended(exited(0)),
  mainFound: { type: "mainFound", main: MAIN, session: MAIN },
  mainMissing: { type: "mainMissing", message: "nobody", nowMs: 5_000 },
  mainGone: { type: "mainGone", nowMs: 5_000 },
  deadline: { type: "deadline", nowMs: 5_000 },
  stopRequested: { type: "stopRequested", timeoutMs: 8_000, nowMs: 5_000 },
  claimed: { type: "claimed", nowMs: 5_000 },
  helperStarted: { type: "helperStarted", session: HELPER },
  helperEnded: {
    type: "helperEnded",
    which: "stop",
    succeeded: true,
    nowMs: 5_000,
  },
  swept: { type: "swept", sessions: EVERYBODY, left: [], nowMs: 5_000 },
  restartRequested: {
    type: "restartRequested",
    timeoutMs: 8_000,
    nowMs: 5_000,
  },
  leaseEnded: {
    type: "leaseEnded",
    owner: "run-1",
    silentMs: 600_000,
    nowMs: 5_000,
  },
  ownerChanged: { type: "ownerChanged", owner: "run-2" },
  restartEnded: {
    type: "restartEnded",
    failure: null,
    isMainAlive: true,
    nowMs: 5_000,
  },
  checkPassed: { type: "checkPassed" },
  checkFailed: { type: "checkFailed", message: "not well", nowMs: 5_000 },
  reloaded: { type: "reloaded" },
  unlimited: { type: "unlimited", reason: "no controllers" },
  limitsChanged: { type: "limitsChanged", limits: { Mem: 64 } },
  fileCreated: { type: "fileCreated", path: "/srv/a", owner: "game" },
  packagePlaced: {
    type: "packagePlaced",
    outputDir: "/srv/p",
    tree: null,
    sha256: "ab",
    bytes: 1,
    verifiedBy: "sha256",
  },
  sessionKilled: { type: "sessionKilled", session: HELPER },
};

/** Says in one line where a decision leads and what it asks for. */
export function describe(
  before: ProcessRecord,
  decision: Decision | null,
): string {
  if (decision === null) return "ignored";
  const { phase } = decision.record;
  const effects = decision.effects.map(describeEffect);
  if (decision.record === before && effects.length === 0) return "unchanged";
  const step = phase.state === "starting"
    ? ` ${phase.step}` +
      (phase.step === "backoff" ? ` @${phase.deadlineMs}` : "")
    : phase.state === "stopping"
    ? ` ${phase.rung} @${phase.deadlineMs}`
    : "";
  return [`${phase.state}${step}`, ...effects].join(", ");
}

function describeEffect(effect: Effect): string {
  switch (effect.type) {
    case "prepare":
    case "launch":
    case "endRestart":
    case "check":
      return effect.type;
    case "runRestart":
      return `runRestart @${effect.askedMs}`;
    case "killSession":
      return `killSession ${effect.session.pid}`;
    case "findMain":
      return `findMain @${effect.deadlineMs}`;
    case "removeGroup":
      return `removeGroup ${effect.generation}`;
    case "watchMain":
      return `watchMain ${effect.main.pid}`;
    case "signal":
      return `signal ${effect.target.pid}`;
    case "runHelper":
      return `runHelper ${effect.which}`;
    case "sweep":
      return `sweep ${effect.signal} ` +
        effect.sessions.map(({ pid }) => pid).join("+") +
        (effect.afterMs > 0 ? ` after ${effect.afterMs}` : "");
  }
}

/** Lets events happen one after the other, and says what each led to. */
export class Story {
  readonly lines: string[] = [];

  constructor(public record: ProcessRecord) {}

  /** The next event. */
  on(event: ProcessEvent): this {
    const decision = transition(this.record, event);
    this.lines.push(
      `${event.type}: ${describe(this.record, decision)}`,
    );
    if (decision !== null) this.record = decision.record;
    return this;
  }
}
