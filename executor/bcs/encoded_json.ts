/** A JSON object, and the text it was read from. */
export interface EncodedObject {
  readonly text: string;
  readonly value: object;
}

/**
 * Decodes what the BCS scheduler puts into a bytes field. In Mesos' JSON
 * mapping that is base64, and the scheduler has encoded the JSON in base64
 * once before; the JSON directly in the field is accepted as well.
 *
 * @param base64 The field; undefined when absent.
 * @returns undefined for all that is no JSON object: opaque bytes are no
 * mistake.
 */
export function decodeJsonObject(
  base64: string | undefined,
): EncodedObject | undefined {
  const once = decodeText(base64);
  return parseObject(once) ?? parseObject(decodeText(once));
}

function decodeText(base64: string | undefined): string | undefined {
  if (!base64) return undefined;
  try {
    const bytes = Uint8Array.fromBase64(base64);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function parseObject(text: string | undefined): EncodedObject | undefined {
  if (!text?.trimStart().startsWith("{")) return undefined;
  try {
    return { text, value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
