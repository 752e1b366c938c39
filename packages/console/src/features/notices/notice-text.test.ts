import type { Notice } from '@ownkey/contract/api/notices';
import { expect, it } from 'vitest';
import { noticeEn } from '../../i18n/notice-en.ts';
import { createTexts, nameHost } from '../../i18n/start.ts';
import { noticeText, toneOf } from './notice-text.ts';
import { sampleNotice } from './sample-notice.ts';

const texts = createTexts('en');
texts.addResourceBundle('en', 'texts', noticeEn);
nameHost(texts, 'Leads');
const reader = { t: texts.t, locale: 'en-GB', now: Date.parse('2026-11-22T10:00:00Z') };

it.each<[string, Partial<Notice>, RegExp]>([
  [
    'a fallback',
    {},
    /^Acme AI runs on Leads's shared key since 20 Nov, \d\d:02: your key ••••1a2b is rejected\. 38 requests, \$4\.12 so far\.$/,
  ],
  ['a fallback of one call', { calls: 1, reason: 'time_out' }, /is not answering in time\. 1 request, /],
  [
    'a key where calls stop',
    { kind: 'key', reason: 'no_credit', on_failure: 'stop', refused: 14 },
    /^Acme AI requests fail since .*: your key ••••1a2b is out of credit\. 14 requests failed; nobody else paid\.$/,
  ],
  [
    'a key the shared one may answer for',
    { kind: 'key', reason: 'undecryptable', last4: null },
    /^Your Acme AI key is not readable any more since /,
  ],
  [
    'a key that works again',
    { ended_at: '2026-11-22T09:10:00Z', resolution: 'replaced' },
    /^Your Acme AI key ••••1a2b works again since \d\d:10\. It was rejected since .* The shared key answered 38 requests \(\$4\.12\)\.$/,
  ],
  [
    'a key that was removed',
    { ended_at: '2026-11-22T09:10:00Z', resolution: 'removed', calls: 0 },
    /was removed at \d\d:10\. It was rejected since [^.]*\.$/,
  ],
])('says of %s what is known', (_, change, text) => {
  expect(noticeText(sampleNotice(change), reader)).toMatch(text);
});

it('is as loud as it is urgent', () => {
  expect(toneOf(sampleNotice({ kind: 'key', reason: 'invalid', on_failure: 'stop' }))).toBe('bad');
  expect(toneOf(sampleNotice())).toBe('warn');
  expect(toneOf(sampleNotice({ ended_at: '2026-11-20T10:00:00Z', resolution: 'recovered' }))).toBe('good');
  expect(toneOf(sampleNotice({ ended_at: '2026-11-20T10:00:00Z', resolution: 'off' }))).toBe('info');
});
