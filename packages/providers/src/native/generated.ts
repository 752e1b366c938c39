/** Without its first quote, which occurs everywhere. */
const DELTA = 'delta"';
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * About how many characters of generated text the events of a piece of a stream hold, without parsing it: the lengths of the text
 * values inside every `delta`, names of roles and types left out. For counting when a provider reports no usage.
 */
export function generatedIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf(DELTA); at >= 0; at = text.indexOf(DELTA, at)) {
    const isKey = text.charCodeAt(at - 1) === QUOTE;
    at += DELTA.length;
    if (isKey) count += generatedFrom(text, at);
  }
  return count;
}

/** From behind the key to the end of its value, a text or an object. */
function generatedFrom(text: string, from: number): number {
  let depth = 0;
  let count = 0;
  let keySecond = 0;
  let keyLength = 0;
  let isValue = false;
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const start = at + 1;
      at = text.indexOf('"', start);
      while (at > 0 && text.charCodeAt(at - 1) === BACKSLASH) at = text.indexOf('"', at + 1);
      if (at < 0) return count;
      if (depth === 0) return at - start;
      if (isValue) {
        if (!isLabel(keyLength, keySecond)) count += at - start;
        isValue = false;
      } else {
        keyLength = at - start;
        keySecond = text.charCodeAt(start + 1);
      }
    } else if (code === 0x3a) isValue = true;
    else if (code === 0x2c) isValue = depth === 0;
    else if (code === 0x7b || code === 0x5b) {
      depth++;
      isValue = false;
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
      if (depth <= 0) return count;
    }
  }
  return count;
}

/** "type", "role", "id": values of these keys are labels, not generated text ("text" and "name" are not among them). */
function isLabel(length: number, second: number): boolean {
  return (length === 4 && (second === 0x79 || second === 0x6f)) || length === 2;
}
