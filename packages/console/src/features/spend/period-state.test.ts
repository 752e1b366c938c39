import { expect, it } from 'vitest';
import { creditsLeftPercent, periodState, reachedToday } from './period-state.ts';

const period = (used: string, held: string, cap: string | null, paused = false) => ({
  used_usd: used,
  reserved_usd: held,
  cap_usd: cap,
  paused,
});

it.each([
  ['7.99', '0', '10', false, 'plain', 79],
  ['7.99', '0.01', '10', false, 'warn', 80],
  ['9.999', '0', '10', false, 'warn', 99],
  ['9.91', '0.09', '10', true, 'bad', 100],
  ['20', '0', '10', true, 'bad', 200],
  ['0', '0', '0', true, 'bad', 100],
  ['5', '0', null, false, 'plain', 0],
])('%s used and %s held of %s: %s', (used, held, cap, paused, tone, percent) => {
  expect(periodState(period(used, held, cap, paused))).toMatchObject({ tone, percent });
});

it('counts what is left of credits, and knows credits without a limit', () => {
  const credits = { used_usd: '0', reserved_usd: '0', resets_at: '2026-12-01T00:00:00Z' };
  expect(creditsLeftPercent({ ...credits, granted_usd: '100', remaining_usd: '11.2' })).toBe(11);
  expect(creditsLeftPercent({ ...credits, granted_usd: null, remaining_usd: null })).toBeNull();
  expect(creditsLeftPercent({ ...credits, granted_usd: '0', remaining_usd: '0' })).toBe(0);
});

it('tells when the cap is reached at the pace of the day, not before an hour and not after its end', () => {
  const day = (used: string) => ({
    ...period(used, '0', '10'),
    remaining_usd: null,
    refused: 0,
    raised_until: null,
    resets_at: '2026-11-21T00:00:00Z',
  });
  const noon = Date.parse('2026-11-20T12:00:00Z');
  expect(reachedToday(day('8'), noon)).toBe(Date.parse('2026-11-20T15:00:00Z'));
  expect(reachedToday(day('1'), noon)).toBeNull();
  expect(reachedToday(day('8'), Date.parse('2026-11-20T00:30:00Z'))).toBeNull();
  expect(reachedToday(day('0'), noon)).toBeNull();
});
