/** How much of a file's end is looked at, bytes. */
const TAIL_BYTES = 2_048;
/** How many lines of it are shown. */
const LINES_MAX = 5;

/**
 * The last lines of a log, to go into a message: valid UTF-8 without control
 * characters, joined by " | ". "" if there is no log. It reads so little that
 * not waiting for a thread is the faster way.
 */
export function readLastLines(path: string): string {
  try {
    using file = Deno.openSync(path);
    const { size } = file.statSync();
    const start = Math.max(0, size - TAIL_BYTES);
    file.seekSync(start, Deno.SeekMode.Start);
    const bytes = new Uint8Array(Math.min(size, TAIL_BYTES));
    const length = file.readSync(bytes) ?? 0;
    return lastLinesOf(
      new TextDecoder().decode(bytes.subarray(0, length)),
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** The last lines of a text, in the same form. */
export function lastLinesOf(text: string): string {
  const lines = text.slice(-TAIL_BYTES).split("\n").map(toPlain)
    .filter((line) => line !== "");
  return lines.slice(-LINES_MAX).join(" | ");
}

function toPlain(line: string): string {
  return line.replaceAll(/\p{Cc}+/gu, " ").trim();
}
