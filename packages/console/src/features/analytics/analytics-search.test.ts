import { expect, it } from 'vitest';
import { analyticsSearchValues, isNarrowed, parseAnalyticsSearch, usageFilters } from './analytics-search.ts';
import { changeOf } from './measure.ts';

it('reads what it wrote, and leaves defaults and junk out of the address', () => {
  const search = {
    range: '7d',
    provider: 'acme',
    operation: 'mail.draft',
    measure: 'cost',
    by: 'model',
    view: 'table',
  };
  expect(analyticsSearchValues(parseAnalyticsSearch(search))).toEqual(search);
  expect(
    parseAnalyticsSearch({ range: '30d', measure: 'operations', by: 'provider', view: 'pie', other: 'x', user: 7 }),
  ).toEqual({});
});

it('asks the API for the range and the filters alone', () => {
  expect(usageFilters(parseAnalyticsSearch({ by: 'model', user: 'usr_1' }))).toEqual({ range: '30d', user: 'usr_1' });
  expect([isNarrowed({}), isNarrowed({ range: '7d' }), isNarrowed({ user: 'usr_1' })]).toEqual([false, false, true]);
});

it('compares with the days before only where something ran', () => {
  expect([changeOf(15, 10), changeOf(5, 10), changeOf(10, 10), changeOf(5, 0), changeOf(5, null)]).toEqual([
    50,
    -50,
    0,
    null,
    null,
  ]);
});
