import type { LogPart } from "../../shared/manager_api/types.ts";
import { fill, openAt } from "./log_reading.ts";

/** Bytes of a log that lie in one file. */
export interface LogPiece {
  readonly path: string;
  /** Place of the file's first byte, whether that is there still or not. */
  readonly base: number;
  /** Places of the bytes that are there. */
  readonly start: number;
  readonly end: number;
}

/** Reads from a place on; no bytes if the file is gone or ends before. */
export async function readPiece(
  { path, base, end }: LogPiece,
  start: number,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  using file = await openAt(path, start - base);
  if (file === null) return new Uint8Array();
  const buffer = new Uint8Array(Math.min(bytesMax, end - start));
  return buffer.subarray(0, await fill(file, buffer));
}

/** A part of a log that has nothing at a place. */
export function noBytes(place: number): LogPart {
  return { start: place, end: place, bytes: new Uint8Array() };
}
