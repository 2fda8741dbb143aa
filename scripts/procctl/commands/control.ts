import type { ManagerClient } from "../../../shared/manager_api/client.ts";
import type { Limits } from "../../../shared/manager_api/types.ts";
import { AppError } from "../../../shared/errors.ts";
import {
  type Command,
  type CommandPorts,
  readNumber,
  UsageError,
} from "../command.ts";
import { formatError } from "../format.ts";

const TIME = {
  name: "time",
  letter: "t",
  value: "SECONDS",
  help: "from asking to killing it; default: as it is defined",
} as const;

/** Stops. */
export const stop: Command = {
  usage: "ID...",
  summary: "stop processes and wait until nothing of them is left",
  flags: [TIME],
  words: [1, Infinity],
  run: ({ words, get }, ports) => {
    const seconds = readNumber("--time", get("time") ?? "0");
    return forEach(words, ports, (id, { stop }) => stop(id, seconds));
  },
};

/** Restarts. */
export const restart: Command = {
  usage: "ID...",
  summary: "restart processes, or start them again, and wait until they run",
  flags: [TIME],
  words: [1, Infinity],
  run: ({ words, get }, ports) => {
    const seconds = readNumber("--time", get("time") ?? "0");
    return forEach(words, ports, (id, { restart }) => restart(id, seconds));
  },
};

/** Reloads. */
export const reload: Command = {
  usage: "ID...",
  summary: "have processes read their configuration again",
  words: [1, Infinity],
  run: ({ words }, ports) =>
    forEach(words, ports, (id, { reload }) => reload(id)),
};

/** Signals. */
export const signal: Command = {
  usage: "ID SIGNAL",
  summary: "send a signal, such as HUP or 10, to a main process",
  words: [2, 2],
  run: ({ words: [id = "", name = ""] }, ports) =>
    forEach([id], ports, (id, { signal }) => signal(id, name)),
};

/** Forgets. */
export const rm: Command = {
  usage: "ID...",
  summary: "forget stopped processes, their logs and files too",
  flags: [
    { name: "force", letter: "f", help: "stop those that run first" },
    TIME,
  ],
  words: [1, Infinity],
  run: ({ words, has, get }, ports) => {
    const seconds = readNumber("--time", get("time") ?? "0");
    return forEach(words, ports, async (id, manager) => {
      // The daemon takes a delete of what it does not know for done.
      await manager.status(id);
      if (has("force")) await manager.stop(id, seconds);
      await manager.delete(id);
    });
  },
};

const AMOUNT = /^(-1|\d{1,9}(\.\d{1,3})?)$/;

/** Limits. */
export const limits: Command = {
  usage: "ID",
  summary: "change what a process may use, at once and for later starts",
  details: "-1 is no limit.",
  flags: [
    { name: "cpus", value: "N", help: "cpu time, 0.5 = half of one cpu" },
    { name: "mem", value: "MIB", help: "memory" },
    { name: "pids", value: "N", help: "processes and threads" },
  ],
  words: [1, 1],
  run: ({ words, get }, ports) => {
    const read = (flag: string, key: keyof Limits): Limits => {
      const text = get(flag);
      return text === undefined
        ? {}
        : { [key]: readNumber(`--${flag}`, text, AMOUNT) };
    };
    const limits = {
      ...read("cpus", "Cpus"),
      ...read("mem", "Mem"),
      ...read("pids", "Pids"),
    };
    if (Object.keys(limits).length === 0) {
      throw new UsageError("give --cpus, --mem or --pids");
    }
    return forEach(words, ports, (id, { setLimits }) => setLimits(id, limits));
  },
};

type Act = (
  id: string,
  manager: Pick<
    ManagerClient,
    | "status"
    | "stop"
    | "restart"
    | "reload"
    | "signal"
    | "delete"
    | "setLimits"
  >,
) => Promise<void>;

/** All are tried, side by side; each says how it went. */
async function forEach(
  ids: readonly string[],
  { manager, terminal }: CommandPorts,
  act: Act,
): Promise<number> {
  // Its methods are taken out of it by their callers.
  const bound = {
    status: manager.status.bind(manager),
    stop: manager.stop.bind(manager),
    restart: manager.restart.bind(manager),
    reload: manager.reload.bind(manager),
    signal: manager.signal.bind(manager),
    delete: manager.delete.bind(manager),
    setLimits: manager.setLimits.bind(manager),
  };
  const outcomes = await Promise.allSettled(
    ids.map(async (id) => {
      await act(id, bound);
      terminal.print(id);
    }),
  );
  const errors = outcomes.flatMap((outcome) =>
    outcome.status === "rejected" ? [outcome.reason as unknown] : []
  );
  for (const error of errors) {
    if (!(error instanceof AppError) || error.code === "UNAVAILABLE") {
      throw error;
    }
    terminal.warn(formatError(error));
  }
  return errors.length > 0 ? 1 : 0;
}
