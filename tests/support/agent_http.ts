/** One request, read to its end. */
export interface HttpRequest {
  /** Such as POST. */
  readonly method: string;
  /** As in the request line; without the host, if that is there as well. */
  readonly path: string;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Without any transfer coding. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** When its last byte was read, by `performance.now()`. */
  readonly at: number;
  /** Where the answer goes. */
  readonly connection: HttpConnection;
}

/** Answers one request through its connection. */
export type HttpHandler = (request: HttpRequest) => Promise<void>;

const BUFFER_BYTES = 16 * 1024;
const CR = 13;

/** Where a server listens: a port of 127.0.0.1, TLS on it, or a unix socket. */
export type HttpPlace =
  | { readonly port: number }
  | { readonly port: number; readonly tls: ServerCertificate }
  | { readonly socketPath: string };

/** What a TLS server shows; PEM texts. */
export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * A small HTTP/1.1 server over bare sockets, because a test needs to decide
 * where a chunk ends and when a connection breaks.
 */
export class HttpServer {
  readonly #handler: HttpHandler;
  readonly #listener: Deno.Listener;
  readonly #connections = new Map<HttpConnection, Promise<void>>();
  readonly #accepting: Promise<void>;

  /** Listens; port 0 chooses a free one. */
  constructor(place: HttpPlace, handler: HttpHandler) {
    this.#handler = handler;
    this.#listener = listen(place);
    this.#accepting = this.#accept();
  }

  /** The port listened on; 0 for a unix socket. */
  get port(): number {
    const { addr } = this.#listener;
    return "port" in addr ? addr.port : 0;
  }

  /** Stops listening and drops every connection. */
  async close(): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    const ends = [...this.#connections.values()];
    for (const connection of this.#connections.keys()) connection.destroy();
    await Promise.all(ends);
  }

  async #accept(): Promise<void> {
    let id = 0;
    for await (const socket of this.#listener) {
      if (isTcp(socket)) socket.setNoDelay(true);
      const connection = new HttpConnection(++id, socket);
      this.#connections.set(
        connection,
        connection.serve(this.#handler).finally(() =>
          this.#connections.delete(connection)
        ),
      );
    }
  }
}

function listen(place: HttpPlace): Deno.Listener {
  if ("socketPath" in place) {
    return Deno.listen({ transport: "unix", path: place.socketPath });
  }
  const { port } = place;
  const hostname = "127.0.0.1";
  return "tls" in place
    ? Deno.listenTls({ hostname, port, ...place.tls })
    : Deno.listen({ hostname, port });
}

function isTcp(socket: Deno.Conn): socket is Deno.TcpConn {
  return "setNoDelay" in socket;
}

/** One connection of the executor. */
export class HttpConnection {
  /** Counts from 1 for each server. */
  readonly id: number;
  readonly #socket: Deno.Conn;
  #buffer = new Uint8Array(BUFFER_BYTES);
  #filled = 0;
  #closed = false;
  readonly #outgoing: Uint8Array[] = [];
  #writing: Promise<void> | undefined;
  readonly #onClose = new Set<() => void>();

  constructor(id: number, socket: Deno.Conn) {
    this.id = id;
    this.#socket = socket;
  }

  /** True once either side has closed it. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Calls back when the connection is gone. */
  onClose(callback: () => void): void {
    this.#onClose.add(callback);
  }

