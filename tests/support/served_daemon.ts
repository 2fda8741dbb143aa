import { matchRoute } from "../../daemon/api/router.ts";
import { AppError } from "../../shared/errors.ts";
import {
  HTTP_STATUS,
  toFailure,
  toSuccess,
} from "../../shared/manager_api/envelope.ts";
import { systemClock } from "../../shared/clock.ts";
import type { ProcessInfo } from "../../shared/manager_api/types.ts";
import { SimulatedDaemon } from "./simulated_daemon.ts";

/**
 * A simulated daemon on a real socket, for an executor that runs as a program:
 * with many processes, real ones would cost more than what is to be measured.
 */
export class ServedDaemon implements AsyncDisposable {
  readonly processes = new SimulatedDaemon(systemClock);
  readonly #following = new AbortController();
  readonly #server: Deno.HttpServer;

  /** @param socket Path that does not exist yet. */
  constructor(readonly socket: string) {
    this.#server = Deno.serve(
      { transport: "unix", path: socket, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#following.abort();
    this.processes.leave();
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    try {
      const { pathname } = new URL(request.url);
      const { operation, params } = matchRoute(request.method, pathname);
      const { id = "", timeout } = params;
      const { processes } = this;
      switch (operation) {
        case "create":
          await processes.create(await request.json() as ProcessInfo);
          return Response.json(toSuccess(null));
        case "status":
          return Response.json(toSuccess(await processes.status(id)));
        case "inspect":
          return Response.json(toSuccess(await processes.inspect(id)));
        case "stop":
          await processes.stop(id, Number(timeout));
          return Response.json(toSuccess(null));
        case "delete":
          await processes.delete(id);
          return Response.json(toSuccess(null));
        case "events":
          return await this.#follow();
        default:
          throw new AppError("NOT_FOUND", `no ${operation} here`);
      }
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const status = HTTP_STATUS[error.code];
      return Response.json(toFailure(1, error.message), { status });
    }
  }

  async #follow(): Promise<Response> {
    const { signal } = this.#following;
    const events = await this.processes.follow(undefined, signal);
    async function* toText() {
      yield ": following\n\n";
      try {
        for await (const event of events) {
          yield `id: ${event.Seq}\ndata: ${JSON.stringify(event)}\n\n`;
        }
      } catch (error) {
        // The simulation's way to say that the daemon is gone.
        if (!(error instanceof AppError)) throw error;
      }
    }
    return new Response(
      ReadableStream.from(toText()).pipeThrough(new TextEncoderStream()),
      { headers: { "content-type": "text/event-stream" } },
    );
  }
}
