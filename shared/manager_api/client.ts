import { AppError } from "../errors.ts";
import { fetchReasonOf } from "../fetch_reason.ts";
import { readStream } from "../read_stream.ts";
import { fromEnvelope } from "./envelope.ts";
import { LOG_START_HEADER, type Operation, pathOf, ROUTES } from "./routes.ts";
import { ServerSentEventParseStream } from "../std/streams.ts";
import type {
  ExecRequest,
  ExecResult,
  HandOver,
  HealthInfo,
  LeaseInfo,
  Limits,
  LogPart,
  LogQuery,
  ProcessEvent,
  ProcessFile,
  ProcessInfo,
  ProcessInspection,
  ProcessStatusInfo,
  VersionInfo,
} from "./types.ts";

/**
 * Stands in URLs, as HTTP wants a host, though nothing is sent there. Deno
 * asks for permission to reach it beside that for the socket. An address, as
 * a name would be looked up (which takes 5 s where no resolver answers), and
 * a port that nobody serves.
 */
export const DAEMON_HOST = "127.0.0.1:2";

/** Longest wait for an answer, ms. */
const CALL_MS_MAX = 10_000;
/** The longest that a timer holds, ms: beyond it, it is over at once. */
const TIMER_MS_MAX = 2_147_483_647;
/** The same for a stop, beyond the time that it may take, ms. */
const STOP_MARGIN_MS = 30_000;
/** The same for a restart: its command, and the way to running again. */
const RESTART_MS_MAX = 600_000;
/** The same for a reload, which may be a command of the process. */
const RELOAD_MS_MAX = 90_000;
/** The same for a file, which may have to be fetched. */
const FILE_MS_MAX = 150_000;

/** What an executor needs of the Manager API; the rest is an operator's. */
export type ProcessManager = Omit<
  ManagerClient,
  "close" | "handOver" | "logs" | "followLogs" | "health" | "version"
>;

/** Speaks the Manager API over the daemon's unix socket. */
export class ManagerClient {
  readonly #client: Deno.HttpClient;

