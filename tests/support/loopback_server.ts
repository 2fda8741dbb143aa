/** What a server does with a connection, once it has read the request. */
export type Handler = (conn: Deno.Conn, request: string) => Promise<void>;

/** How to listen. */
export interface LoopbackServerOptions {
  /** @default {"127.0.0.1"} */
  readonly hostname?: "127.0.0.1" | "::1";
  /** With a certificate that nobody would accept. @default {false} */
  readonly tls?: boolean;
}

/** A port that nobody serves. */
export const CLOSED_PORT = 2;

/** Whether this host has IPv6 on its loopback interface. */
export const HAS_IPV6: boolean = (() => {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
})();

/**
 * A server that tests script byte by byte. It keeps each connection until the
 * client closes it, and says when that was.
 */
export class LoopbackServer implements AsyncDisposable {
  readonly port: number;
  /** First lines of the requests, in order. */
  readonly requests: string[] = [];
  /** The whole of the last request. */
  lastRequest = "";
  readonly #listener: Deno.Listener;
  readonly #conns = new Set<Deno.Conn>();
  readonly #serving: Promise<void>;
  #accepted = 0;
  #onChange: () => void = () => {};

  constructor(handler: Handler, options: LoopbackServerOptions = {}) {
    const { hostname = "127.0.0.1", tls = false } = options;
    const listener = tls
      ? Deno.listenTls({
        hostname,
        port: 0,
        cert: readFixture("tls_certificate.pem"),
        key: readFixture("tls_key.pem"),
      })
      : Deno.listen({ hostname, port: 0 });
    this.#listener = listener;
    this.port = listener.addr.port;
    this.#serving = this.#serve(handler);
  }

  /** Resolves when it has read this many requests. */
  async requested(count: number): Promise<void> {
    await this.#until(() => this.requests.length >= count);
  }

  /** Resolves when it has taken this many connections. */
  async connected(count: number): Promise<void> {
    await this.#until(() => this.#accepted >= count);
  }

  /** Resolves when no client is connected. */
  async idle(): Promise<void> {
    await this.#until(() => this.#conns.size === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#conns) conn.close();
    this.#conns.clear();
    await this.#serving;
  }

  async #until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      await new Promise<void>((resolve) => this.#onChange = resolve);
    }
  }

  async #serve(handler: Handler): Promise<void> {
    const served: Promise<void>[] = [];
    try {
      while (true) {
        const conn = await this.#listener.accept();
        this.#conns.add(conn);
        this.#accepted++;
        this.#onChange();
        served.push(this.#serveConn(conn, handler));
      }
    } catch {
      // It was closed.
    }
    await Promise.all(served);
  }

  async #serveConn(conn: Deno.Conn, handler: Handler): Promise<void> {
    try {
      const request = await readRequest(conn);
      this.lastRequest = request;
      this.requests.push(request.split("\r\n")[0] ?? "");
      this.#onChange();
      await handler(conn, request);
      while (await conn.read(new Uint8Array(1024)) !== null);
    } catch {
      // The client, or the end of the test, has closed it.
    }
    if (this.#conns.delete(conn)) conn.close();
    this.#onChange();
  }
}

/** Writes one answer and leaves the connection open. */
export function answering(...chunks: readonly string[]): Handler {
  return async (conn) => {
    for (const chunk of chunks) await writeText(conn, chunk);
  };
}

/** Answers with a status and nothing else. */
export function answeringStatus(status: number, header = ""): Handler {
  return answering(
    `HTTP/1.1 ${status} x\r\n${header}Content-Length: 0\r\n\r\n`,
  );
}

/** Writes a text to the last byte. */
export async function writeText(conn: Deno.Conn, text: string): Promise<void> {
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(await conn.write(rest));
}

async function readRequest(conn: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(1024);
  let text = "";
  while (!text.includes("\r\n\r\n")) {
    const length = await conn.read(buffer);
    if (length === null) throw new Error("no request");
    text += decoder.decode(buffer.subarray(0, length), { stream: true });
  }
  return text;
}

function readFixture(name: string): string {
  return Deno.readTextFileSync(
    new URL(`../fixtures/${name}`, import.meta.url),
  );
}
