import type { LogFile } from "./log_file.ts";

/** How much is read at a time, bytes. */
const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 10;

/**
 * Finds where the last lines of a log begin, reading backwards. What follows
 * the last newline counts as a line, unless it is nothing.
 *
 * @param end Place where the last line ends.
 * @param lowest Place beyond which it does not go back, amid a line or not.
 * @returns A place; `end` for no lines.
 */
export async function findLastLines(
  log: Pick<LogFile, "readBefore">,
  lines: number,
  end: number,
  lowest: number,
): Promise<number> {
  if (lines === 0) return end;
  let left = lines;
  let place = end;
  while (place > lowest) {
    const bytesMax = Math.min(CHUNK_BYTES, place - lowest);
    const { start, bytes } = await log.readBefore(place, bytesMax);
    if (bytes.length === 0) return place;
    // The newline at the very end begins no line.
    let index = bytes.length - (place === end ? 2 : 1);
    while (index >= 0 && (index = bytes.lastIndexOf(NEWLINE, index)) >= 0) {
      left--;
      if (left === 0) return start + index + 1;
      index--;
    }
    place = start;
  }
  return place;
}
