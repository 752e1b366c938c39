/** Cuts an export into records without ever holding more than one, whatever is in it. */

/** Longer records are reported and passed over. Bytes. */
export const RECORD_BYTES_MAX = 1_048_576;

export interface RawRecord {
  /** Of its first byte, from 1. */
  readonly line: number;
  /** Without the line break; null when there were more than `RECORD_BYTES_MAX`. */
  readonly bytes: Buffer | null;
}

const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;

type State = 'field_start' | 'plain' | 'quoted' | 'quote_in_quoted';

/**
 * Records of `chunks`, which end with a line feed. With `quoting`, one inside a quoted CSV field ends none; a quote that never closes
 * costs at most `RECORD_BYTES_MAX` and the rest of its line.
 */
export async function* splitRecords(chunks: AsyncIterable<Buffer>, quoting: boolean): AsyncGenerator<RawRecord> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let tooLong = false;
  let line = 1;
  let firstLine = 1;
  let state: State = 'field_start';
  const take = (): RawRecord => {
    const record = { line: firstLine, bytes: tooLong ? null : Buffer.concat(held, heldBytes) };
    held = [];
    heldBytes = 0;
    tooLong = false;
    state = 'field_start';
    firstLine = line;
    return record;
  };
  const hold = (piece: Buffer): void => {
    if (tooLong || heldBytes + piece.length > RECORD_BYTES_MAX) {
      tooLong = true;
      held = [];
      heldBytes = 0;
      state = 'plain';
    } else if (piece.length > 0) {
      held.push(piece);
      heldBytes += piece.length;
    }
  };
  /** Follows the quotes of chunk[from, to), which has no line feed in it. */
  const walk = (chunk: Buffer, from: number, to: number): State => {
    if (tooLong) return 'plain';
    for (let i = from; i < to; i++) state = stateAfter(state, chunk[i] ?? 0);
    return state;
  };
  for await (const chunk of chunks) {
    let start = 0;
    const nextBreak = (from: number): number => chunk.indexOf(LINE_FEED, from);
    for (let at = nextBreak(0); at >= 0; at = nextBreak(at + 1)) {
      line++;
      const inside = quoting && walk(chunk, start, at) === 'quoted';
      hold(chunk.subarray(start, inside && !tooLong ? at + 1 : at));
      start = at + 1;
      if (!inside || tooLong) yield take();
    }
    if (quoting) walk(chunk, start, chunk.length);
    hold(chunk.subarray(start));
  }
  if (tooLong || heldBytes > 0) yield take();
}

function stateAfter(state: State, byte: number): State {
  if (state === 'quoted') return byte === QUOTE ? 'quote_in_quoted' : 'quoted';
  if (state === 'field_start' && byte === QUOTE) return 'quoted';
  if (state === 'quote_in_quoted' && byte === QUOTE) return 'quoted';
  return byte === COMMA ? 'field_start' : 'plain';
}
