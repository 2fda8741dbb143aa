import { VERSION } from "../../../shared/version.ts";
import type { Command } from "../command.ts";
import { formatCount, formatSpan } from "../format.ts";

/** Versions. */
export const version: Command = {
  usage: "",
  summary: "print the versions of procctl and of the daemon",
  words: [0, 0],
  async run(_call, { manager, terminal }) {
    terminal.print(`procctl ${VERSION}`);
    const { Version, Deno } = await manager.version();
    terminal.print(`process-daemon ${Version} (deno ${Deno})`);
  },
};

/** Health. */
export const health: Command = {
  usage: "",
  summary: "say whether the daemon works; else end with 3",
  words: [0, 0],
  async run(_call, { manager, terminal }) {
    const { Status, Processes, Recovered, UptimeSeconds } = await manager
      .health();
    terminal.print(
      `${Status}: ${formatCount(Processes)}, up for ` +
        formatSpan(UptimeSeconds) +
        (Recovered ? "" : ", taking up those of before"),
    );
  },
};
