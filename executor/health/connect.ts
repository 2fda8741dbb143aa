/** Whom to connect to. */
export interface Address {
  /** An IP address, as a URL writes it. */
  readonly hostname: string;
  readonly port: number;
}

/**
 * Connects. A connection that is made too late is closed: the kernel goes on
 * trying for two minutes. (Given the signal, Deno 2.9 loses a connection that
 * is made as it is aborted.)
 *
 * @param signal Gives up; the connection may be there all the same if it is
 * aborted in the moment that it is made.
 * @throws Whatever the runtime throws at a connection that is not made.
 */
export async function connect(
  address: Address,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const { promise, resolve, reject } = Promise.withResolvers<Deno.TcpConn>();
  const giveUp = () => reject(signal.reason);
  signal.addEventListener("abort", giveUp);
  Deno.connect({ ...address }).then(
    (conn) => signal.aborted ? conn.close() : resolve(conn),
    reject,
  );
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}
