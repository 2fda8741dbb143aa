import { type Address, connect } from "./connect.ts";

/**
 * Sends a request over a connection of its own and yields what comes back.
 * The connection is closed when the reader has enough, too.
 *
 * @param signal Of this probe alone: closes it; the reader gets an error then.
 * @throws Whatever the runtime throws at a connection that is not made or
 * breaks.
 */
export type Exchange = (
  address: Address,
  request: Uint8Array,
  signal: AbortSignal,
) => AsyncGenerator<Uint8Array>;

/** Size of one read, bytes. */
const READ_BYTES = 4096;

/** Over plain TCP. */
export const exchangeTcp: Exchange = async function* (
  address,
  request,
  signal,
) {
  using conn = await connect(address, signal);
  for (let sent = 0; sent < request.length;) {
    sent += await conn.write(request.subarray(sent));
  }
  const buffer = new Uint8Array(READ_BYTES);
  while (true) {
    const length = await conn.read(buffer);
    if (length === null) return;
    yield buffer.subarray(0, length);
  }
};
