import { messageOf } from "./errors.ts";

/** What Deno puts before the reason: the address again, and where it failed. */
const PREAMBLE =
  /^fetch failed: |error sending request for url \(.*?\): |client error \(\w+\): /g;

/** Why a fetch has failed, without the address, which is known. */
export function fetchReasonOf(error: unknown): string {
  return messageOf(error).replaceAll(PREAMBLE, "");
}
