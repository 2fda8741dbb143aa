/** Numbers of the signals that have a name (signal(7), x86 and arm). */
export const SIGNALS: ReadonlyMap<string, number> = new Map([
  ["HUP", 1],
  ["INT", 2],
  ["QUIT", 3],
  ["ILL", 4],
  ["TRAP", 5],
  ["ABRT", 6],
  ["BUS", 7],
  ["FPE", 8],
  ["KILL", 9],
  ["USR1", 10],
  ["SEGV", 11],
  ["USR2", 12],
  ["PIPE", 13],
  ["ALRM", 14],
  ["TERM", 15],
  ["STKFLT", 16],
  ["CHLD", 17],
  ["CONT", 18],
  ["STOP", 19],
  ["TSTP", 20],
  ["TTIN", 21],
  ["TTOU", 22],
  ["URG", 23],
  ["XCPU", 24],
  ["XFSZ", 25],
  ["VTALRM", 26],
  ["PROF", 27],
  ["WINCH", 28],
  ["IO", 29],
  ["PWR", 30],
  ["SYS", 31],
]);

/** The greatest number: those above the named ones are real-time signals. */
export const SIGNAL_MAX = 64;

const NAMES = new Map([...SIGNALS].map(([name, number]) => [number, name]));

/** Name of a signal, such as `SIGTERM`; undefined for a real-time one. */
export function signalNameOf(number: number): string | undefined {
  const name = NAMES.get(number);
  return name && `SIG${name}`;
}
