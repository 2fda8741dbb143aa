import { AppError, messageOf } from "../../shared/errors.ts";
import type { Exit, Identity } from "../lifecycle/record.ts";

/** Version of the files that the launcher writes. */
const VERSION = "1";

/** What the launcher recorded of an end. */
export interface EndRecord {
  readonly exit: Exit;
  /** Whether nobody of its session was left; null = nobody looked. */
  readonly isSessionEmpty: boolean | null;
  /** Whether the kernel killed in its group as memory was used up. */
  readonly isOomKilled: boolean;
  /** When it was recorded; wall clock, ms. */
  readonly endedMs: number;
}

/** A started command and the launcher that waits for it. */
export interface Launched {
  readonly command: Identity;
  readonly launcher: Identity;
}

/**
 * Reads who was started in a run folder.
 *
 * @returns null if nobody was, yet; `claimed` if nobody ever can be.
 */
export async function readIdentity(
  folder: string,
): Promise<Launched | "claimed" | null> {
  const text = await readIfThere(`${folder}/identity`);
  if (text === null) return null;
  const [version, ...fields] = text.trim().split(" ");
  // A launcher's is never empty: it was complete before it had this name.
  if (version === CLAIM || version === "") return "claimed";
  if (version !== VERSION) {
    throw new AppError(
      "INTERNAL",
      `Cannot read the identity in ${folder} as it must have version ` +
        `${VERSION}: current value is ${version}`,
    );
  }
  return parseLaunched(fields);
}

/**
 * Reads an identity as the launcher writes and says it.
 *
 * @param fields Boot id, pid, start time, and the launcher's pid and start.
 */
export function parseLaunched(fields: readonly string[]): Launched {
  const [bootId = "", pid, startTicks, launcherPid, launcherStart] = fields;
  const identity = (pid?: string, start?: string): Identity => {
    const found = { bootId, pid: Number(pid), startTicks: Number(start) };
    if (!(found.pid > 1) || !(found.startTicks >= 0)) {
      throw new AppError(
        "INTERNAL",
        `Cannot read an identity out of "${fields.join(" ")}"`,
      );
    }
    return found;
  };
  return {
    command: identity(pid, startTicks),
    launcher: identity(launcherPid, launcherStart),
  };
}

/**
 * Reads how the command of a run folder ended; null if it has not yet. A
 * record that cannot be read says that it has ended, and no more.
 */
export async function readEnd(folder: string): Promise<EndRecord | null> {
  const path = `${folder}/exit`;
  const text = await readIfThere(path);
  // With its process deleted in between, nobody asks any more.
  const file = await ifThere(path, Deno.stat);
  if (text === null || file === null) return null;
  const endedMs = file.mtime?.getTime() ?? 0;
  const match = /^1 (exited|signalled) (\d{1,3}) (yes|no|unknown)( oom)?\n$/
    .exec(text);
  if (match === null) {
    return {
      exit: { kind: "unknown" },
      isSessionEmpty: false,
      isOomKilled: false,
      endedMs,
    };
  }
  const number = Number(match[2]);
  return {
    exit: match[1] === "exited"
      ? { kind: "exited", code: number }
      : { kind: "signalled", signal: number },
    isSessionEmpty: match[3] === "unknown" ? null : match[3] === "no",
    isOomKilled: match[4] !== undefined,
    endedMs,
  };
}

/** Stands in an identity file instead of a version. */
const CLAIM = "claimed";

/**
 * Makes sure that nothing can be started in a run folder any more: the
 * launcher starts only what it could publish under this very name.
 *
 * @returns false if something was started before.
 */
export async function claim(folder: string): Promise<boolean> {
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(`${folder}/identity`, `${CLAIM}\n`, {
      createNew: true,
    });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}

/** What went wrong in the launcher itself, in its own words; may be "". */
export async function readErrors(folder: string): Promise<string> {
  return (await readIfThere(`${folder}/errors`))?.trim() ?? "";
}

async function readIfThere(path: string): Promise<string | null> {
  return await ifThere(path, Deno.readTextFile);
}

async function ifThere<T>(
  path: string,
  read: (path: string) => Promise<T>,
): Promise<T | null> {
  try {
    return await read(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw new AppError(
      "INTERNAL",
      `Cannot read ${path}: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
