import { messageOf } from "../../shared/errors.ts";
import { readStream } from "../../shared/read_stream.ts";
import { AgentError, classifyAnswer } from "./agent_error.ts";
import type { Codec } from "./codec.ts";
import { decodeRecords } from "./recordio_stream.ts";
import type { Call, Event } from "./types.ts";

/** Longest part of the agent's error text that is passed on, characters. */
const ERROR_TEXT_MAX = 1_000;

/** Sends calls to one agent, in one wire format. */
export class AgentClient {
  readonly #headers: Readonly<Record<string, string>>;

  /**
   * @param url The agent's executor endpoint.
   * @param codec The wire format.
   * @param token Bearer token; "" = none.
   * @param transport How to connect; absent = plain TCP.
   */
  constructor(
    private readonly url: string,
    private readonly codec: Codec,
    token: string,
    private readonly transport?: Deno.HttpClient,
  ) {
    this.#headers = {
      "content-type": codec.contentType,
      accept: codec.contentType,
      ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
    };
  }

  /**
   * Opens the stream of events. The connection is up when this resolves.
   *
   * @throws {AgentError} If the agent refuses or is away. While the stream is
   * read, a broken one throws RecordIoError, CodecError or a network error.
   */
  async subscribe(
    call: Call & { readonly type: "SUBSCRIBE" },
    signal: AbortSignal,
  ): Promise<AsyncIterable<Event>> {
    const response = await this.#post(call, signal);
    if (response.status !== 200 || response.body === null) {
      throw await toError(call, response);
    }
    return this.#readEvents(response.body, signal);
  }

  /**
   * Sends any other call. The agent only says that it has got it.
   *
   * @throws {AgentError} If the agent refuses or is away.
   */
  async send(call: Call, signal: AbortSignal): Promise<void> {
    const response = await this.#post(call, signal);
    if (response.status !== 202) throw await toError(call, response);
    // It is accepted, whatever becomes of the rest of the answer.
    await response.body?.cancel().catch(() => undefined);
  }

  async #post(call: Call, signal: AbortSignal): Promise<Response> {
    try {
      return await fetch(this.url, {
        method: "POST",
        headers: this.#headers,
        body: this.codec.encodeCall(call),
        // The executor API never redirects; the token stays with this host.
        redirect: "manual",
        signal,
        ...(this.transport === undefined ? {} : { client: this.transport }),
      });
    } catch (error) {
      throw new AgentError(
        "unavailable",
        `Cannot send ${call.type} to ${this.url}: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  async *#readEvents(
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
    signal: AbortSignal,
  ): AsyncGenerator<Event> {
    for await (const record of decodeRecords(readStream(body, signal))) {
      yield this.codec.decodeEvent(record);
    }
  }
}

async function toError(call: Call, response: Response): Promise<AgentError> {
  const said = `The agent answered ${call.type} with ${response.status}`;
  try {
    const body = (await response.text()).slice(0, ERROR_TEXT_MAX);
    const failure = classifyAnswer(response.status, body);
    return new AgentError(failure, `${said}: ${body}`);
  } catch (error) {
    // Half an answer is none.
    return new AgentError(
      "unavailable",
      `${said} and broke off: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
