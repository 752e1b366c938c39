import { expect, test } from 'vitest';
import { forecastOf } from './forecast.ts';

const USD = 1_000_000_000n;
const of = (more: Partial<Parameters<typeof forecastOf>[0]> = {}) =>
  forecastOf({ today: '2026-05-10', lastDays: [], spentToday: 0n, left: 100n * USD, ...more });

test('the pace is the average of the last seven days, days without spend included', () => {
  const lastDays = [
    { ago: 7, nanoUsd: 10n * USD },
    { ago: 2, nanoUsd: 60n * USD },
  ];
  expect(of({ lastDays })).toEqual({ pace_usd: '10', days: 7, month_cap_reached_on: '2026-05-20' });
});

test('days before the first spend do not count', () => {
  expect(of({ lastDays: [{ ago: 2, nanoUsd: 40n * USD }] })).toMatchObject({ pace_usd: '20', days: 2 });
});

test('without earlier days the pace is what today cost', () => {
  expect(of({ spentToday: 50n * USD })).toEqual({ pace_usd: '50', days: 1, month_cap_reached_on: '2026-05-12' });
});

test.each([
  ['a day of the next month', { spentToday: 4n * USD }],
  ['the last moment of the month', { spentToday: 1n * USD, left: 22n * USD }],
  ['never at no pace', {}],
  ['never without a cap', { spentToday: 50n * USD, left: null }],
  ['in a thousand years', { spentToday: 1n, left: 10n ** 18n }],
])('%s is no date of this month', (_, more) => {
  expect(of(more).month_cap_reached_on).toBeNull();
});

test('a cap that is reached is reached today', () => {
  expect(of({ left: 0n }).month_cap_reached_on).toBe('2026-05-10');
  expect(of({ left: -5n }).month_cap_reached_on).toBe('2026-05-10');
});
