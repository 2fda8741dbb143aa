import { AppError, messageOf } from "../../shared/errors.ts";

/** How the agent is reached where plain TCP will not do. */
export interface TransportOptions {
  /** The agent's unix socket; "" = TCP. */
  readonly socketPath: string;
  /** PEM files; null = no TLS. */
  readonly tls: TlsFiles | null;
}

/** What TLS takes; each may be "". */
export interface TlsFiles {
  /** Certificates to trust; "" = those that Deno trusts. */
  readonly caFile: string;
  /** The executor's own certificate. */
  readonly certFile: string;
  /** The key of that certificate: secret. */
  readonly keyFile: string;
}

/**
 * Makes the connections of an {@linkcode AgentClient}. The agent's certificate
 * is always verified: the token would else be anybody's.
 *
 * @returns undefined for plain TCP.
 * @throws {AppError} FAILED_PRECONDITION if a file cannot be read or used.
 */
export function createTransport(
  { socketPath, tls }: TransportOptions,
): Deno.HttpClient | undefined {
  if (socketPath === "" && tls === null) return undefined;
  try {
    return Deno.createHttpClient({
      ...(socketPath === ""
        ? {}
        : { proxy: { transport: "unix", path: socketPath } }),
      ...(tls?.caFile ? { caCerts: [Deno.readTextFileSync(tls.caFile)] } : {}),
      ...(tls?.certFile && tls.keyFile
        ? {
          cert: Deno.readTextFileSync(tls.certFile),
          key: Deno.readTextFileSync(tls.keyFile),
        }
        : {}),
    });
  } catch (error) {
    throw new AppError(
      "FAILED_PRECONDITION",
      `Cannot prepare the connection to the agent: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
