import type { Key } from '@ownkey/contract/api/keys';
import { describe, expect, it } from 'vitest';
import { createTexts } from '../../i18n/start.ts';
import { sampleKey } from './sample-key.ts';
import {
  NEXT_STEP,
  nameOfKey,
  needsAttention,
  providerWords,
  shortLine,
  shownStatus,
  statusSentence,
} from './status.ts';

const now = Date.parse('2026-11-20T14:00:00Z');
const reader = { t: createTexts('en').t, locale: 'en-GB', now };
const sentence = (change: Partial<Key>, onFailure: 'stop' | 'platform' = 'platform') =>
  statusSentence(sampleKey(change), 'Acme AI', onFailure, reader);

describe('the sentence of a status', () => {
  const rejected = { provider_message: 'Incorrect API key provided', http_status: 401 };
  it.each<[string, Partial<Key>, string]>([
    ['valid', {}, 'Tested 4 min ago, answered in 412 ms. 42 models.'],
    ['valid, never tested', { tested_at: null, models_count: 1 }, '1 model.'],
    [
      'limited',
      { status: 'limited', status_detail: { provider_message: 'Missing scopes', http_status: 403 } },
      'Works, but may not list models: “Missing scopes” (403).',
    ],
    [
      'no credit',
      { status: 'no_credit', status_detail: { provider_message: 'insufficient_quota', http_status: 429 } },
      'Acme AI accepts this key but the account has no credit left: “insufficient_quota” (429). The key itself is fine.',
    ],
    ['pending', { status: 'pending', status_detail: null }, 'Saved, not proven yet.'],
    [
      'invalid',
      { status: 'invalid', status_detail: rejected },
      'Acme AI rejects this key: “Incorrect API key provided” (401). It was revoked, has expired or is incomplete.',
    ],
    [
      'unreachable',
      { status: 'unreachable', status_detail: null },
      'Acme AI has not answered. Your key is kept and may be fine.',
    ],
    [
      'a custom endpoint that does not answer',
      { status: 'unreachable', status_detail: null, base_url: 'https://lab.example/v1' },
      'Acme AI has not answered. Your key is kept and may be fine. Check that the address answers from outside.',
    ],
    ['off', { enabled: false, status: 'invalid', changed_by: null }, 'Kept, not used.'],
  ])('tells the fact and the reason: %s', (_name, change, text) => {
    expect(sentence(change)).toBe(text);
  });

  it('says who pays while a key is limited', () => {
    expect(sentence({ status: 'rate_limited' }, 'stop')).toContain('then they stop');
    expect(sentence({ status: 'rate_limited' }, 'platform')).toContain('then the shared key answers');
  });

  it('never calls a key invalid for no credit, limits or silence', () => {
    for (const status of ['no_credit', 'rate_limited', 'unreachable', 'pending', 'limited'] as const) {
      expect(sentence({ status, status_detail: { http_status: 429 } })).not.toMatch(/invalid|reject/i);
      expect(NEXT_STEP[status]).not.toBe('replace');
    }
  });
});

describe('attention', () => {
  const at = (minutes: number) => ({ since: new Date(now - minutes * 60_000).toISOString() });
  it.each<[boolean, Partial<Key>]>([
    [true, { status: 'invalid' }],
    [true, { status: 'undecryptable' }],
    [true, { status: 'no_credit' }],
    [false, { status: 'valid' }],
    [false, { status: 'pending' }],
    [false, { status: 'unreachable', status_detail: at(14) }],
    [true, { status: 'unreachable', status_detail: at(15) }],
    [true, { status: 'rate_limited', status_detail: at(16) }],
    [false, { status: 'rate_limited', status_detail: null }],
    [false, { status: 'invalid', enabled: false }],
  ])('is %s for %o', (wanted, change) => {
    expect(needsAttention(sampleKey(change), now)).toBe(wanted);
  });
});

it('shows a key that is off as off, whatever its status was', () => {
  expect(shownStatus(sampleKey({ enabled: false, status: 'valid' }))).toBe('off');
});

it('quotes the provider and adds its status only where they are known', () => {
  expect(providerWords({ provider_message: 'No', http_status: 401 }, ':')).toBe(': “No” (401)');
  expect(providerWords({ http_status: 401 }, ':')).toBe(' (401)');
  expect(providerWords(null, ':')).toBe('');
  expect(shortLine(sampleKey({ status: 'invalid', status_detail: { provider_message: 'No' } }), reader)).toBe('“No”');
});

it('names a key without last four by its label', () => {
  expect(nameOfKey({ last4: '1a2b', label: 'x' }, 'Acme AI')).toBe('Acme AI ••••1a2b');
  expect(nameOfKey({ last4: null, label: 'Backup' }, 'Acme AI')).toBe('Acme AI “Backup”');
  expect(nameOfKey({ last4: null, label: '' }, 'Acme AI')).toBe('Acme AI');
});
