/** What a server tells versions of a content apart by; "" = nothing. */
export interface Validators {
  readonly etag: string;
  readonly lastModified: string;
}

/** Those of an answer. */
export function validatorsOf(headers: Headers): Validators {
  return {
    etag: headers.get("etag") ?? "",
    lastModified: headers.get("last-modified") ?? "",
  };
}

/** Asks for a content unless it is the one that is known. */
export function unlessSame(known: Validators | null): Record<string, string> {
  return {
    ...(known?.etag ? { "if-none-match": known.etag } : {}),
    ...(known?.lastModified ? { "if-modified-since": known.lastModified } : {}),
  };
}

/** Whether equal ones stand for equal bytes (RFC 9110, 8.8.1). */
export function isStrong(etag: string): boolean {
  return etag.startsWith('"');
}

/**
 * What `If-Range` may say of the content of an answer, so that the rest of
 * just these bytes comes: a strong ETag, or a date that is at least a second
 * before the answer's (RFC 9110, 8.8.2.2 and 13.1.5).
 *
 * @returns "" if there is nothing of the kind.
 */
export function rangeValidatorOf(headers: Headers): string {
  const { etag, lastModified } = validatorsOf(headers);
  if (isStrong(etag)) return etag;
  if (etag !== "" || lastModified === "") return "";
  const ageMs = Date.parse(headers.get("date") ?? "") -
    Date.parse(lastModified);
  return ageMs >= 1000 ? lastModified : "";
}
