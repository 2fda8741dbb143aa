import { type Handler, LoopbackServer } from "../../support/loopback_server.ts";

/** What the registry was asked. */
export interface Asked {
  /** Path with its query. */
  readonly path: string;
  readonly headers: Headers;
}

/** What it says. */
export interface Said {
  /** @default {200} */
  readonly status?: number;
  /** A Content-Length of "" = none, the end of the connection ends the body. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** The connection ends after so many bytes of the body. */
  readonly cutAt?: number;
  /** Nothing comes after so many bytes of the body until this is resolved. */
  readonly stallAt?: number;
  readonly stalled?: Promise<void>;
}

/** A package registry that does what a test says, byte by byte. */
export class FakeRegistry implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly #server: LoopbackServer;

  /** @param say Called for each request; the first is number 1. */
  constructor(say: (asked: Asked, number: number) => Said | Promise<Said>) {
    const handler: Handler = async (conn, text) => {
      const asked = readRequest(text);
      this.asked.push(asked);
      await send(conn, await say(asked, this.asked.length));
    };
    this.#server = new LoopbackServer(handler);
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  /** Paths asked for, and what is given of the headers, in order. */
  requests(...names: string[]): string[] {
    return this.asked.map(({ path, headers }) =>
      [path, ...names.map((name) => headers.get(name) ?? "-")].join(" ")
    );
  }

  /** Resolves when it has been asked so often. */
  async requested(count: number): Promise<void> {
    await this.#server.requested(count);
  }

  /** Resolves when nobody is connected. */
  async idle(): Promise<void> {
    await this.#server.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

/**
 * Answers as a file server does: parts, and nothing that is known already.
 *
 * @param validators Headers: `etag`, else `last-modified`.
 */
export function serveFile(
  { headers }: Asked,
  body: Uint8Array,
  validators: Readonly<Record<string, string>>,
): Said {
  const { etag, "last-modified": lastModified } = validators;
  const isKnown = etag === undefined
    ? lastModified !== undefined &&
      headers.get("if-modified-since") === lastModified
    : headers.get("if-none-match") === etag;
  if (isKnown) return { status: 304, headers: validators };
  const from = /^bytes=(\d+)-$/.exec(headers.get("range") ?? "")?.[1];
  const isSame = [etag, lastModified].includes(
    headers.get("if-range") ?? "none",
  );
  if (from === undefined || !isSame) return { headers: validators, body };
  return {
    status: 206,
    headers: {
      ...validators,
      "content-range": `bytes ${from}-${body.length - 1}/${body.length}`,
    },
    body: body.subarray(Number(from)),
  };
}

/** Bytes without a pattern that a mistake in their order could hide in. */
export function someBytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed;
  for (let index = 0; index < words.length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[index] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

function readRequest(text: string): Asked {
  const [first = "", ...lines] = text.split("\r\n");
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return { path: first.split(" ")[1] ?? "", headers };
}

async function send(conn: Deno.Conn, said: Said): Promise<void> {
  const { status = 200, cutAt, stallAt, stalled } = said;
  const body = typeof said.body === "string"
    ? new TextEncoder().encode(said.body)
    : said.body ?? new Uint8Array();
  const headers = new Map(Object.entries({
    "content-length": `${body.length}`,
    connection: "close",
    ...said.headers,
  }));
  if (headers.get("content-length") === "") headers.delete("content-length");
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${status} x\r\n${lines.join("")}\r\n`;
  await writeAll(conn, new TextEncoder().encode(head));
  const stop = stallAt ?? 0;
  await writeAll(conn, body.subarray(0, stop));
  await stalled;
  await writeAll(conn, body.subarray(stop, cutAt));
  await conn.closeWrite();
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await conn.write(bytes.subarray(written));
  }
}
