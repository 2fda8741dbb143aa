/**
 * TLS without asking who the server is, as Mesos' checks (`curl -k`): it is
 * on this host, and what it serves is a name that is not ours to know. Deno's
 * own TLS always verifies, unless a flag turns that off for the connection to
 * the agent as well; hence Node's. Loading it takes 13 MiB, so this file is
 * imported only when a check asks for https.
 *
 * @module
 */

import { connect } from "node:tls";
import type { Exchange } from "./exchange.ts";

/** Over TLS. */
export const exchangeTls: Exchange = async function* (
  { hostname, port },
  request,
  signal,
) {
  signal.throwIfAborted();
  const socket = connect({
    host: hostname.replace(/^\[|\]$/g, ""),
    port,
    rejectUnauthorized: false,
    // Those of the system take 4 MiB, and nothing is verified with them.
    ca: [],
  });
  // Reading tells of errors; one after that would end the executor.
  socket.on("error", () => {});
  signal.addEventListener("abort", () => socket.destroy());
  socket.write(request);
  // Also closes it, when the reader has enough.
  yield* socket;
};
