/**
 * Cuts a text to a number of UTF-8 bytes, between two characters. Half a
 * character, from a cut by somebody else, becomes U+FFFD: as JSON it would be
 * refused with all that it stands in.
 *
 * @returns `text` itself if it fits.
 */
export function boundText(text: string, bytesMax: number): string {
  const { read } = new TextEncoder()
    .encodeInto(text, new Uint8Array(bytesMax));
  return text.slice(0, read).toWellFormed();
}
