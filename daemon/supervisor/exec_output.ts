/** How much of each stream an answer holds, bytes. */
export const OUTPUT_BYTES_MAX = 65_536;
/** How much a command may write before it is killed, bytes. */
export const WRITTEN_BYTES_MAX = 16 * 1024 * 1024;

/** What a command wrote, as it goes into an answer. */
export interface Output {
  readonly text: string;
  /** Whether it wrote more than this. */
  readonly isTruncated: boolean;
}

/**
 * Reads the beginning of what a command wrote, as UTF-8 text; what is none
 * becomes replacement characters. It is so little that not waiting for a
 * thread is the faster way.
 */
export function readOutput(path: string): Output {
  try {
    using file = Deno.openSync(path);
    const { size } = file.statSync();
    const bytes = new Uint8Array(Math.min(size, OUTPUT_BYTES_MAX));
    const length = bytes.length === 0 ? 0 : file.readSync(bytes) ?? 0;
    return {
      text: new TextDecoder().decode(bytes.subarray(0, length)),
      isTruncated: size > length,
    };
  } catch (error) {
    // It was never begun.
    if (error instanceof Deno.errors.NotFound) {
      return { text: "", isTruncated: false };
    }
    throw error;
  }
}

/** Whether a command writes without end. */
export function isTooMuch(path: string): boolean {
  try {
    return Deno.statSync(path).size > WRITTEN_BYTES_MAX;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
