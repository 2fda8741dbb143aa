import { fill, openAt } from "./log_reading.ts";

/** How much of a file is in memory at a time, bytes. */
const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 10;

/**
 * Copies whole lines out of a log into a new file of the same owner, which is
 * on the disk when this resolves: the log is about to give them up.
 *
 * @param source A file that grows.
 * @param target Made anew; left unfinished if this fails.
 * @param offset Where to begin in the source, bytes.
 * @param bytesMax The last line that ends before is the last one copied; a
 * line that is longer than all of it is cut.
 * @returns Bytes that were copied; null if the source ended before, or
 * it was cancelled.
 */
export async function copyLines(
  source: string,
  target: string,
  { offset, bytesMax, isCancelled }: {
    readonly offset: number;
    readonly bytesMax: number;
    readonly isCancelled: () => boolean;
  },
): Promise<number | null> {
  using from = await openAt(source, offset);
  if (from === null) return null;
  using to = await Deno.open(target, {
    write: true,
    createNew: true,
    mode: 0o600,
  });
  const buffer = new Uint8Array(Math.min(CHUNK_BYTES, bytesMax));
  let copied = 0;
  let cut = 0;
  while (copied < bytesMax) {
    const chunk = buffer.subarray(
      0,
      Math.min(buffer.length, bytesMax - copied),
    );
    if (isCancelled() || await fill(from, chunk) < chunk.length) return null;
    for (let done = 0; done < chunk.length;) {
      done += await to.write(chunk.subarray(done));
    }
    const newline = chunk.lastIndexOf(NEWLINE);
    if (newline >= 0) cut = copied + newline + 1;
    copied += chunk.length;
  }
  if (cut === 0) cut = copied;
  await to.truncate(cut);
  const [theirs, ours] = [from.statSync(), to.statSync()];
  if (theirs.uid !== ours.uid || theirs.gid !== ours.gid) {
    await Deno.chown(target, theirs.uid, theirs.gid);
  }
  await to.syncData();
  return cut;
}
