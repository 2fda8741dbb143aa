/** Does something with a file; null if there is none. */
export function unlessMissing<T>(act: () => T): T | null {
  try {
    return act();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** What the kernel says of a regular file; null if there is none. */
export function statFile(path: string): Deno.FileInfo | null {
  const info = unlessMissing(() => Deno.lstatSync(path));
  return info?.isFile ? info : null;
}

/**
 * Opens a regular file to be read from an offset on; null if there is none. A
 * link leads nowhere, and opening a fifo would wait for its writer. Nobody but
 * the daemon can exchange what lies in the folder of the logs.
 */
export async function openAt(
  path: string,
  offset: number,
): Promise<Deno.FsFile | null> {
  if (statFile(path) === null) return null;
  try {
    const file = await Deno.open(path);
    await file.seek(offset, Deno.SeekMode.Start);
    return file;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Fills a buffer. @returns How much of it, less at the end of the file. */
export async function fill(
  file: Deno.FsFile,
  buffer: Uint8Array,
): Promise<number> {
  let length = 0;
  while (length < buffer.length) {
    const read = await file.read(buffer.subarray(length));
    if (read === null) break;
    length += read;
  }
  return length;
}
