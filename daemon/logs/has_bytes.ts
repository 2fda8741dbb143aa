import { fill, openAt } from "./log_reading.ts";

/** How much of each file is in memory at a time, bytes. */
const CHUNK_BYTES = 256 * 1024;

/** Whether a file has at an offset all the bytes that another one consists of. */
export async function hasBytes(
  path: string,
  offset: number,
  part: string,
): Promise<boolean> {
  using whole = await openAt(path, offset);
  using expected = await openAt(part, 0);
  if (whole === null || expected === null) return false;
  const [a, b] = [new Uint8Array(CHUNK_BYTES), new Uint8Array(CHUNK_BYTES)];
  while (true) {
    const length = await fill(expected, b);
    if (length === 0) return true;
    const chunk = a.subarray(0, length);
    if (await fill(whole, chunk) < length) return false;
    for (let index = 0; index < length; index++) {
      if (chunk[index] !== b[index]) return false;
    }
  }
}
