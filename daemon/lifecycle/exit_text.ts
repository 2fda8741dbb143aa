import type { Exit } from "./record.ts";

/** Names of the signals that end processes in practice (signal(7), x86). */
const SIGNAL_NAMES: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  10: "SIGUSR1",
  11: "SIGSEGV",
  12: "SIGUSR2",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
  24: "SIGXCPU",
  25: "SIGXFSZ",
  31: "SIGSYS",
};

/** Words how a process ended, to follow its name. */
export function describeExit(exit: Exit): string {
  switch (exit.kind) {
    case "exited":
      return `exited with code ${exit.code}`;
    case "signalled": {
      const name = SIGNAL_NAMES[exit.signal];
      return `was ended by signal ${exit.signal}${name ? ` (${name})` : ""}`;
    }
    case "unknown":
      return "is gone, how it ended was not seen";
  }
}
