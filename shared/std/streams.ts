import { ServerSentEventParseStream as UntypedParse } from "@std/http/server-sent-event-parse-stream";
import { TextLineStream as UntypedLine } from "@std/streams/text-line-stream";

/** One server-sent event. */
export interface ServerSentEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
}

/** Bytes to server-sent events: the standard library's, with types. */
export const ServerSentEventParseStream: new () => TransformStream<
  Uint8Array<ArrayBuffer>,
  ServerSentEvent
> = UntypedParse;

/** Text in any pieces to lines: the standard library's, with types. */
export const TextLineStream: new () => TransformStream<string, string> =
  UntypedLine;
