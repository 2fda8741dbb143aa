/** What a shell adds to the number of the signal that ended a program. */
const SIGNAL_BASE = 128;

/**
 * One number for how a program ended, as a shell and Docker have it.
 *
 * @param signal The signal that ended it; 0 = none.
 */
export function toShellExitCode(exitCode: number, signal: number): number {
  return signal === 0 ? exitCode : SIGNAL_BASE + signal;
}
