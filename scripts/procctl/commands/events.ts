import { backoffMs } from "../../../shared/backoff.ts";
import { AppError } from "../../../shared/errors.ts";
import type { ProcessEvent } from "../../../shared/manager_api/types.ts";
import type { Command, CommandPorts } from "../command.ts";
import { formatEvent } from "../format.ts";
import { toPlain } from "../terminal.ts";

const RECONNECT_WAIT = { firstMs: 200, maxMs: 5_000 };

/** Events. */
export const events: Command = {
  usage: "[ID]",
  summary: "list what happened",
  flags: [
    { name: "follow", letter: "f", help: "and go on, until interrupted" },
    { name: "json", help: "a JSON object for each" },
  ],
  words: [0, 1],
  async run({ words: [id], has }, ports) {
    const show = (event: ProcessEvent) => {
      if (id !== undefined && event.Id !== id) return;
      ports.terminal.print(
        has("json")
          ? JSON.stringify(event)
          : toPlain(formatEvent(event, event.Id)),
      );
    };
    const last = await list(0, ports, show);
    if (has("follow")) await follow(last, ports, show);
  },
};

/** @returns The number of the last one. */
async function list(
  after: number,
  { manager }: CommandPorts,
  show: (event: ProcessEvent) => void,
): Promise<number> {
  let last = after;
  while (true) {
    const found = await manager.events(last);
    found.forEach(show);
    if (found.length === 0) return last;
    last = found.at(-1)?.Seq ?? last;
  }
}

/** Where a connection ends, the next one goes on: no gap, nothing twice. */
async function follow(
  after: number,
  { manager, clock, terminal }: CommandPorts,
  show: (event: ProcessEvent) => void,
): Promise<never> {
  const { signal } = new AbortController();
  let last = after;
  for (let failures = 0;; failures++) {
    try {
      for await (const event of await manager.follow(last, signal)) {
        failures = 0;
        last = event.Seq;
        show(event);
      }
    } catch (error) {
      const isPassing = error instanceof AppError &&
        error.code === "UNAVAILABLE";
      if (!isPassing) throw error;
    }
    if (failures === 0) terminal.warn("the daemon has left; waiting for it");
    await clock.sleep(backoffMs(failures + 1, RECONNECT_WAIT, 1));
  }
}
