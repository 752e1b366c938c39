/** A replacement of the bytes [start, end) by a text; an insertion where both are equal. */
export interface Splice {
  start: number;
  end: number;
  text: string;
}

/** The bytes with all replacements made; everything between them is the same bytes. Splices must not overlap. */
export function splice(bytes: Buffer, splices: readonly Splice[]): Buffer {
  if (splices.length === 0) return bytes;
  const ordered = splices.length === 1 ? splices : splices.toSorted((a, b) => a.start - b.start || a.end - b.end);
  let length = bytes.length;
  for (const { start, end, text } of ordered) length += Buffer.byteLength(text) - (end - start);
  const out = Buffer.allocUnsafe(length);
  let from = 0;
  let to = 0;
  for (const { start, end, text } of ordered) {
    if (start < from) throw new RangeError(`splice at ${start} overlaps the one before it`);
    to += bytes.copy(out, to, from, start);
    to += out.write(text, to);
    from = end;
  }
  bytes.copy(out, to, from);
  return out;
}