  /** Serves requests until the connection closes. Never fails. */
  async serve(handler: HttpHandler): Promise<void> {
    try {
      let request = await this.#readRequest();
      while (request !== undefined) {
        await handler(request);
        request = await this.#readRequest();
      }
    } catch (error) {
      if (!this.#closed && !isDisconnect(error)) reportError(error);
    } finally {
      this.destroy();
      await this.#writing;
    }
  }

  /** Sends a whole answer, or one that promises more than it holds. */
  respond(
    status: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    cut = false,
  ): void {
    const bytes = new TextEncoder().encode(body);
    const head = encodeHead(status, {
      ...headers,
      "Content-Length": String(bytes.length + (cut ? 1 : 0)),
    });
    this.write(bytes.length === 0 ? head : concat([head, bytes]));
  }

  /** Sends the head of an answer with a chunked body, in its own packet. */
  startChunked(status: string, headers: Readonly<Record<string, string>>) {
    this.write(
      encodeHead(status, { "Transfer-Encoding": "chunked", ...headers }),
    );
  }

  /** Sends one chunk of the body; no bytes at all end the body. */
  writeChunk(bytes: Uint8Array): void {
    const line = new TextEncoder().encode(`${bytes.length.toString(16)}\r\n`);
    this.write(concat([line, bytes, CRLF]));
  }

  /** Sends bytes as they are, in order, each call in a write of its own. */
  write(bytes: Uint8Array): void {
    if (this.#closed) return;
    this.#outgoing.push(bytes);
    this.#writing ??= this.#drain();
  }

  /** Closes the connection after what was already given to be sent. */
  async finish(): Promise<void> {
    await this.#writing;
    this.destroy();
  }

  /** Closes the connection at once. */
  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    for (const callback of this.#onClose) callback();
  }

  async #drain(): Promise<void> {
    try {
      let bytes = this.#outgoing.shift();
      while (bytes !== undefined && !this.#closed) {
        let sent = 0;
        while (sent < bytes.length) {
          sent += await this.#socket.write(bytes.subarray(sent));
        }
        bytes = this.#outgoing.shift();
      }
    } catch {
      this.destroy();
    }
    this.#writing = undefined;
  }

  async #readRequest(): Promise<HttpRequest | undefined> {
    const head = await this.#readTo("\r\n\r\n");
    if (head === undefined) return undefined;
    const [requestLine = "", ...lines] = head.split("\r\n");
    const [method = "", target = ""] = requestLine.split(" ");
    // A client that goes through a unix socket may name the host here, which
    // every server has to take (RFC 9112, 3.2.2).
    const path = target.replace(/^http:\/\/[^/]*/, "");
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).trim().toLowerCase();
      headers.set(name, line.slice(colon + 1).trim());
    }
    if (headers.get("expect")?.toLowerCase() === "100-continue") {
      this.write(new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    const body = headers.get("transfer-encoding") === "chunked"
      ? await this.#readChunks()
      : await this.#readBytes(Number(headers.get("content-length") ?? 0));
    if (body === undefined) return undefined;
    const at = performance.now();
    return { method, path, headers, body, at, connection: this };
  }

  async #readChunks(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const chunks: Uint8Array[] = [];
    for (;;) {
      const line = await this.#readTo("\r\n");
      if (line === undefined) return undefined;
      const chunk = await this.#readBytes(Number.parseInt(line, 16));
      if (await this.#readTo("\r\n") === undefined) return undefined;
      if (chunk === undefined || chunk.length === 0) return concat(chunks);
      chunks.push(chunk);
    }
  }

  /** @returns The text before the mark, which is skipped. */
  async #readTo(mark: "\r\n" | "\r\n\r\n"): Promise<string | undefined> {
    let from = 0;
    for (;;) {
      const at = this.#buffer.subarray(0, this.#filled).indexOf(CR, from);
      if (at < 0 || at + mark.length > this.#filled) {
        if (!await this.#fill()) return undefined;
      } else if (latin1(this.#buffer.subarray(at, at + mark.length)) === mark) {
        const text = latin1(this.#buffer.subarray(0, at));
        this.#consume(at + mark.length);
        return text;
      } else {
        from = at + 1;
      }
    }
  }

  async #readBytes(
    length: number,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    while (this.#filled < length) {
      if (!await this.#fill()) return undefined;
    }
    const bytes = this.#buffer.slice(0, length);
    this.#consume(length);
    return bytes;
  }

  #consume(length: number): void {
    this.#buffer.copyWithin(0, length, this.#filled);
    this.#filled -= length;
  }

  async #fill(): Promise<boolean> {
    if (this.#filled === this.#buffer.length) {
      const larger = new Uint8Array(this.#buffer.length * 2);
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    const count = await this.#socket.read(this.#buffer.subarray(this.#filled));
    this.#filled += count ?? 0;
    return count !== null;
  }
}

/** Joins byte arrays. */
export function concat(
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

const CRLF = new TextEncoder().encode("\r\n");
const LATIN1 = new TextDecoder("latin1");

function latin1(bytes: Uint8Array): string {
  return LATIN1.decode(bytes);
}

function encodeHead(
  status: string,
  headers: Readonly<Record<string, string>>,
): Uint8Array {
  let head = `HTTP/1.1 ${status}\r\nDate: ${new Date().toUTCString()}\r\n`;
  for (const [name, value] of Object.entries(headers)) {
    head += `${name}: ${value}\r\n`;
  }
  return new TextEncoder().encode(`${head}\r\n`);
}

function isDisconnect(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe ||
    // What TLS makes of a client that does not trust the certificate.
    error instanceof Deno.errors.InvalidData ||
    error instanceof Deno.errors.UnexpectedEof ||
    error instanceof Deno.errors.ConnectionAborted;
}
