import { OwnkeyError } from '@ownkey/contract/errors';
import type { FallbackReason } from '@ownkey/contract/fallback';
import type { Route } from './route.ts';
import type { Targets } from './targets.ts';

/** On whose key a call is tried: on the one that is decided, or on the platform's because the own one failed. */
export type Attempt = { kind: 'decided' } | FallbackAttempt;

export interface FallbackAttempt {
  kind: 'fallback';
  reason: FallbackReason;
  /** The own key that failed. */
  own: { id: string; version: number };
  /** The call on it that failed just before; null = it was known to fail and was not tried. */
  afterId: string | null;
}

export const DECIDED: Attempt = { kind: 'decided' };

/**
 * The route of this attempt. A fallback stands only while the key that failed is still the one decided on.
 * @throws OwnkeyError key.missing when it is not, or when nothing may follow it any more: the failure of the own key is the answer
 */
export function routeOfAttempt(targets: Targets, attempt: Attempt, decided: Route): Route {
  if (attempt.kind === 'decided') return decided;
  const { key, fallback, target, model, callerModel } = decided;
  if (fallback === null || key.id !== attempt.own.id || key.version !== attempt.own.version) {
    throw new OwnkeyError('key.missing', { provider: target.entry.name });
  }
  return { target: targets.of(fallback), key: fallback, source: 'platform', fallback: null, model, callerModel };
}
