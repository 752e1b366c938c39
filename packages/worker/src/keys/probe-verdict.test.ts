import type { ProviderFailure } from '@ownkey/contract/dialect';
import { describe, expect, test } from 'vitest';
import { decideVerdict, isWorthAnotherModel, isWorthGenerating, type Seen } from './probe-verdict.ts';

const good: Seen = { status: 200, failure: null, lost: null };
const failed = (kind: ProviderFailure['kind']): Seen => ({
  status: 400,
  failure: { kind, status: 400, code: null, message: 'words' },
  lost: null,
});
const lost = (code: NonNullable<Seen['lost']>): Seen => ({ status: null, failure: null, lost: code });

test.each<[string, Seen, Seen | null, boolean, string]>([
  ['list and generation work', good, good, true, 'valid'],
  ['the list works and proves the key, nothing was generated', good, null, true, 'valid'],
  ['the list is open to anybody, nothing was generated', good, null, false, 'pending'],
  ['the list rejects the key', failed('key_rejected'), null, true, 'invalid'],
  ['only the generation rejects it, and the list proved nothing', good, failed('key_rejected'), false, 'invalid'],
  ['only the generation rejects it, though the list proved it', good, failed('key_rejected'), true, 'limited'],
  ['the list is not allowed, generating is', failed('key_restricted'), good, true, 'limited'],
  ['neither is allowed', failed('key_restricted'), failed('key_restricted'), true, 'limited'],
  ['no credit', good, failed('no_credit'), true, 'no_credit'],
  ['a rate limit', good, failed('rate_limited'), true, 'rate_limited'],
  ['no credit on the list', failed('no_credit'), null, true, 'no_credit'],
  ['the model is gone', good, failed('not_found'), true, 'valid'],
  ['the model is gone and nothing is proven', failed('not_found'), failed('not_found'), true, 'pending'],
  ['a parameter is refused', good, failed('bad_request'), false, 'pending'],
  ['the prompt is refused', good, failed('refused'), false, 'valid'],
  ['the provider is down', failed('outage'), failed('outage'), true, 'pending'],
  ['the provider is down for generations', good, failed('outage'), true, 'pending'],
  ['the answer broke off after it began', good, { ...lost('provider.cut'), begun: true }, false, 'valid'],
  ['the answer cannot be read', good, lost('provider.unreadable'), false, 'pending'],
  ['no connection', lost('provider.unreachable'), null, true, 'unreachable'],
  ['no answer in time', lost('provider.time_out'), null, true, 'unreachable'],
  ['the stored key does not open', lost('key.undecryptable'), null, true, 'undecryptable'],
])('%s', (_, list, generation, provesKey, status) => {
  const verdict = decideVerdict(list, generation, provesKey);
  expect(verdict.status).toBe(status);
  expect(verdict.rejected).toBe(status === 'invalid');
});

const KINDS: readonly ProviderFailure['kind'][] = [
  'key_restricted',
  'no_credit',
  'rate_limited',
  'not_found',
  'bad_request',
  'too_large',
  'refused',
  'outage',
  'unreadable',
];
test.each(KINDS)('%s never makes a key invalid', (kind) => {
  for (const list of [good, failed(kind)]) {
    for (const generation of [null, good, failed(kind)]) {
      expect(decideVerdict(list, generation, true)).toMatchObject({ rejected: false });
      expect(decideVerdict(list, generation, true).status).not.toBe('invalid');
    }
  }
});

describe('money is spent only where it can tell something:', () => {
  test.each(['key_rejected', 'no_credit', 'rate_limited'] as const)('not after %s', (kind) => {
    expect(isWorthGenerating(failed(kind))).toBe(false);
  });
  test.each(['key_restricted', 'not_found', 'outage', 'bad_request'] as const)('but after %s', (kind) => {
    expect(isWorthGenerating(failed(kind))).toBe(true);
  });
  test('another model is tried where this one was at fault, and only then', () => {
    expect([failed('not_found'), failed('bad_request'), good, failed('outage')].map(isWorthAnotherModel)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
