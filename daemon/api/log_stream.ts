import { LOG_START_HEADER } from "../../shared/manager_api/routes.ts";
import { findLastLines } from "../logs/find_last_lines.ts";
import type { LogFile } from "../logs/log_file.ts";
import type { Logs } from "../logs/logs.ts";
import { LOG_ANSWER_BYTES_MAX, type LogRange } from "./log_query.ts";

/** How much is read from the disk at a time, bytes. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Answers with a part of a log, and with what comes if it is followed. The
 * body has no gap: where bytes are gone it ends, as whoever asks again from
 * there is told of the next place. It is read as fast as it is taken, so that
 * a slow reader costs no memory.
 */
export async function streamLog(
  logs: Pick<Logs, "grown">,
  log: LogFile,
  range: LogRange,
  isFollowed: boolean,
): Promise<Response> {
  log.look();
  const { end } = log;
  const start = await findStart(log, range, end);
  const last = isFollowed
    ? Infinity
    : Math.min(end, start + LOG_ANSWER_BYTES_MAX);
  const aborter = new AbortController();
  let place = start;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      while (isFollowed && place >= log.end) {
        if (log.isClosed || aborter.signal.aborted) break;
        await logs.grown(log, aborter.signal);
      }
      if (aborter.signal.aborted) return;
      if (place >= last) return controller.close();
      const part = await log.read(place, Math.min(CHUNK_BYTES, last - place));
      if (aborter.signal.aborted) return;
      if (part.bytes.length === 0 || part.start !== place) {
        controller.close();
        return;
      }
      place = part.end;
      controller.enqueue(part.bytes);
    },
    cancel: () => aborter.abort(),
  }, { highWaterMark: 0 });
  return new Response(body, {
    headers: {
      "content-type": "application/octet-stream",
      "cache-control": "no-store",
      [LOG_START_HEADER]: String(start),
    },
  });
}

/** The first byte that is wanted, or the next that is kept. */
async function findStart(
  log: LogFile,
  { unit, count }: LogRange,
  end: number,
): Promise<number> {
  const lowest = Math.max(log.start, end - LOG_ANSWER_BYTES_MAX);
  const place = unit === "lines"
    ? await findLastLines(log, count, end, lowest)
    : unit === "bytes"
    ? Math.max(lowest, end - count)
    : Math.min(count, end);
  return log.nextKept(place);
}
