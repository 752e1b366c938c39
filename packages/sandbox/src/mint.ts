import { createHash } from 'node:crypto';

const ALPHABETS: Readonly<Record<string, string>> = {
  alnum: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
  lower: 'abcdefghijklmnopqrstuvwxyz0123456789',
  hex: '0123456789abcdef',
  digits: '0123456789',
};

/**
 * Makes ids, and other text that only has to look random, from a seed: the same request gets the same answer, byte for byte.
 * Each call moves on, so that two ids of one answer differ.
 */
export class Mint {
  readonly #seed: string;
  #count = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** Text of `length` characters; `kind` is alnum, lower, hex, digits or uuid. Throws on another kind. */
  text(kind: string, length: number): string {
    if (kind === 'uuid') {
      const hex = this.text('hex', 32);
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
    }
    const alphabet = ALPHABETS[kind];
    if (alphabet === undefined) throw new Error(`No alphabet is called ${kind}`);
    let made = '';
    while (made.length < length) {
      for (const byte of this.#bytes()) {
        if (made.length === length) break;
        made += alphabet[byte % alphabet.length] ?? '';
      }
    }
    return made;
  }

  /** A number from 0 to `below` - 1. */
  number(below: number): number {
    return this.#bytes().readUInt32BE(0) % below;
  }

  #bytes(): Buffer {
    this.#count += 1;
    return createHash('sha256').update(`${this.#seed}:${this.#count}`).digest();
  }
}

/** Seed of a request: what was asked, not who asked (the key is left out), so that answers do not depend on the key. */
export function seedOf(...parts: (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}
