import { describe, expect, it } from 'vitest';
import { noticeEn } from '../../i18n/notice-en.ts';
import { createTexts } from '../../i18n/start.ts';
import { untilText, waitText } from './reset-text.ts';

const texts = createTexts('en-GB');
texts.addResourceBundle('en', 'texts', noticeEn);
const at = (from: string) => ({ t: texts.t, locale: 'en-GB', now: Date.parse(from) });

describe('the end of a period', () => {
  it.each([
    ['2026-11-30T20:48:00Z', '3 h 12 min'],
    ['2026-11-30T21:00:00Z', '3 h'],
    ['2026-11-30T23:47:30Z', '13 min'],
    ['2026-11-30T23:59:59Z', '1 min'],
    ['2026-12-01T00:00:05Z', '1 min'],
    ['2026-11-29T01:00:00Z', '47 h'],
    ['2026-11-27T20:00:00Z', '3 days'],
  ])('is away from %s by %s', (now, text) => {
    expect(waitText('2026-12-01T00:00:00Z', at(now))).toBe(text);
  });

  it('is told in UTC, with its day where it is more than a day off', () => {
    expect(untilText('2026-12-01T00:00:00Z', at('2026-11-30T20:48:00Z'))).toBe('00:00 UTC');
    expect(untilText('2026-12-01T00:00:00Z', at('2026-11-20T20:48:00Z'))).toBe('1 Dec, 00:00 UTC');
  });
});
