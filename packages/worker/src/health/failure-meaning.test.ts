import type { ProviderFailure } from '@ownkey/contract/dialect';
import { describe, expect, test } from 'vitest';
import type { EgressErrorCode } from '../egress/egress.ts';
import { ofLostCall, ofProviderFailure } from './failure-meaning.ts';

const failure = (kind: ProviderFailure['kind']): ProviderFailure => ({
  kind,
  status: 400,
  type: null,
  code: null,
  message: 'words',
  requestId: null,
  retryAfterMs: null,
});

describe('whether another payer may follow', () => {
  const KINDS: Record<ProviderFailure['kind'], string | null> = {
    key_rejected: 'key_rejected',
    no_credit: 'no_credit',
    rate_limited: 'rate_limited',
    outage: 'outage',
    key_restricted: null,
    not_found: null,
    bad_request: null,
    too_large: null,
    refused: null,
    unreadable: null,
  };
  test.each(Object.entries(KINDS))('a provider’s %s: %s', (kind, reason) => {
    const found = Object.keys(KINDS).find((name): name is ProviderFailure['kind'] => name === kind);
    expect(ofProviderFailure(failure(found ?? 'refused')).reason).toBe(reason);
  });

  const LOST: Record<EgressErrorCode, string | null> = {
    'provider.unreachable': 'outage',
    'provider.time_out': 'time_out',
    'provider.cut': null,
    'provider.unreadable': null,
    'key.undecryptable': null,
    'key.destination_changed': null,
    'key.removed': null,
    'ledger.unavailable': null,
  };
  test.each(Object.entries(LOST))('no answer by %s: %s; and never once an answer had begun', (code, reason) => {
    const found = Object.keys(LOST).find((name): name is EgressErrorCode => name === code) ?? 'provider.cut';
    expect(ofLostCall(found, false).reason).toBe(reason);
    expect(ofLostCall(found, true).reason).toBeNull();
  });
});
