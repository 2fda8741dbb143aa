import { type Command, readNumber } from "../command.ts";

/** Time that a command of an operator may take, seconds. */
const EXEC_S = "3600";
/** Exit code of a command whose time was over, as of timeout(1). */
const EXIT_TIMED_OUT = 124;
/** What a shell adds to the number of a signal. */
const EXIT_SIGNALLED = 128;

/** Runs a command. */
export const exec: Command = {
  usage: "ID -- CMD [ARG]...",
  summary: "run a command beside a process, and end with its exit code",
  details: "Its output is shown when it has ended: the first 64 KiB of each\n" +
    "stream. 124 is a command whose time was over, 128 + N one that\n" +
    "signal N ended.",
  flags: [
    {
      name: "env",
      letter: "e",
      value: "NAME=VALUE",
      help: "beside the process's own variables; repeatable",
    },
    { name: "user", letter: "u", value: "USER", help: "default: its user" },
    { name: "workdir", letter: "w", value: "DIR", help: "default: its own" },
    {
      name: "time",
      letter: "t",
      value: "SECONDS",
      help: `until it is killed [${EXEC_S}]`,
    },
  ],
  words: [2, Infinity],
  async run({ words: [id = "", ...Cmd], get, all }, { manager, terminal }) {
    const result = await manager.exec(id, {
      Cmd,
      Envs: all("env"),
      User: get("user") ?? "",
      WorkDir: get("workdir") ?? "",
      Timeout: readNumber("--time", get("time") ?? EXEC_S),
    });
    terminal.write("stdout", result.Stdout);
    terminal.write("stderr", result.Stderr);
    if (result.TimedOut) return EXIT_TIMED_OUT;
    if (result.Signal > 0) return EXIT_SIGNALLED + result.Signal;
    return result.ExitKnown ? result.ExitCode : 1;
  },
};
