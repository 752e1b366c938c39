/** A replacement of the bytes [start, end) by a text; an insertion where both are equal. */
export interface Splice {
  start: number;
  end: number;
  text: string;
}

/** The bytes with all replacements made; everything between them is the same bytes. Splices must not overlap. */
export function splice(bytes: Buffer, splices: readonly Splice[]): Buffer {
  if (splices.length === 0) return bytes;
  const parts: Buffer[] = [];
  let at = 0;
  for (const { start, end, text } of splices.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (start < at) throw new RangeError(`splice at ${start} overlaps the one before it`);
    parts.push(bytes.subarray(at, start), Buffer.from(text));
    at = end;
  }
  parts.push(bytes.subarray(at));
  return Buffer.concat(parts);
}
