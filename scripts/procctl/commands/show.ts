import { AppError } from "../../../shared/errors.ts";
import type { ProcessStatusInfo } from "../../../shared/manager_api/types.ts";
import type { Command, CommandPorts } from "../command.ts";
import { explain } from "../explain.ts";
import { formatTable } from "../format.ts";

/** Least time between two tables of `--watch`, ms. */
const REDRAW_MS_MIN = 1_000;
/** The most, though nothing happens: what they use changes, ms. */
const REDRAW_MS_MAX = 5_000;

/** Lists processes. */
export const ps: Command = {
  usage: "[ID]...",
  summary: "list processes",
  flags: [
    { name: "json", help: "as one JSON array, with all that is known" },
    { name: "quiet", letter: "q", help: "ids alone" },
    { name: "watch", letter: "w", help: "again whenever something changes" },
  ],
  words: [0, Infinity],
  async run({ words, has }, ports) {
    const show = async () => {
      const processes = await listed(words, ports);
      if (has("watch") && ports.terminal.isInteractive) ports.terminal.clear();
      const lines = has("json")
        ? [JSON.stringify(processes)]
        : has("quiet")
        ? processes.map(({ Id }) => Id)
        : formatTable(processes, ports.terminal, ports.clock.nowMs());
      lines.forEach((line) => ports.terminal.print(line));
    };
    await show();
    if (has("watch")) await watch(show, ports);
  },
};

/** Prints everything. */
export const inspect: Command = {
  usage: "ID...",
  summary: "print all that is known of processes, as JSON",
  words: [1, Infinity],
  async run({ words }, { manager, terminal }) {
    const found = [];
    for (const id of words) found.push(await manager.inspect(id));
    const value = found.length === 1 ? found[0] : found;
    terminal.print(JSON.stringify(value, null, 2));
  },
};

/** Says why. */
export const explainCommand: Command = {
  usage: "ID",
  summary: "say why a process is in its state, and what comes next",
  words: [1, 1],
  async run({ words: [id = ""] }, { manager, terminal, clock }) {
    explain(await manager.inspect(id), clock.nowMs())
      .forEach((line) => terminal.print(line));
  },
};

async function listed(
  ids: readonly string[],
  { manager }: CommandPorts,
): Promise<ProcessStatusInfo[]> {
  const all = await manager.list();
  if (ids.length === 0) return all;
  const missing = ids.filter((id) => !all.some(({ Id }) => Id === id));
  if (missing.length > 0) {
    throw new AppError(
      "NOT_FOUND",
      `process ${missing.join(", ")} not found`,
    );
  }
  return all.filter(({ Id }) => ids.includes(Id));
}

/** Until interrupted, or the daemon leaves. */
async function watch(
  show: () => Promise<void>,
  { manager, clock }: CommandPorts,
): Promise<void> {
  const following = new AbortController();
  const events = await manager.follow(undefined, following.signal);
  let wake = () => {};
  const ended = (async () => {
    for await (const _ of events) wake();
    return "ended" as const;
  })();
  while (true) {
    const changed = new Promise<void>((resolve) => wake = resolve);
    await clock.sleep(REDRAW_MS_MIN);
    const outcome = await Promise.race([
      changed,
      ended,
      clock.sleep(REDRAW_MS_MAX - REDRAW_MS_MIN),
    ]);
    if (outcome === "ended") {
      throw new AppError("UNAVAILABLE", "the daemon has left");
    }
    await show();
  }
}
