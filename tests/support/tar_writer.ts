/** One entry of a tar archive, maybe an evil one. */
export interface TarEntry {
  readonly name: string;
  /** @default {"file"} */
  readonly type?: keyof typeof TYPES;
  readonly content?: string | Uint8Array;
  readonly mode?: number;
  /** Where a link leads. */
  readonly target?: string;
  /** Size that the header claims. @default that of the content */
  readonly size?: number;
}

const TYPES = {
  file: "0",
  hardLink: "1",
  link: "2",
  characterDevice: "3",
  blockDevice: "4",
  folder: "5",
  fifo: "6",
  contiguous: "7",
  longName: "L",
  unknown: "Z",
} as const;

const BLOCK_BYTES = 512;
const NAME_BYTES_MAX = 100;

/** Writes a tar archive (POSIX ustar, with GNU's long names). */
export function writeTar(
  entries: readonly TarEntry[],
): Uint8Array<ArrayBuffer> {
  const blocks = entries.flatMap((entry) =>
    new TextEncoder().encode(entry.name).length > NAME_BYTES_MAX
      ? [
        ...toBlocks({
          name: "././@LongLink",
          type: "longName",
          content: `${entry.name}\0`,
        }),
        ...toBlocks(entry),
      ]
      : toBlocks(entry)
  );
  return concat([...blocks, new Uint8Array(2 * BLOCK_BYTES)]);
}

/** Packs bytes as gzip does. */
export async function gzip(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Response(
    new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip")),
  );
  return new Uint8Array(await packed.arrayBuffer());
}

/** One after the other. */
export function concat(
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function toBlocks(entry: TarEntry): Uint8Array[] {
  const { name, type = "file", content = "", mode, target = "" } = entry;
  const body = typeof content === "string"
    ? new TextEncoder().encode(content)
    : content;
  const header = new Uint8Array(BLOCK_BYTES);
  const put = (at: number, text: string, bytesMax: number) =>
    header.set(new TextEncoder().encode(text).subarray(0, bytesMax), at);
  const octal = (value: number, digits: number) =>
    value.toString(8).padStart(digits, "0");
  put(0, name, NAME_BYTES_MAX);
  put(100, octal(mode ?? (type === "folder" ? 0o755 : 0o644), 7), 8);
  put(108, octal(0, 7), 8);
  put(116, octal(0, 7), 8);
  put(124, octal(entry.size ?? body.length, 11), 12);
  put(136, octal(1_700_000_000, 11), 12);
  put(148, "        ", 8);
  put(156, TYPES[type], 1);
  put(157, target, NAME_BYTES_MAX);
  put(257, "ustar\x0000", 8);
  put(329, octal(1, 7), 8);
  put(337, octal(3, 7), 8);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 6)}\0 `, 8);
  const padding = (BLOCK_BYTES - body.length % BLOCK_BYTES) % BLOCK_BYTES;
  return [header, body, new Uint8Array(padding)];
}
