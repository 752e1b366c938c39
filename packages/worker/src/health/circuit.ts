import type { FallbackReason } from '@ownkey/contract/fallback';
import type { KeyStatus } from '@ownkey/contract/key';

/** How long a failing key rests before a call tries it again: doubled with each failure in a row, between the two. */
const REST_MS: Readonly<Record<FallbackReason, { first: number; longest: number }>> = {
  key_rejected: { first: 15_000, longest: 600_000 },
  no_credit: { first: 15_000, longest: 600_000 },
  rate_limited: { first: 5_000, longest: 600_000 },
  outage: { first: 5_000, longest: 120_000 },
  time_out: { first: 5_000, longest: 120_000 },
};
/** A provider that stumbles once is asked again at once; one that does so this often in a row is not. */
const STUMBLES_MAX = 3;
/** While one call tries a key that failed, others do not: until it has ended, or this long. */
const TRIAL_MS = 10_000;
const KEYS_MAX = 20_000;

const BAD: ReadonlySet<KeyStatus> = new Set(['invalid', 'no_credit', 'rate_limited', 'unreachable']);

export interface KeyVersion {
  id: string;
  version: number;
}

/** A key with what its last test found. */
export interface TestedKey extends KeyVersion {
  status: KeyStatus;
  testedAt: string | null;
}

interface Failing {
  reason: FallbackReason;
  /** In a row. */
  failures: number;
  failedAt: number;
  restUntil: number;
  trialUntil: number;
  /** Its stored status was seen to say so, too: when that gets better, somebody tested or mended the key. */
  statusSeen: boolean;
  /** Its last test when it failed: a later one that found it well ends the rest. */
  testedAt: string | null;
}

/**
 * Which keys failed lately, in this process alone: so that calls that have somewhere else to go do not wait for a key that is known
 * to fail, and still find out by themselves when it works again. Bounded; times in milliseconds of the clock it is given.
 */
export class Circuits {
  readonly #keys = new Map<string, Failing>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Why the key is not tried now; null = try it. One caller at a time gets null while it fails. */
  resting(key: TestedKey): FallbackReason | null {
    const name = nameOf(key);
    const failing = this.#keys.get(name);
    if (failing === undefined) return null;
    if (BAD.has(key.status)) failing.statusSeen = true;
    else if (failing.statusSeen || key.testedAt !== failing.testedAt) {
      this.#keys.delete(name);
      return null;
    }
    const now = this.#now();
    if (now < failing.restUntil || now < failing.trialUntil) return failing.reason;
    if (failing.restUntil > 0) failing.trialUntil = now + TRIAL_MS;
    return null;
  }

  /** A call on the key failed. Calls that began before the key was put to rest change nothing. */
  failed(key: TestedKey, reason: FallbackReason, retryAfterMs: number | null): { failures: number } {
    const name = nameOf(key);
    const now = this.#now();
    const before = this.#keys.get(name);
    if (before !== undefined && now < before.restUntil) return { failures: before.failures };
    const failures = (before?.failures ?? 0) + 1;
    const stumbled = reason === 'outage' || reason === 'time_out';
    const { first, longest } = REST_MS[reason];
    const restMs =
      stumbled && failures < STUMBLES_MAX
        ? 0
        : Math.min(
            longest,
            Math.max(retryAfterMs ?? 0, first * 2 ** Math.min(failures - (stumbled ? STUMBLES_MAX : 1), 20)),
          );
    this.#keys.delete(name);
    this.#keys.set(name, {
      reason,
      failures,
      failedAt: now,
      restUntil: restMs === 0 ? 0 : now + restMs,
      trialUntil: 0,
      statusSeen: false,
      testedAt: key.testedAt,
    });
    if (this.#keys.size > KEYS_MAX) {
      const oldest = this.#keys.keys().next().value;
      if (oldest !== undefined) this.#keys.delete(oldest);
    }
    return { failures };
  }

  /**
   * A call that began at `startedAt` was answered well. Says whether that ends a failure known here: what began before the failure
   * proves nothing, nor does one good answer while the provider still limits the key.
   */
  worked(key: KeyVersion, startedAt: number): boolean {
    const name = nameOf(key);
    const failing = this.#keys.get(name);
    if (failing === undefined) return false;
    const since = failing.reason === 'rate_limited' ? failing.restUntil : failing.failedAt;
    if (startedAt < since) return false;
    this.#keys.delete(name);
    return true;
  }

  /** Whether the key is known to fail here. */
  isFailing(key: KeyVersion): boolean {
    return this.#keys.has(nameOf(key));
  }
}

function nameOf({ id, version }: KeyVersion): string {
  return `${id}:${version}`;
}
