/**
 * The sandbox's token rule: one token per 4 bytes of UTF-8, rounded up. No provider counts like this; it makes every cost
 * computable by hand.
 */
export const BYTES_PER_TOKEN = 4;
/** Input tokens of one image, whatever its size. */
export const TOKENS_PER_IMAGE = 100;

export function tokensOfBytes(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}

export function tokensOf(text: string): number {
  return tokensOfBytes(Buffer.byteLength(text));
}

/** The longest start of `text` that has at most `tokens` tokens and ends between characters. */
export function cutToTokens(text: string, tokens: number): string {
  const limit = tokens * BYTES_PER_TOKEN;
  if (Buffer.byteLength(text) <= limit) return text;
  let bytes = 0;
  let kept = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > limit) return kept;
    kept += character;
  }
  return kept;
}

/** Splits text into pieces of about a word each, as streams deliver them; joined they are the text again. */
export function piecesOf(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}
