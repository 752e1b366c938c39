/** What the answers of a key test mean. Pure. Never `invalid` for anything but a provider's clear rejection of the key itself. */

import type { ProviderFailure } from '@ownkey/contract/dialect';
import type { ErrorCode } from '@ownkey/contract/errors';
import type { KeyPermissions, KeyStatus } from '@ownkey/contract/key';

/** The part of an answer that the verdict reads. */
export interface Seen {
  readonly status: number | null;
  readonly failure: Pick<ProviderFailure, 'kind' | 'status' | 'code' | 'message'> | null;
  readonly lost: ErrorCode | null;
  /** The answer had begun well before it was lost: the key was taken. */
  readonly begun?: boolean;
}

export interface Verdict {
  readonly status: KeyStatus;
  readonly permissions: KeyPermissions;
  /** The provider said itself that this key is not one. */
  readonly rejected: boolean;
  /** The answer that decided, for its words. */
  readonly because: Seen | null;
}

type Meaning = 'good' | 'unreachable' | 'undecryptable' | ProviderFailure['kind'];

export function meaningOf(seen: Seen): Meaning {
  if (seen.lost === 'key.undecryptable' || seen.lost === 'key.destination_changed') return 'undecryptable';
  if (seen.lost === 'provider.unreachable' || seen.lost === 'provider.time_out') return 'unreachable';
  if (seen.lost !== null) return seen.begun ? 'good' : 'unreadable';
  return seen.failure?.kind ?? 'good';
}

/** Whether a generation can still tell more than the first answer did. */
export function isWorthGenerating(list: Seen): boolean {
  return !['key_rejected', 'no_credit', 'rate_limited', 'unreachable', 'undecryptable'].includes(meaningOf(list));
}

/** Whether another model may come out differently: this one is gone, not for this key, or takes other parameters. */
export function isWorthAnotherModel(generation: Seen): boolean {
  return ['not_found', 'bad_request', 'key_restricted'].includes(meaningOf(generation));
}

/**
 * `list`: the first, free call. `generation`: the last generation tried, null when none was. `provesKey`: the first call answers
 * well to real keys only.
 */
export function decideVerdict(list: Seen, generation: Seen | null, provesKey: boolean): Verdict {
  const listed = meaningOf(list);
  const permissions: KeyPermissions = {};
  if (listed === 'good') permissions.list_models = true;
  else if (listed === 'key_restricted') permissions.list_models = false;
  const proven = listed === 'good' && provesKey;
  const verdict = (status: KeyStatus, because: Seen | null, rejected = false): Verdict => ({
    status,
    permissions,
    rejected,
    because,
  });
  if (generation === null) {
    if (listed === 'good') return provesKey ? verdict('valid', null) : verdict('pending', null);
    return verdict(statusOf(listed), list, listed === 'key_rejected');
  }
  const generated = meaningOf(generation);
  switch (generated) {
    case 'good':
    case 'refused':
      permissions.generate = true;
      return verdict(listed === 'key_restricted' ? 'limited' : 'valid', listed === 'key_restricted' ? list : null);
    case 'key_restricted':
      permissions.generate = false;
      return verdict('limited', generation);
    case 'key_rejected':
      // A key that just read its list is a key: what it lacks is the right to generate.
      if (!proven) return verdict('invalid', generation, true);
      permissions.generate = false;
      return verdict('limited', generation);
    case 'not_found':
    case 'bad_request':
    case 'too_large':
      // The call was wrong, not the key.
      return proven ? verdict('valid', null) : verdict('pending', generation);
    default:
      return verdict(statusOf(generated), generation);
  }
}

function statusOf(meaning: Meaning): KeyStatus {
  switch (meaning) {
    case 'key_rejected':
      return 'invalid';
    case 'key_restricted':
      return 'limited';
    case 'no_credit':
    case 'rate_limited':
    case 'unreachable':
    case 'undecryptable':
      return meaning;
    default:
      return 'pending';
  }
}
