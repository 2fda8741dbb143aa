import type { Call, Event } from "./types.ts";

/** Turns calls into bytes and bytes into events, in one wire format. */
export interface Codec {
  /**
   * For the Content-Type and Accept headers. The agent compares the whole
   * header, so no parameter may be added (Mesos src/slave/http.cpp
   * `Http::executor`).
   */
  readonly contentType: "application/json" | "application/x-protobuf";

  /**
   * Encodes a call.
   *
   * @throws {InvariantError} If a task in it was decoded by the other codec,
   * or an enum value is not one of the schema.
   */
  encodeCall(call: Call): Uint8Array<ArrayBuffer>;

  /**
   * Decodes one record of the event stream. Unknown fields are skipped.
   *
   * @throws {CodecError} If the record is malformed; it names the field.
   */
  decodeEvent(record: Uint8Array): Event;
}

/**
 * Loads one codec. Only the chosen one is imported: the JSON codec does not
 * pay for the protobuf library.
 */
export async function loadCodec(name: "json" | "protobuf"): Promise<Codec> {
  if (name === "json") return (await import("./json_codec.ts")).jsonCodec;
  return (await import("./protobuf_codec.ts")).protobufCodec;
}
