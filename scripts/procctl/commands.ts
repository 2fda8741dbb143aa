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
    "list" | "inspect" | "create" | "stop" | "delete" | "events" | "follow"
  >;
  readonly readFile: (path: string) => Promise<string>;
  /** Prints one line. */
  readonly print: (line: string) => void;
}

/** One command of procctl. */
export interface Command {
  /** Its words after the name, as help shows them. */
  readonly usage: string;
  readonly summary: string;
  /** Number of words it takes, at least and at most. */
  readonly words: readonly [min: number, max: number];
  readonly run: (
    words: readonly string[],
    ports: CommandPorts,
  ) => Promise<void>;
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
      if (!/^\d+$/.test(seconds)) {
        throw new AppError(
          "INVALID_ARGUMENT",
          `SECONDS: must be whole seconds: current value is "${seconds}"`,
        );
      }
      await manager.stop(id, Number(seconds));
      print(id);
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
