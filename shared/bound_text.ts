/**
 * Cuts a text to a number of UTF-8 bytes, between two characters. Half a
 * character, from a cut by somebody else, becomes U+FFFD: as JSON it would be
 * refused with all that it stands in.
 *
 * @returns `text` itself if it fits.
 */
export function boundText(text: string, bytesMax: number): string {
  // A unit of UTF-16 has at most three bytes: mostly nothing is to be encoded.
  if (text.length * 3 <= bytesMax) return text.toWellFormed();
  const { read } = new TextEncoder()
    .encodeInto(text, new Uint8Array(bytesMax));
  return text.slice(0, read).toWellFormed();
}
