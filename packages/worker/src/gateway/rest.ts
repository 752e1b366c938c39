import type { FallbackReason } from '@ownkey/contract/fallback';
import type { KeyHealth } from '../health/key-health.ts';
import type { Attempt } from './attempt.ts';
import type { Route } from './route.ts';

/** Whether one call leaves out a resting own key: asked once per key, so that a call let through to try it stays the one. */
export class Rest {
  readonly #health: Pick<KeyHealth, 'resting'>;
  #asked: { keyId: string; version: number; reason: FallbackReason | null } | null = null;
  #refused = false;

  constructor(health: Pick<KeyHealth, 'resting'>) {
    this.#health = health;
  }

  attemptOn(wanted: Attempt, { key, fallback }: Route): Attempt {
    if (wanted.kind === 'fallback' || fallback === null || this.#refused) return wanted;
    if (this.#asked?.keyId !== key.id || this.#asked.version !== key.version) {
      this.#asked = { keyId: key.id, version: key.version, reason: this.#health.resting(key) };
    }
    const { reason } = this.#asked;
    if (reason === null) return wanted;
    return { kind: 'fallback', reason, own: { id: key.id, version: key.version }, afterId: null };
  }

  /** The platform's key may not answer this call: the own one is tried, resting or not. */
  refuse(): void {
    this.#refused = true;
  }

  get fallbackRefused(): boolean {
    return this.#refused;
  }
}
