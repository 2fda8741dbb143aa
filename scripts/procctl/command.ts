import type { Clock } from "../../shared/clock.ts";
import type { ManagerClient } from "../../shared/manager_api/client.ts";
import type { Terminal } from "./terminal.ts";

/** What a command may use. */
export interface CommandPorts {
  readonly manager: Omit<ManagerClient, "close" | "heartbeat" | "writeFile">;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** Reads a file, or stdin for `-`. */
  readonly readText: (path: string) => Promise<string>;
}

/** A flag of a command. */
export interface Flag {
  /** Its name without --. */
  readonly name: string;
  /** Its letter. */
  readonly letter?: string;
  /** What its value is called; absent = it has none. */
  readonly value?: string;
  readonly help: string;
}

/** The words and flags of one call. */
export interface Words {
  readonly words: readonly string[];
  /** Whether a flag without a value is given. */
  readonly has: (flag: string) => boolean;
  /** The value of a flag, the last one given. */
  readonly get: (flag: string) => string | undefined;
  /** All values of a flag. */
  readonly all: (flag: string) => readonly string[];
}

/** One command of procctl. */
export interface Command {
  /** Its words after the name, as help shows them. */
  readonly usage: string;
  readonly summary: string;
  /** What else there is to know. */
  readonly details?: string;
  readonly flags?: readonly Flag[];
  /** Number of words it takes, at least and at most. */
  readonly words: readonly [min: number, max: number];
  /** Resolves with the exit code, if it is not 0. */
  readonly run: (
    call: Words,
    ports: CommandPorts,
  ) => Promise<number | void>;
}

/** A command line that cannot be understood. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Reads a number of a flag.
 *
 * @throws {UsageError}
 */
export function readNumber(
  name: string,
  text: string,
  pattern = /^\d{1,9}$/,
): number {
  if (pattern.test(text)) return Number(text);
  throw new UsageError(`${name} must be a number: it is "${text}"`);
}
