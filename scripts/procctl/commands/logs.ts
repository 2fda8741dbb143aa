import { backoffMs } from "../../../shared/backoff.ts";
import { AppError } from "../../../shared/errors.ts";
import type { LogQuery, LogStream } from "../../../shared/manager_api/types.ts";
import {
  type Command,
  type CommandPorts,
  readNumber,
  UsageError,
} from "../command.ts";

const RECONNECT_WAIT = { firstMs: 200, maxMs: 5_000 };
const STREAMS = ["stdout", "stderr"] as const;

/** Logs. */
export const logs: Command = {
  usage: "ID",
  summary: "print what a process wrote, its stderr to stderr",
  flags: [
    { name: "follow", letter: "f", help: "and go on, until it is forgotten" },
    { name: "lines", letter: "n", value: "N", help: "the last lines [100]" },
    { name: "bytes", letter: "c", value: "N", help: "the last bytes" },
    { name: "stream", value: "WORD", help: "stdout or stderr alone" },
  ],
  words: [1, 1],
  async run({ words: [id = ""], has, get }, ports) {
    const only = get("stream");
    const streams = STREAMS.filter((each) =>
      only === undefined || each === only
    );
    if (streams.length === 0) {
      throw new UsageError("--stream must be stdout or stderr");
    }
    const bytes = get("bytes");
    const last = bytes === undefined
      ? { lines: readNumber("--lines", get("lines") ?? "100") }
      : { bytes: readNumber("--bytes", bytes) };
    await Promise.all(streams.map((stream) => {
      const query = { stream, ...last };
      return has("follow") ? follow(id, query, ports) : print(id, query, ports);
    }));
  },
};

async function print(
  id: string,
  query: LogQuery,
  { manager, terminal }: CommandPorts,
): Promise<void> {
  const { bytes } = await manager.logs(id, query);
  terminal.write(query.stream, bytes);
}

/** Ends with the process; a daemon that is away is waited for. */
async function follow(
  id: string,
  first: LogQuery,
  ports: CommandPorts,
): Promise<void> {
  const { manager, terminal, clock } = ports;
  const { stream } = first;
  const { signal } = new AbortController();
  let query = first;
  let hasBegun = false;
  for (let failures = 0;; failures++) {
    try {
      const parts = await manager.followLogs(id, query, signal);
      hasBegun = true;
      for await (const part of parts) {
        failures = 0;
        const missing = part.start - (query.from ?? part.start);
        if (missing > 0) sayMissing(missing, stream, ports);
        terminal.write(stream, part.bytes);
        query = { stream, from: part.end };
      }
      // It ended as the process was deleted, or the daemon leaves.
      await manager.status(id);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === "NOT_FOUND" && hasBegun) return;
      if (error.code !== "UNAVAILABLE" || !hasBegun) throw error;
    }
    await clock.sleep(backoffMs(failures + 1, RECONNECT_WAIT, 1));
  }
}

function sayMissing(
  bytes: number,
  stream: LogStream,
  { terminal }: CommandPorts,
): void {
  terminal.warn(`${bytes} bytes of ${stream} are not kept any more`);
}
