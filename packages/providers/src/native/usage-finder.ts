import { parseJson } from '../json.ts';

const KEY = Buffer.from('"usage"');
/** Longest object captured. Real ones have some hundred bytes. */
const CAPTURE_BYTES_MAX = 64 * 1024;

/**
 * Finds `"usage": {…}` objects in JSON bytes that come in chunks cut anywhere, without parsing or keeping the rest. In JSON text the
 * key with its quotes cannot occur inside a string, where quotes are escaped. Gives every object it finds to `found`.
 */
export class UsageFinder {
  readonly #found: (value: unknown) => void;
  #tail = Buffer.alloc(0);
  #capture: Buffer[] | null = null;
  #captured = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  constructor(found: (value: unknown) => void) {
    this.#found = found;
  }

  push(chunk: Buffer): void {
    let at = 0;
    let bytes = chunk;
    if (this.#capture !== null) {
      at = this.#continue(chunk, 0);
      if (at < 0) return;
    } else if (this.#tail.length > 0) {
      bytes = Buffer.concat([this.#tail, chunk]);
    }
    this.#search(bytes, at);
  }

  #search(bytes: Buffer, from: number): void {
    let at = from;
    for (;;) {
      const key = bytes.indexOf(KEY, at);
      if (key < 0) {
        // Enough for a key cut in two, or a key whose value is not here yet.
        this.#tail = Buffer.from(bytes.subarray(Math.max(at, bytes.length - KEY.length)));
        return;
      }
      const value = valueStart(bytes, key + KEY.length);
      if (value >= bytes.length) {
        this.#tail = Buffer.from(bytes.subarray(key, Math.min(bytes.length, key + 64)));
        return;
      }
      at = value;
      if (bytes[value] !== 0x7b) continue;
      this.#capture = [];
      this.#captured = 0;
      this.#depth = 0;
      this.#inString = false;
      this.#escaped = false;
      at = this.#continue(bytes, value);
      if (at < 0) return;
    }
  }

  /** Follows the object; returns the first byte behind it, or -1 when it goes on in the next chunk. */
  #continue(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at];
      if (this.#escaped) this.#escaped = false;
      else if (this.#inString) {
        if (byte === 0x5c) this.#escaped = true;
        else if (byte === 0x22) this.#inString = false;
      } else if (byte === 0x22) this.#inString = true;
      else if (byte === 0x7b) this.#depth++;
      else if (byte === 0x7d && --this.#depth === 0) {
        const parts = [...(this.#capture ?? []), bytes.subarray(from, at + 1)];
        this.#capture = null;
        this.#tail = Buffer.alloc(0);
        const value = parseJson(Buffer.concat(parts).toString());
        if (value !== undefined) this.#found(value);
        return at + 1;
      }
    }
    this.#captured += bytes.length - from;
    if (this.#captured > CAPTURE_BYTES_MAX) {
      this.#capture = null;
      return bytes.length;
    }
    this.#capture?.push(Buffer.from(bytes.subarray(from)));
    this.#tail = Buffer.alloc(0);
    return -1;
  }
}

/** First byte of the value behind a key, or the length where it is not here. */
function valueStart(bytes: Buffer, from: number): number {
  let at = from;
  let colon = false;
  for (; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x3a && !colon) colon = true;
    else if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
  }
  return at;
}
