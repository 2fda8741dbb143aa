/** Whom to connect to. */
export interface Address {
  /** An IP address, as a URL writes it. */
  readonly hostname: string;
  readonly port: number;
}

/**
 * Connects. A connection that is made too late is closed at once: the kernel
 * goes on trying for two minutes. (Given the signal, Deno 2.9 loses one that
 * is made as it is aborted.)
 *
 * @param signal Of one probe alone: gives up, and closes the connection.
 * @throws Whatever the runtime throws at a connection that is not made.
 */
export async function connect(
  address: Address,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Deno.TcpConn>();
  signal.addEventListener("abort", () => reject(signal.reason));
  Deno.connect({ ...address }).then((conn) => {
    if (signal.aborted) return conn.close();
    // Harmless if it is closed by then.
    signal.addEventListener("abort", () => conn[Symbol.dispose]());
    resolve(conn);
  }, reject);
  return await promise;
}
