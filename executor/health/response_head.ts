/** What a probe wants to know of an HTTP/1 response. */
export interface ResponseHead {
  readonly status: number;
  /** The Location header; null = none. */
  readonly location: string | null;
}

/** Every response begins with it. */
const VERSION = "HTTP/1.";

/**
 * Reads the head of a response; interim ones (1xx) before it are passed over.
 *
 * @param text What has come so far.
 * @returns null while there is not enough of it.
 * @throws {SyntaxError} If it is no HTTP/1 response.
 * @see RFC 9112 section 2.1
 */
export function readResponseHead(text: string): ResponseHead | null {
  let rest = text;
  while (true) {
    if (!rest.startsWith(VERSION.slice(0, rest.length))) {
      throw new SyntaxError("the answer is not HTTP");
    }
    const end = /\r?\n\r?\n/.exec(rest);
    if (end === null) return null;
    const head = rest.slice(0, end.index);
    const status = Number(/^HTTP\/1\.\d ([1-9]\d\d)\b/.exec(head)?.[1]);
    if (Number.isNaN(status)) {
      throw new SyntaxError("the answer has no HTTP status");
    }
    if (status >= 200) {
      const location = /^location:[ \t]*(.*?)[ \t]*$/im.exec(head)?.[1];
      return { status, location: location ?? null };
    }
    rest = rest.slice(end.index + end[0].length);
  }
}
