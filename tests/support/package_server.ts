/** Whom a server lets in. */
export interface PackageServerOptions {
  /** @default everybody */
  readonly user?: string;
  readonly password?: string;
}

/** Serves packages on loopback; they can be held back in the middle. */
export class PackageServer implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #packages = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #halts = new Map<string, PromiseWithResolvers<void>>();
  readonly #asked: string[] = [];
  /** Answers that whoever asked did not read to the end. */
  broken = 0;

  constructor({ user, password }: PackageServerOptions = {}) {
    const allowed = user === undefined
      ? null
      : `Basic ${btoa(`${user}:${password}`)}`;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      ({ url, headers }) => {
        const { pathname } = new URL(url);
        this.#asked.push(pathname);
        const archive = this.#packages.get(pathname);
        if (archive === undefined) return new Response("", { status: 404 });
        if (allowed !== null && headers.get("authorization") !== allowed) {
          return new Response("", { status: 401 });
        }
        return new Response(this.#bodyOf(pathname, archive), {
          headers: { "content-length": String(archive.length) },
        });
      },
    );
  }

  get host(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  url(path: string): string {
    return `http://${this.host}${path}`;
  }

  /** Offers a package; it may replace another. @returns Its SHA-256. */
  async offer(path: string, archive: Uint8Array<ArrayBuffer>): Promise<string> {
    this.#packages.set(path, archive);
    const digest = await crypto.subtle.digest("SHA-256", archive);
    return new Uint8Array(digest).toHex();
  }

  /** Sends half of a package only. @returns Has the rest sent. */
  halt(path: string): () => void {
    const halt = Promise.withResolvers<void>();
    this.#halts.set(path, halt);
    return halt.resolve;
  }

  /** How often a package was asked for. */
  countOf(path: string): number {
    return this.#asked.filter((asked) => asked === path).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { resolve } of this.#halts.values()) resolve();
    await this.#server.shutdown();
  }

  #bodyOf(
    path: string,
    archive: Uint8Array<ArrayBuffer>,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    const half = Math.floor(archive.length / 2);
    let isOver = false;
    return new ReadableStream({
      start: async (controller) => {
        controller.enqueue(archive.subarray(0, half));
        await this.#halts.get(path)?.promise;
        if (isOver) return;
        controller.enqueue(archive.subarray(half));
        controller.close();
      },
      cancel: () => {
        isOver = true;
        this.broken++;
      },
    });
  }
}
