import { OwnkeyError } from '@ownkey/contract/errors';
import { addressKey } from './client-address.ts';

export interface RefusedTokensOptions {
  /** Wrong tokens in a minute from one address that get the ordinary answer. */
  readonly max?: number;
  readonly addressesMax?: number;
  readonly now?: () => number;
}

const WINDOW_MS = 60_000;
export const REFUSED_TOKENS_MAX = 60;

/**
 * Counts wrong tokens by client address; from the one after the limit each is answered 429 until the minute is over. Only wrong
 * tokens are counted and only they are answered so: a valid token passes, whatever else comes from its address. Kept in memory, by
 * each process for itself; of more than `addressesMax` addresses the longest known are forgotten.
 */
export class RefusedTokens {
  readonly #max: number;
  readonly #addressesMax: number;
  readonly #now: () => number;
  readonly #tries = new Map<string, { since: number; count: number }>();

  constructor({ max = REFUSED_TOKENS_MAX, addressesMax = 10_000, now = Date.now }: RefusedTokensOptions = {}) {
    this.#max = max;
    this.#addressesMax = addressesMax;
    this.#now = now;
  }

  /** How many addresses are known; never more than allowed. */
  get size(): number {
    return this.#tries.size;
  }

  /** The error to answer with in the place of `error`, which is counted when it says that a token is not valid. */
  answer(error: unknown, address: string): unknown {
    if (!(error instanceof OwnkeyError) || error.code !== 'auth.invalid') return error;
    const seconds = this.#note(addressKey(address));
    return seconds === 0 ? error : new OwnkeyError('auth.too_many_failures', { seconds });
  }

  #note(key: string): number {
    const now = this.#now();
    const known = this.#tries.get(key);
    if (known !== undefined && now - known.since < WINDOW_MS) {
      known.count += 1;
      return known.count > this.#max ? Math.max(1, Math.ceil((known.since + WINDOW_MS - now) / 1000)) : 0;
    }
    // Written anew, so that the map stays in the order of the windows.
    this.#tries.delete(key);
    if (this.#tries.size >= this.#addressesMax) {
      const [oldest] = this.#tries.keys();
      if (oldest !== undefined) this.#tries.delete(oldest);
    }
    this.#tries.set(key, { since: now, count: 1 });
    return 0;
  }
}
