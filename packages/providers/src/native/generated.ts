const DELTA = Buffer.from('"delta"');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * About how many characters of generated text an event's line holds, without parsing it: the lengths of the text values inside its
 * `delta`, names of roles and types left out. For counting when a provider reports no usage.
 */
export function generatedInLine(line: Buffer): number {
  let at = line.indexOf(DELTA);
  if (at < 0) return 0;
  at += DELTA.length;
  let depth = 0;
  let count = 0;
  let keySecond = 0;
  let keyLength = 0;
  let isValue = false;
  for (; at < line.length; at++) {
    const byte = line[at];
    if (byte === QUOTE) {
      const start = at + 1;
      do at++;
      while (at < line.length && (line[at] !== QUOTE || line[at - 1] === BACKSLASH));
      if (isValue || depth === 0) {
        if (!isLabel(keyLength, keySecond)) count += at - start;
        if (depth === 0) return count;
        isValue = false;
      } else {
        keyLength = at - start;
        keySecond = line[start + 1] ?? 0;
      }
    } else if (byte === 0x3a) isValue = true;
    else if (byte === 0x2c) isValue = false;
    else if (byte === 0x7b || byte === 0x5b) {
      depth++;
      isValue = false;
    } else if (byte === 0x7d || byte === 0x5d) {
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
