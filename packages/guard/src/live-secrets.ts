/**
 * Finding keys that are in use right now by fingerprint, wherever they stand in a text and whatever they look like, without
 * keeping them. Kept per key and encoding: a 32-bit rolling hash and a MAC of its last 12 characters, and a MAC of the whole, all
 * under secrets that live in this process only. A text is read once, however many keys are watched; a hash that matches by chance
 * (1 in 2^32 a position and key) is sorted out by the MAC.
 *
 * Also found: the last part of a key, from 12 characters on. Not found: a part that lacks them.
 */
import { createHmac, randomBytes, randomFillSync } from 'node:crypto';
import { encodingsOf, type SecretForm } from './secret-encodings.ts';

/** Characters compared at a time, and shortest key that can be watched. */
export const WINDOW = 12;

const BASE64 = /[A-Za-z0-9+/_-]/;
const TOKEN = /[A-Za-z0-9_+/=-]/;

interface Watched {
  readonly length: number;
  readonly tail: string;
  readonly whole: string;
  readonly sharesBefore: boolean;
  readonly sharesAfter: boolean;
  holders: number;
}

export class LiveSecrets {
  readonly #macKey = randomBytes(32);
  readonly #in = randomFillSync(new Int32Array(256));
  readonly #out = this.#in.map((value) => rotate(value, WINDOW));
  /** By the rolling hash of the last WINDOW characters. */
  readonly #watched = new Map<number, Watched[]>();

  /**
   * Watches a key until the function given back is called; watching one key twice counts twice. The bytes are not kept, not changed
   * and never become a string. A key of less than 12 bytes is not watched: it would match ordinary text.
   */
  watch(clearKey: Uint8Array): () => void {
    const entries = clearKey.length < WINDOW ? [] : this.#add(clearKey);
    let active = true;
    return () => {
      if (active) for (const [hash, entry] of entries) this.#drop(hash, entry);
      active = false;
    };
  }

  get size(): number {
    return this.#watched.size;
  }

  /** `text` with every watched key, also in hex, base64 and escaped form, replaced. */
  scrub(text: string, replacement: string): string {
    if (this.#watched.size === 0 || text.length < WINDOW) return text;
    const found: [start: number, end: number][] = [];
    let hash = 0;
    for (let i = 0; i < text.length; i++) {
      hash = rotate(hash, 1) ^ (this.#in[text.charCodeAt(i) & 255] ?? 0);
      if (i >= WINDOW) hash ^= this.#out[text.charCodeAt(i - WINDOW) & 255] ?? 0;
      if (i < WINDOW - 1) continue;
      const candidates = this.#watched.get(hash);
      if (!candidates) continue;
      const place = this.#placeOf(text, i + 1, candidates);
      if (place === null) continue;
      let [start, end] = place;
      // Keys within keys: what overlaps is one place of the text.
      for (let last = found.at(-1); last && last[1] > start; last = found.at(-1)) {
        start = Math.min(start, last[0]);
        end = Math.max(end, last[1]);
        found.pop();
      }
      found.push([start, end]);
    }
    let clean = '';
    let kept = 0;
    for (const [start, end] of found) {
      clean += text.slice(kept, start) + replacement;
      kept = end;
    }
    return clean + text.slice(kept);
  }

  /** Where the key that ends at `end` stands; null when none ends there. */
  #placeOf(text: string, end: number, candidates: readonly Watched[]): [start: number, end: number] | null {
    const tail = this.#mac(text.slice(end - WINDOW, end));
    const ending = candidates.filter((entry) => entry.tail === tail);
    if (ending.length === 0) return null;
    const whole = ending.filter((entry) => entry.whole === this.#mac(text.slice(Math.max(0, end - entry.length), end)));
    const known = whole.length > 0 ? whole : ending;
    const last = known.some((entry) => entry.sharesAfter) ? endOfBase64(text, end) : end;
    const floor = Math.max(0, end - Math.max(...known.map((entry) => entry.length)));
    if (whole.length > 0) {
      const shares = whole.some((entry) => entry.sharesBefore) && BASE64.test(text.charAt(floor - 1));
      return [shares ? floor - 1 : floor, last];
    }
    // Only the last part of a key (cut, or split over two lines): with it goes the run of token characters before it.
    let start = end - WINDOW;
    while (start > floor && TOKEN.test(text.charAt(start - 1))) start--;
    return [start, last];
  }

  #add(clearKey: Uint8Array): [number, Watched][] {
    const entries: [number, Watched][] = [];
    for (const form of encodingsOf(clearKey)) {
      if (form.bytes.length >= WINDOW) entries.push(this.#addOne(form));
      form.bytes.fill(0);
    }
    return entries;
  }

  #addOne({ bytes, sharesBefore, sharesAfter }: SecretForm): [number, Watched] {
    const window = bytes.subarray(bytes.length - WINDOW);
    let hash = 0;
    for (const byte of window) hash = rotate(hash, 1) ^ (this.#in[byte] ?? 0);
    const whole = this.#mac(bytes);
    const same = this.#watched.get(hash) ?? [];
    const known = same.find((entry) => entry.whole === whole);
    if (known) {
      known.holders++;
      return [hash, known];
    }
    const entry = { length: bytes.length, tail: this.#mac(window), whole, sharesBefore, sharesAfter, holders: 1 };
    this.#watched.set(hash, [...same, entry]);
    return [hash, entry];
  }

  #drop(hash: number, entry: Watched): void {
    entry.holders--;
    if (entry.holders > 0) return;
    const rest = (this.#watched.get(hash) ?? []).filter((other) => other !== entry);
    if (rest.length > 0) this.#watched.set(hash, rest);
    else this.#watched.delete(hash);
  }

  #mac(part: string | Uint8Array): string {
    return createHmac('sha256', this.#macKey).update(part).digest('base64');
  }
}

/** Behind the last character that is the key's alone comes one that it shares, and the padding. */
function endOfBase64(text: string, end: number): number {
  let last = BASE64.test(text.charAt(end)) ? end + 1 : end;
  while (last < end + 3 && text.charAt(last) === '=') last++;
  return last;
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
