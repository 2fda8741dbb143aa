import { type Exchange, exchangeTcp } from "./exchange.ts";
import { type HttpProbe, type Outcome, toNetworkOutcome } from "./probe.ts";
import { readResponseHead, type ResponseHead } from "./response_head.ts";

/** Redirects that are followed, at most. */
const REDIRECTS_MAX = 5;
/** Longest head of a response, characters. */
const HEAD_LENGTH_MAX = 65_536;
/** Statuses that send the client elsewhere (RFC 9110 section 15.4). */
const REDIRECT_STATUSES: readonly number[] = [301, 302, 303, 307, 308];

/**
 * Asks for a page, and looks at nothing but the status of the answer. (With a
 * fetch, a proxy that the environment names would be asked for it.)
 *
 * @param signal Of this probe alone: gives up; the outcome is a failure then.
 */
export async function probeHttp(
  { url, statuses }: HttpProbe,
  signal: AbortSignal,
): Promise<Outcome> {
  let target = new URL(url);
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    let head: ResponseHead;
    try {
      head = await requestHead(target, signal);
    } catch (error) {
      return toNetworkOutcome(error);
    }
    const { status, location } = head;
    if (
      location === null || !REDIRECT_STATUSES.includes(status) ||
      statuses.includes(status)
    ) {
      return { type: "HTTP", statusCode: status };
    }
    const next = followOnHost(location, target);
    if (next === null) {
      return { type: "failed", reason: "redirected away from this host" };
    }
    target = next;
  }
  return {
    type: "failed",
    reason: `redirected more than ${REDIRECTS_MAX} times`,
  };
}

/** Where a redirect leads; null unless that is on this host. */
function followOnHost(location: string, from: URL): URL | null {
  const url = URL.parse(location, from.href);
  if (url === null || !["http:", "https:"].includes(url.protocol)) return null;
  // It would have to be looked up.
  if (url.hostname === "localhost") url.hostname = from.hostname;
  return ["127.0.0.1", "[::1]"].includes(url.hostname) ? url : null;
}

async function requestHead(
  url: URL,
  signal: AbortSignal,
): Promise<ResponseHead> {
  const isTls = url.protocol === "https:";
  const exchange = isTls ? await loadExchangeTls() : exchangeTcp;
  const port = url.port === "" ? (isTls ? 443 : 80) : Number(url.port);
  const request = new TextEncoder().encode(
    `GET ${url.pathname}${url.search} HTTP/1.1\r\n` +
      `Host: ${url.host}\r\n` +
      "User-Agent: bcs-process\r\n" +
      "Accept: */*\r\n" +
      "Connection: close\r\n\r\n",
  );
  const decoder = new TextDecoder();
  let text = "";
  const address = { hostname: url.hostname, port };
  for await (const chunk of exchange(address, request, signal)) {
    text += decoder.decode(chunk, { stream: true });
    const head = readResponseHead(text);
    if (head !== null) return head;
    if (text.length > HEAD_LENGTH_MAX) {
      throw new SyntaxError("the head of the answer has no end");
    }
  }
  throw new SyntaxError("the connection was closed without an answer");
}

async function loadExchangeTls(): Promise<Exchange> {
  return (await import("./tls_exchange.ts")).exchangeTls;
}
