import { AppError } from "../../shared/errors.ts";
import type { ManagerClient } from "../../shared/manager_api/client.ts";
import type {
  ProcessInfo,
  ProcessStatusInfo,
} from "../../shared/manager_api/types.ts";

/** What a command may use. */
export interface CommandPorts {
  readonly manager: Pick<
    ManagerClient,
    | "list"
    | "inspect"
    | "create"
    | "stop"
    | "delete"
    | "restart"
    | "reload"
    | "signal"
    | "exec"
    | "events"
    | "follow"
  >;
  readonly readFile: (path: string) => Promise<string>;
  /** Prints one line. */
  readonly print: (line: string) => void;
  /** Passes on what a command wrote. */
  readonly write: (to: "stdout" | "stderr", text: string) => void;
}

/** Time that a command of an operator may take, seconds. */
const EXEC_S_MAX = 3_600;
/** Exit code of a command whose time was over, as of timeout(1). */
const EXIT_TIMED_OUT = 124;
/** What a shell adds to the number of a signal. */
const EXIT_SIGNALLED = 128;

/** One command of procctl. */
export interface Command {
  /** Its words after the name, as help shows them. */
  readonly usage: string;
  readonly summary: string;
  /** Number of words it takes, at least and at most. */
  readonly words: readonly [min: number, max: number];
  /** Resolves with the exit code, if it is not 0. */
  readonly run: (
    words: readonly string[],
    ports: CommandPorts,
  ) => Promise<number | void>;
}

/** Every command, by name. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  ps: {
    usage: "",
    summary: "list the processes of this host",
    words: [0, 0],
    async run(_words, { manager, print }) {
      formatTable(await manager.list()).forEach(print);
    },
  },
  inspect: {
    usage: "ID",
    summary: "print all that is known of a process, as JSON",
    words: [1, 1],
    async run([id = ""], { manager, print }) {
      print(JSON.stringify(await manager.inspect(id), null, 2));
    },
  },
  create: {
    usage: "FILE",
    summary: "start the process that a ProcessInfo file (JSON) defines",
    words: [1, 1],
    async run([path = ""], { manager, readFile, print }) {
      const info = JSON.parse(await readFile(path)) as ProcessInfo;
      await manager.create(info);
      print(info.Id);
    },
  },
  stop: {
    usage: "ID [SECONDS]",
    summary: "stop a process and wait until nothing of it is left",
    words: [1, 2],
    async run([id = "", seconds = "0"], { manager, print }) {
      await manager.stop(id, readSeconds(seconds));
      print(id);
    },
  },
  restart: {
    usage: "ID [SECONDS]",
    summary: "restart a process, or start it again, and wait until it runs",
    words: [1, 2],
    async run([id = "", seconds = "0"], { manager, print }) {
      await manager.restart(id, readSeconds(seconds));
      print(id);
    },
  },
  reload: {
    usage: "ID",
    summary: "have a process read its configuration again",
    words: [1, 1],
    async run([id = ""], { manager, print }) {
      await manager.reload(id);
      print(id);
    },
  },
  signal: {
    usage: "ID SIGNAL",
    summary: "send a signal, such as HUP or 10, to a main process",
    words: [2, 2],
    async run([id = "", signal = ""], { manager, print }) {
      await manager.signal(id, signal);
      print(id);
    },
  },
  exec: {
    usage: "ID -- CMD [ARG]...",
    summary: "run a command beside a process, and end with its exit code",
    words: [2, Infinity],
    async run([id = "", ...Cmd], { manager, write }) {
      const result = await manager.exec(id, {
        Cmd,
        Envs: [],
        User: "",
        WorkDir: "",
        Timeout: EXEC_S_MAX,
      });
      write("stdout", result.Stdout);
      write("stderr", result.Stderr);
      if (result.TimedOut) return EXIT_TIMED_OUT;
      if (result.Signal > 0) return EXIT_SIGNALLED + result.Signal;
      return result.ExitKnown ? result.ExitCode : 1;
    },
  },
  rm: {
    usage: "ID",
    summary: "forget a stopped process, its logs too",
    words: [1, 1],
    async run([id = ""], { manager, print }) {
      await manager.delete(id);
      print(id);
    },
  },
  events: {
    usage: "",
    summary: "follow every change, one JSON line each, until interrupted",
    words: [0, 0],
    async run(_words, { manager, print }) {
      const { signal } = new AbortController();
      for await (const event of await manager.follow(undefined, signal)) {
        print(JSON.stringify(event));
      }
    },
  },
};

function readSeconds(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new AppError(
    "INVALID_ARGUMENT",
    `SECONDS: must be whole seconds: current value is "${text}"`,
  );
}

/** Lays processes out in columns. */
export function formatTable(processes: readonly ProcessStatusInfo[]): string[] {
  const rows = processes.map((process) => [
    process.Id,
    process.Status,
    process.Result,
    String(process.Pid || "-"),
    new Date(process.LastStartTime * 1000).toISOString(),
    process.Message,
  ]);
  const table = [
    ["ID", "STATE", "RESULT", "PID", "STARTED", "MESSAGE"],
    ...rows,
  ];
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0))
  );
  return table.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")
      .trimEnd()
  );
}
