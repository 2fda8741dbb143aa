import { messageOf } from "../../shared/errors.ts";
import { fetchReasonOf } from "../../shared/fetch_reason.ts";
import { TryError } from "./try_error.ts";

const REDIRECTS_MAX = 5;
/** Longest wait that a server may ask for, ms. */
const RETRY_AFTER_MS_MAX = 120_000;

/** Who asks; two empty texts = nobody in particular. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** An answer, and who gave it. */
export interface Answer {
  readonly response: Response;
  /** Where redirects have led. */
  readonly url: URL;
}

/** An address as it may be shown: without user, password and query. */
export function withoutSecrets({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

/**
 * Asks by HTTP and follows redirects. Whoever is redirected to another origin
 * does not take the password along, and does not get it back there either.
 *
 * @param extra Headers beside `authorization`.
 * @throws {TryError} If there is no answer.
 */
export async function get(
  address: URL,
  { user, password }: Credentials,
  extra: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Answer> {
  const headers = new Headers(extra);
  if (user !== "" || password !== "") {
    const pair = new TextEncoder().encode(`${user}:${password}`);
    headers.set("authorization", `Basic ${pair.toBase64()}`);
  }
  let url = address;
  for (let redirects = 0;; redirects++) {
    const response = await getOnce(url, headers, signal);
    const location = response.headers.get("location");
    if (![301, 302, 303, 307, 308].includes(response.status)) {
      return { response, url };
    }
    await discard(response);
    const next = location === null ? null : URL.parse(location, url);
    if (next?.protocol !== "http:" && next?.protocol !== "https:") {
      throw new TryError("it is redirected to no http or https URL", false);
    }
    if (redirects === REDIRECTS_MAX) {
      throw new TryError(`over ${REDIRECTS_MAX} redirects`, false);
    }
    if (next.origin !== url.origin) headers.delete("authorization");
    next.username = "";
    next.password = "";
    url = next;
  }
}

async function getOnce(
  url: URL,
  headers: Headers,
  signal: AbortSignal,
): Promise<Response> {
  try {
    return await fetch(url, { headers, signal, redirect: "manual" });
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) {
      const port = url.port || (url.protocol === "https:" ? "443" : "80");
      throw new TryError(
        `the daemon may not reach ${url.hostname}:${port}: ` +
          "add it to --allow-net in its command line",
        false,
      );
    }
    // It quoted the URL, with what may be a token in its query; no fragment.
    const reason = fetchReasonOf(error)
      .replaceAll(url.href.replace(/#.*$/, ""), withoutSecrets(url));
    throw new TryError(reason, true);
  }
}

/**
 * What is to be said of an answer whose status is not the one that is needed.
 *
 * @param nowMs Wall clock, for a server that says until when it is busy.
 */
export async function refusalOf(
  { response, url }: Answer,
  nowMs: number,
): Promise<TryError> {
  await discard(response);
  const { status, headers } = response;
  return new TryError(
    `${url.host} answered with status ${status}`,
    status >= 500 || status === 429,
    { waitMs: readRetryAfter(headers.get("retry-after"), nowMs) },
  );
}

/** Ends an answer that nobody reads; it may have broken off by itself. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

/**
 * Reads a whole body.
 *
 * @param bytesMax The most that it may have.
 * @throws {TryError} If it has more, or breaks off.
 */
export async function readBody(
  { response }: Answer,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body ?? []) {
      length += chunk.length;
      if (length > bytesMax) {
        throw new TryError(`it has over ${bytesMax} bytes`, false);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof TryError) throw error;
    throw new TryError(messageOf(error), true);
  }
  return await new Blob(chunks).bytes();
}

/** Seconds or a date (RFC 9110, 10.2.3), as ms from now. */
function readRetryAfter(text: string | null, nowMs: number): number {
  if (text === null) return 0;
  const waitMs = /^\d+$/.test(text)
    ? Number(text) * 1000
    : Date.parse(text) - nowMs;
  return waitMs > 0 ? Math.min(waitMs, RETRY_AFTER_MS_MAX) : 0;
}
