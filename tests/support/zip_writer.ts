import { concat } from "./tar_writer.ts";

/** One entry of a zip archive, maybe an evil one. */
export interface ZipEntry {
  readonly name: string;
  readonly content?: string | Uint8Array<ArrayBuffer>;
  /** Whether the content is packed. @default {false} */
  readonly isDeflated?: boolean;
  /** Mode and kind as in Unix, such as 0o120777. @default {0o100644} */
  readonly mode?: number;
  /** Unpacked size that it claims. @default that of the content */
  readonly size?: number;
}

const UTF8_NAMES = 0x800;

/** Writes a zip archive (PKWARE APPNOTE 4.3), as on Unix. */
export async function writeZip(
  entries: readonly ZipEntry[],
): Promise<Uint8Array<ArrayBuffer>> {
  const local: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let at = 0;
  for (const entry of entries) {
    const { content = "", mode = 0o100644, isDeflated = false } = entry;
    const name = new TextEncoder().encode(entry.name);
    const bytes = typeof content === "string"
      ? new TextEncoder().encode(content)
      : content;
    const body = isDeflated ? await deflate(bytes) : bytes;
    const common = [
      u16(UTF8_NAMES),
      u16(isDeflated ? 8 : 0),
      u16(0),
      u16(0x5a21),
      u32(crc32(bytes)),
      u32(body.length),
      u32(entry.size ?? bytes.length),
      u16(name.length),
      u16(0),
    ];
    const header = concat([u32(0x04034b50), u16(20), ...common, name]);
    local.push(header, body);
    central.push(concat([
      u32(0x02014b50),
      u16(0x0314),
      u16(20),
      ...common,
      u16(0),
      u16(0),
      u16(0),
      u32((mode << 16) >>> 0),
      u32(at),
      name,
    ]));
    at += header.length + body.length;
  }
  const directory = concat(central);
  return concat([
    ...local,
    directory,
    u32(0x06054b50),
    u16(0),
    u16(0),
    u16(entries.length),
    u16(entries.length),
    u32(directory.length),
    u32(at),
    u16(0),
  ]);
}

async function deflate(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Response(
    new Blob([bytes]).stream().pipeThrough(
      new CompressionStream("deflate-raw"),
    ),
  );
  return new Uint8Array(await packed.arrayBuffer());
}

function u16(value: number): Uint8Array {
  return new Uint8Array([value & 255, value >>> 8]);
}

function u32(value: number): Uint8Array {
  return concat([u16(value & 0xffff), u16(value >>> 16)]);
}

function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return ~crc >>> 0;
}