  /** @param socketPath Absolute path of the daemon's socket. */
  constructor(private readonly socketPath: string) {
    this.#client = Deno.createHttpClient({
      proxy: { transport: "unix", path: socketPath },
    });
  }

  /**
   * Registers a process; it starts on its own.
   *
   * @throws {AppError} INVALID_ARGUMENT, ALREADY_EXISTS, UNAVAILABLE
   */
  async create(info: ProcessInfo): Promise<void> {
    await this.#call("create", {}, { body: JSON.stringify(info) });
  }

  /** Lists every process of the host. */
  async list(): Promise<ProcessStatusInfo[]> {
    return await this.#call("list") as ProcessStatusInfo[];
  }

  /** @throws {AppError} NOT_FOUND, UNAVAILABLE */
  async inspect(id: string): Promise<ProcessInspection> {
    return await this.#call("inspect", { id }) as ProcessInspection;
  }

  /** @throws {AppError} NOT_FOUND, UNAVAILABLE */
  async status(id: string): Promise<ProcessStatusInfo> {
    return await this.#call("status", { id }) as ProcessStatusInfo;
  }

  /**
   * Stops a process; resolves when nothing of it is left.
   *
   * @param timeoutS Whole seconds until force; 0 = its definition's.
   * @throws {AppError} NOT_FOUND, UNAVAILABLE
   */
  async stop(id: string, timeoutS: number): Promise<void> {
    await this.#call("stop", { id, timeout: String(timeoutS) }, {
      limitMs: STOP_MARGIN_MS + timeoutS * 1000,
    });
  }

  /** @throws {AppError} FAILED_PRECONDITION unless stopped; UNAVAILABLE */
  async delete(id: string): Promise<void> {
    await this.#call("delete", { id });
  }

  /**
   * Restarts a process; resolves when it runs again.
   *
   * @param timeoutS Whole seconds for its stop; 0 = its definition's.
   * @throws {AppError} NOT_FOUND; FAILED_PRECONDITION if it does not run
   * afterwards; UNAVAILABLE
   */
  async restart(id: string, timeoutS: number): Promise<void> {
    await this.#call("restart", { id, timeout: String(timeoutS) }, {
      limitMs: RESTART_MS_MAX + timeoutS * 1000,
    });
  }

  /**
   * Has a process read its configuration again: by its reload command, else
   * by SIGHUP.
   *
   * @throws {AppError} NOT_FOUND; FAILED_PRECONDITION unless it runs or if the
   * command failed; UNAVAILABLE
   */
  async reload(id: string): Promise<void> {
    await this.#call("reload", { id }, { limitMs: RELOAD_MS_MAX });
  }

  /**
   * Sends a signal to the main process.
   *
   * @param signal A name such as `HUP`, or a number.
   * @throws {AppError} INVALID_ARGUMENT; NOT_FOUND; FAILED_PRECONDITION unless
   * it runs; UNAVAILABLE
   */
  async signal(id: string, signal: string): Promise<void> {
    await this.#call("signal", { id, signal });
  }

  /**
   * Runs a command in the context of a running process.
   *
   * @throws {AppError} INVALID_ARGUMENT; NOT_FOUND; FAILED_PRECONDITION unless
   * the process runs or if the command cannot be started; RESOURCE_EXHAUSTED;
   * UNAVAILABLE
   */
  async exec(id: string, request: ExecRequest): Promise<ExecResult> {
    return await this.#call("exec", { id }, {
      body: JSON.stringify(request),
      limitMs: CALL_MS_MAX + request.Timeout * 1000,
    }) as ExecResult;
  }

  /**
   * Writes a file for a process.
   *
   * @throws {AppError} INVALID_ARGUMENT; NOT_FOUND; FAILED_PRECONDITION if it
   * cannot be fetched or written; UNAVAILABLE
   */
  async writeFile(id: string, file: ProcessFile): Promise<void> {
    await this.#call("writeFile", { id }, {
      body: JSON.stringify(file),
      limitMs: FILE_MS_MAX,
    });
  }

  /**
   * Changes the limits of a process, at once and for every later start.
   *
   * @throws {AppError} INVALID_ARGUMENT; NOT_FOUND; FAILED_PRECONDITION if the
   * host cannot limit; UNAVAILABLE
   */
  async setLimits(id: string, limits: Limits): Promise<void> {
    await this.#call("setLimits", { id }, { body: JSON.stringify(limits) });
  }

  /**
   * Says that an executor is alive: the leases of all its processes begin anew.
   *
   * @returns How many they are, and how long the shortest lease is.
   * @throws {AppError} NOT_FOUND if the daemon knows no leases; UNAVAILABLE
   */
  async heartbeat(owner: string): Promise<LeaseInfo> {
    return await this.#call("heartbeat", { owner }) as LeaseInfo;
  }

  /**
   * Gives a process to another owner, whose lease begins now.
   *
   * @param from The owner until now; "" = nobody.
   * @param to The new one; "" = nobody.
   * @throws {AppError} NOT_FOUND; FAILED_PRECONDITION if that is not its owner;
   * UNAVAILABLE
   */
  async handOver(id: string, from: string, to: string): Promise<void> {
    const handOver: HandOver = { From: from, To: to };
    await this.#call("handOver", { id }, { body: JSON.stringify(handOver) });
  }

  /**
   * Reads a part of a log.
   *
   * @throws {AppError} INVALID_ARGUMENT; NOT_FOUND; UNAVAILABLE
   */
  async logs(id: string, query: LogQuery): Promise<LogPart> {
    const response = await this.#openLogs(id, query, {});
    try {
      const bytes = await response.bytes();
      const start = Number(response.headers.get(LOG_START_HEADER));
      return { start, end: start + bytes.length, bytes };
    } catch (error) {
      throw this.#unavailable(error);
    }
  }

  /**
   * Follows a log: what is asked for, and then all that comes. Ends when the
   * process is deleted, the daemon leaves, or `signal` is aborted; whoever asks
   * again from the last `end` misses nothing.
   *
   * @throws {AppError} INVALID_ARGUMENT; NOT_FOUND; UNAVAILABLE, also amid it
   */
  async followLogs(
    id: string,
    query: LogQuery,
    signal: AbortSignal,
  ): Promise<AsyncIterable<LogPart>> {
    const response = await this.#openLogs(id, query, { follow: "1" }, signal);
    return this.#readParts(response, signal);
  }

  /** @throws {AppError} NOT_FOUND if the daemon is an original; UNAVAILABLE */
  async health(): Promise<HealthInfo> {
    return await this.#call("health") as HealthInfo;
  }

  /** @throws {AppError} NOT_FOUND if the daemon is an original; UNAVAILABLE */
  async version(): Promise<VersionInfo> {
    return await this.#call("version") as VersionInfo;
  }

  /** Lists stored events after a sequence number. */
  async events(after: number): Promise<ProcessEvent[]> {
    const path = `${pathOf("events")}?after=${after}`;
    const response = await this.#fetch(path, { method: "GET" });
    return await this.#readEnvelope(response) as ProcessEvent[];
  }

  /**
   * Follows all events. The stream is open when this resolves; it ends when
   * the daemon leaves or `signal` is aborted.
   *
   * @param after Only events after this one; absent = from now on.
   * @throws {AppError} NOT_FOUND if the daemon has no events; UNAVAILABLE, also
   * amid it
   */
  async follow(
    after: number | undefined,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ProcessEvent>> {
    const query = after === undefined ? "" : `?after=${after}`;
    const response = await this.#fetch(`${pathOf("events")}${query}`, {
      method: "GET",
      headers: { accept: "text/event-stream" },
      signal,
    });
    const type = response.headers.get("content-type") ?? "";
    if (!type.startsWith("text/event-stream") || response.body === null) {
      await response.body?.cancel();
      throw new AppError("NOT_FOUND", "The daemon offers no stream of events");
    }
    return this.#readEvents(response.body, signal);
  }

  close(): void {
    this.#client.close();
  }

  async #openLogs(
    id: string,
    { stream, ...rest }: LogQuery,
    more: Readonly<Record<string, string>>,
    signal = AbortSignal.timeout(CALL_MS_MAX),
  ): Promise<Response> {
    const query = new URLSearchParams({ stream, ...more });
    for (const [key, value] of Object.entries(rest)) {
      if (value !== undefined) query.set(key, String(value));
    }
    const path = `${pathOf("logs", { id })}?${query}`;
    const response = await this.#fetch(path, { method: "GET", signal });
    if (response.headers.has(LOG_START_HEADER)) return response;
    await this.#readEnvelope(response);
    throw new AppError("NOT_FOUND", "The daemon offers no logs");
  }

  async #call(
    operation: Operation,
    params: Readonly<Record<string, string>> = {},
    { body, limitMs = CALL_MS_MAX }: {
      readonly body?: string;
      readonly limitMs?: number;
    } = {},
  ): Promise<unknown> {
    const response = await this.#fetch(pathOf(operation, params), {
      method: ROUTES[operation].method,
      signal: AbortSignal.timeout(Math.min(limitMs, TIMER_MS_MAX)),
      ...(body === undefined ? {} : {
        body,
        headers: { "content-type": "application/json" },
      }),
    });
    return await this.#readEnvelope(response);
  }

  /** The daemon may be gone before all of its answer is here. */
  async #readEnvelope(response: Response): Promise<unknown> {
    let text: string;
    try {
      text = await response.text();
    } catch (error) {
      throw this.#unavailable(error);
    }
    return fromEnvelope(response.status, text);
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(`http://${DAEMON_HOST}${path}`, {
        ...init,
        client: this.#client,
      });
    } catch (error) {
      const isTimeUp = error instanceof DOMException &&
        error.name === "TimeoutError";
      if (init.signal?.aborted && !isTimeUp) throw error;
      throw this.#unavailable(error);
    }
  }

  #unavailable(error: unknown): AppError {
    return new AppError(
      "UNAVAILABLE",
      `Cannot reach the process daemon on ${this.socketPath}: ` +
        fetchReasonOf(error),
      { cause: error },
    );
  }

  async *#readParts(
    response: Response,
    signal: AbortSignal,
  ): AsyncGenerator<LogPart> {
    let start = Number(response.headers.get(LOG_START_HEADER));
    if (response.body === null) return;
    for await (const bytes of this.#read(response.body, signal)) {
      const end = start + bytes.length;
      yield { start, end, bytes };
      start = end;
    }
  }

  async *#readEvents(
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
    signal: AbortSignal,
  ): AsyncGenerator<ProcessEvent> {
    const events = body.pipeThrough(new ServerSentEventParseStream());
    for await (const { data } of this.#read(events, signal)) {
      if (data !== undefined) yield JSON.parse(data) as ProcessEvent;
    }
  }

  /** A daemon that is killed breaks off amid a stream. */
  async *#read<T>(
    stream: ReadableStream<T>,
    signal: AbortSignal,
  ): AsyncGenerator<T> {
    try {
      yield* readStream(stream, signal);
    } catch (error) {
      throw this.#unavailable(error);
    }
  }
}
