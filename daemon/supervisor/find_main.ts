import type { Clock } from "../../shared/clock.ts";
import { AppError } from "../../shared/errors.ts";
import type { Identity } from "../lifecycle/record.ts";
import type { Launcher, ProcessFacts } from "../ports.ts";

/** Time between two looks at a pid file, ms. */
const INTERVAL_MS = 30;

/** Which process a pid file has to name. */
export interface MainRequest {
  readonly pidFile: string;
  /** Base name of its executable; "" = any. */
  readonly processName: string;
  /** Whose process it has to be; null = anybody's. */
  readonly findUid: () => Promise<number | null>;
  /** The start command: the main process cannot be older. */
  readonly command: Identity;
  /** Wall clock, ms. The file is read once even if this is past. */
  readonly deadlineMs: number;
  /** Whether anybody still wants to know. */
  readonly isCurrent: () => boolean;
}

/** The main process and the session it is in, or why there is none. */
export type MainAnswer =
  | {
    readonly isFound: true;
    readonly main: Identity;
    readonly session: Identity;
  }
  | { readonly isFound: false; readonly message: string };

/** Waits until a pid file names the process that a start command started. */
export async function findMain(
  launcher: Pick<Launcher, "readPidFile" | "probe">,
  clock: Clock,
  request: MainRequest,
): Promise<MainAnswer> {
  // From here on a wall clock that is set neither hurries nor delays it.
  const endMs = clock.monotonicMs() + request.deadlineMs - clock.nowMs();
  while (true) {
    const answer = await findMainOnce(launcher, request);
    if (answer?.isFound) return answer;
    const isOver = clock.monotonicMs() >= endMs;
    // What could not be looked up is no answer: it is asked again.
    if (answer !== null && (isOver || !request.isCurrent())) return answer;
    await clock.sleep(INTERVAL_MS);
  }
}

async function findMainOnce(
  launcher: Pick<Launcher, "readPidFile" | "probe">,
  request: MainRequest,
): Promise<MainAnswer | null> {
  try {
    const uid = await request.findUid();
    const facts = await launcher.readPidFile(request.pidFile, uid);
    const message = facts === null
      ? `the process that ${request.pidFile} names is not alive`
      : refuseMain(facts, request);
    if (facts === null || message !== null) {
      return { isFound: false, message: message ?? "" };
    }
    return await findSession(launcher, facts, request);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error.code === "INVALID_ARGUMENT"
      ? { isFound: false, message: error.message }
      : null;
  }
}

/** A pid file is not believed: it may be stale, or lie. */
function refuseMain(
  { identity, executable }: ProcessFacts,
  { processName, command, pidFile }: MainRequest,
): string | null {
  const named = `${pidFile} names pid ${identity.pid}`;
  if (processName !== "" && executable !== processName) {
    return `${named}, which runs "${executable}" and not "${processName}"`;
  }
  if (identity.bootId !== command.bootId) {
    return `${named}, but the host was restarted since the start command`;
  }
  if (identity.startTicks < command.startTicks) {
    return `${named}, which is older than the start command`;
  }
  return null;
}

/** All of its session will be stopped: it must not be somebody else's. */
async function findSession(
  launcher: Pick<Launcher, "probe">,
  { identity: main, session }: ProcessFacts,
  { command, pidFile }: MainRequest,
): Promise<MainAnswer> {
  if (session === main.pid) return { isFound: true, main, session: main };
  if (session === command.pid) {
    return { isFound: true, main, session: command };
  }
  const { alive } = await launcher.probe([session]);
  const leader = alive.get(session)?.identity;
  if (
    session <= 1 || (leader && leader.startTicks < command.startTicks)
  ) {
    return {
      isFound: false,
      message: `${pidFile} names pid ${main.pid}, which belongs to ` +
        `session ${session} that is older than the start command`,
    };
  }
  // The leader of a daemon's session has usually ended: its start is unknown,
  // but no other process can get that number while the session has members.
  return { isFound: true, main, session: leader ?? { ...main, pid: session } };
}
