import { backoffMs } from "../../shared/backoff.ts";
import type { Clock } from "../../shared/clock.ts";
import { AppError, messageOf } from "../../shared/errors.ts";
import { FILE_BYTES_MAX } from "../../shared/manager_api/parse_files.ts";
import type { RemoteSource } from "../../shared/manager_api/types.ts";

/** Longest time for one content, with all of its tries, ms. */
const FETCH_MS_MAX = 120_000;
/** Tries after the first. */
const RETRIES_MAX = 3;
const RETRY_WAIT = { firstMs: 500, maxMs: 8_000 };
const REDIRECTS_MAX = 5;

/** What fetching takes from outside. */
export interface FetchPorts {
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** Whether a failed try may go better the next time. */
class TryError extends Error {
  constructor(message: string, readonly isPassing: boolean) {
    super(message);
  }
}

/**
 * Fetches a content by HTTP.
 *
 * @param signal Aborted when nobody wants it any more.
 * @throws {AppError} FAILED_PRECONDITION; names the address without user,
 * password and query.
 */
export async function fetchContent(
  source: RemoteSource,
  { clock, random }: FetchPorts,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const limit = new AbortController();
  const timer = clock.after(FETCH_MS_MAX, () => limit.abort());
  const either = AbortSignal.any([signal, limit.signal]);
  const address = withoutSecrets(new URL(source.From));
  try {
    for (let attempt = 1;; attempt++) {
      const outcome = await fetchOnce(source, either).catch((error: unknown) =>
        toTryError(error)
      );
      if (!(outcome instanceof TryError)) return outcome;
      const isLast = !outcome.isPassing || attempt > RETRIES_MAX;
      if (!isLast && !either.aborted) {
        await clock.sleep(backoffMs(attempt, RETRY_WAIT, random()), either);
      }
      if (!isLast && !either.aborted) continue;
      const reason = signal.aborted
        ? "it is not wanted any more"
        : limit.signal.aborted
        ? `it took over ${FETCH_MS_MAX / 1000} s: ${outcome.message}`
        : outcome.message;
      throw new AppError(
        "FAILED_PRECONDITION",
        `cannot fetch ${address}: ${reason}`,
      );
    }
  } finally {
    timer.cancel();
  }
}

async function fetchOnce(
  { From, RemoteUser, RemotePasswd }: RemoteSource,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  let url = new URL(From);
  // Whoever is redirected elsewhere does not take the password along.
  let headers = new Headers();
  if (RemoteUser !== "" || RemotePasswd !== "") {
    const pair = new TextEncoder().encode(`${RemoteUser}:${RemotePasswd}`);
    headers.set("authorization", `Basic ${pair.toBase64()}`);
  }
  for (let redirects = 0;; redirects++) {
    const response = await get(url, headers, signal);
    const location = response.headers.get("location");
    if (![301, 302, 303, 307, 308].includes(response.status)) {
      return await readContent(response, url);
    }
    await response.body?.cancel();
    const next = location === null ? null : URL.parse(location, url);
    if (next?.protocol !== "http:" && next?.protocol !== "https:") {
      throw new TryError("it is redirected to no http or https URL", false);
    }
    if (redirects === REDIRECTS_MAX) {
      throw new TryError(`over ${REDIRECTS_MAX} redirects`, false);
    }
    if (next.origin !== url.origin) headers = new Headers();
    next.username = "";
    next.password = "";
    url = next;
  }
}

async function get(
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
    // It quotes the URL, with what may be a token in its query; no fragment.
    const reason = messageOf(error)
      .replaceAll(url.href.replace(/#.*$/, ""), withoutSecrets(url));
    throw new TryError(reason, true);
  }
}

async function readContent(
  response: Response,
  url: URL,
): Promise<Uint8Array<ArrayBuffer>> {
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new TryError(
      `${url.host} answered with status ${response.status}`,
      response.status >= 500,
    );
  }
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > FILE_BYTES_MAX) {
      throw new TryError(`it has over ${FILE_BYTES_MAX} bytes`, false);
    }
    chunks.push(chunk);
  }
  return await new Blob(chunks).bytes();
}

function toTryError(error: unknown): TryError {
  // What breaks off in the middle of an answer comes as it is.
  return error instanceof TryError
    ? error
    : new TryError(messageOf(error), true);
}

function withoutSecrets({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}
