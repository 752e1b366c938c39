import { describe, expect, it } from 'vitest';
import { formatCount, formatLatency, formatShare } from './count.ts';
import { formatUsd } from './money.ts';
import { formatClock, formatDay, formatMoment, formatStamp, formatUtcDay } from './time.ts';

describe('money', () => {
  it.each([
    ['0', '$0.00'],
    ['0.000000000', '$0.00'],
    ['0.000000001', '$0.0000000010'],
    ['0.000042', '$0.000042'],
    ['0.0042', '$0.0042'],
    ['0.0099999', '$0.010'],
    ['0.01', '$0.0100'],
    ['0.84', '$0.8400'],
    ['1', '$1.00'],
    ['1234.5', '$1,234.50'],
  ])('reads %s USD as %s', (usd, text) => {
    expect(formatUsd(usd, 'en')).toBe(text);
  });

  it('never shows an amount as zero unless it is zero', () => {
    for (let nano = 1; nano < 1e12; nano *= 7) {
      expect(formatUsd((nano / 1e9).toFixed(9), 'en')).toMatch(/[1-9]/);
    }
  });

  it('writes the amount as the locale does', () => {
    expect(formatUsd('1234.5', 'fr').replace(/\s/g, ' ')).toBe('1 234,50 $');
  });
});

describe('counts', () => {
  it.each([
    [0, '0'],
    [9_999, '9,999'],
    [12_400, '12.4K'],
    [3_100_000, '3.1M'],
  ])('shows %i as %s', (count, text) => {
    expect(formatCount(count, 'en')).toBe(text);
  });

  it.each([
    [0, 10, '0 %'],
    [1, 1_000, '<1 %'],
    [999, 1_000, '>99 %'],
    [10, 10, '100 %'],
    [87, 100, '87 %'],
    [0, 0, '–'],
  ])('shows %i of %i as %s', (part, whole, text) => {
    expect(formatShare(part, whole)).toBe(text);
  });

  it.each([
    [412, '412 ms'],
    [999.6, '1,000 ms'],
    [1_400, '1.4 s'],
  ])('shows %d ms as %s', (ms, text) => {
    expect(formatLatency(ms, 'en')).toBe(text);
  });
});

describe('times', () => {
  const now = Date.parse('2026-11-20T14:00:00Z');

  it.each([
    ['2026-11-20T13:59:40Z', 'now'],
    ['2026-11-20T13:56:00Z', '4 min. ago'],
    ['2026-11-20T11:30:00Z', '2 hr. ago'],
    ['2026-11-17T13:00:00Z', '3 days ago'],
  ])('tells the age of %s as %s', (at, text) => {
    expect(formatMoment(at, now, 'en')).toBe(text);
  });

  it('names the day once a moment is a week old', () => {
    expect(formatMoment('2026-11-12T14:02:00Z', now, 'en-GB')).toMatch(/^12 Nov/);
  });

  it('reads a missing or broken time as a dash', () => {
    expect(formatMoment('', now, 'en')).toBe('–');
  });

  it('shows UTC whatever the zone of the machine', () => {
    expect(formatClock('2026-11-20T03:04:05Z', 'en-GB', 'utc', now)).toBe('03:04:05');
    expect(formatClock('2026-11-19T23:04:05Z', 'en-GB', 'utc', now)).toBe('19 Nov, 23:04:05');
    expect(formatStamp('2026-11-20T03:04:05Z', 'en-GB', 'utc')).toBe('20 Nov 2026, 03:04:05 UTC');
    expect(formatDay('2025-11-20T03:04:05Z', 'en-GB', 'utc', now)).toBe('20 Nov 2025, 03:04');
  });

  it('names a day without a time as it stands, wherever the reader is', () => {
    expect(formatUtcDay('2026-12-01', 'en-GB')).toBe('1 Dec');
  });
});
