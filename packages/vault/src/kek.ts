/** The master key (KEK) and a ring of several of them. Worker only. Nothing here prints or returns key bytes. */
import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { gcmOpen, gcmSeal, lengthPrefixed } from './aead.ts';

export const KEK_BYTES = 32;

export type KekProblem =
  | 'missing'
  | 'exists'
  | 'not_a_file'
  | 'permissions'
  | 'size'
  | 'format'
  | 'check'
  | 'source'
  | 'unknown_kek'
  | 'cipher';

/** `problem` is for code, the message for the operator: it says what to do. Never holds key bytes. */
export class KekError extends Error {
  override readonly name = 'KekError';
  readonly problem: KekProblem;
  constructor(problem: KekProblem, text: string, options?: ErrorOptions) {
    super(text, options);
    this.problem = problem;
  }
}

/** One KEK. The key itself never leaves its KeyObject; every use gets a key derived under a label of its own. */
export interface Kek {
  readonly id: string;
  /**
   * Public proof of which key this is (128 bits, hex). Kept in the file and in the database, so that a wrong file is
   * noticed at start and not at the first request.
   */
  readonly checkValue: string;
  readonly secret: KeyObject;
  /** Derived once: wrapping is on the path of every request. */
  readonly wrapSecret: KeyObject;
}

/** Takes over `raw` (32 bytes, e.g. unwrapped by a KMS): it is overwritten with zeroes before this returns or throws. */
export function kekFromBytes(id: string, raw: Buffer): Kek {
  try {
    if (raw.length !== KEK_BYTES)
      throw new KekError('size', `a master key has ${KEK_BYTES} bytes, this one ${raw.length}`);
    const secret = createSecretKey(raw);
    const checkValue = createHmac('sha256', secret)
      .update(lengthPrefixed(['ownkey/kek/check/v1', id]))
      .digest('hex')
      .slice(0, 32);
    return { id, checkValue, secret, wrapSecret: derive(secret, 'ownkey/kek/wrap/v1') };
  } finally {
    raw.fill(0);
  }
}

/**
 * One KEK that writes and any number that only read. Shared by all of a process: a rotation adds one, lets it write, and takes the
 * old one out, each from one moment to the next.
 */
export class KekRing {
  readonly #keks: Map<string, Kek>;
  #current: Kek;
  /** By KEK and label, of which there are a handful: an audit row needs one each time. */
  readonly #derived = new Map<string, KeyObject>();

  /** @throws KekError `format` when two different keys bear the same id */
  constructor(current: Kek, others: readonly Kek[] = []) {
    this.#keks = new Map([[current.id, current]]);
    this.#current = current;
    for (const kek of others) this.add(kek);
  }

  /** From now on this one reads too. @throws KekError `format` when another key bears its id */
  add(kek: Kek): void {
    const known = this.#keks.get(kek.id);
    if (known && known.checkValue !== kek.checkValue) {
      throw new KekError('format', `two different master keys bear the id ${kek.id}; remove the wrong one`);
    }
    if (!known) this.#keks.set(kek.id, kek);
  }

  /** From now on this one writes. @throws KekError `unknown_kek` */
  use(kekId: string): void {
    this.#current = this.#get(kekId);
  }

  /** From now on this one opens nothing. The one that writes stays. */
  drop(kekId: string): void {
    if (kekId === this.#current.id) return;
    this.#keks.delete(kekId);
    for (const name of this.#derived.keys()) if (name.startsWith(`${kekId} `)) this.#derived.delete(name);
  }

  get currentId(): string {
    return this.#current.id;
  }

  get ids(): readonly string[] {
    return [...this.#keks.keys()];
  }

  /** The check value of a KEK of this ring, or null when it is not in the ring. */
  checkValueOf(kekId: string): string | null {
    return this.#keks.get(kekId)?.checkValue ?? null;
  }

  /** Encrypts under the current KEK, bound to `label` and `parts`. `clear` is not erased. */
  wrap(label: string, clear: Uint8Array, parts: readonly string[]): { kek_id: string; blob: Buffer } {
    const { id, wrapSecret } = this.#current;
    return { kek_id: id, blob: gcmSeal(wrapSecret, clear, lengthPrefixed([label, id, ...parts])) };
  }

  /**
   * Undoes `wrap`; the caller erases the result.
   * @throws KekError `unknown_kek` the ring lacks this KEK; `cipher` altered, or wrapped for another label or other parts
   */
  unwrap(label: string, kekId: string, blob: Uint8Array, parts: readonly string[]): Buffer {
    const clear = gcmOpen(this.#get(kekId).wrapSecret, blob, lengthPrefixed([label, kekId, ...parts]));
    if (!clear) throw new KekError('cipher', `a value wrapped by master key ${kekId} was altered or belongs elsewhere`);
    return clear;
  }

  /**
   * A 256-bit key for another use (such as the head of the audit chain), separated by `label` and bound to one KEK (the current
   * one if not named). Kept, so `label` must be one of the product's own. @throws KekError `unknown_kek`
   */
  deriveKey(label: string, kekId: string = this.#current.id): KeyObject {
    const name = `${kekId} ${label}`;
    const known = this.#derived.get(name);
    if (known) return known;
    const key = derive(this.#get(kekId).secret, `ownkey/kek/derive/v1/${label}`);
    this.#derived.set(name, key);
    return key;
  }

  #get(kekId: string): Kek {
    const kek = this.#keks.get(kekId);
    if (!kek) {
      throw new KekError('unknown_kek', `master key ${kekId} is not loaded; add it to this worker's master key file`);
    }
    return kek;
  }
}

function derive(secret: KeyObject, label: string): KeyObject {
  const raw = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), label, 32));
  try {
    return createSecretKey(raw);
  } finally {
    raw.fill(0);
  }
}
