import type { ModelMatch, PriceRow } from '@ownkey/contract/price';
import { describe, expect, test } from 'vitest';
import { matchesModel, PriceBook } from './price-book.ts';

const NOW = Date.parse('2026-11-28T12:00:00Z');
const FREE = { input: 0, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 0, request: 0 };

function row(id: string, over: Partial<PriceRow> = {}): PriceRow {
  return {
    id,
    origin: 'catalogue',
    companyId: null,
    slug: 'openai',
    model: 'gpt-test',
    match: null,
    rates: { base: FREE, tiers: [], windows: [], unbounded: [] },
    contextTokens: null,
    validFrom: 0,
    endedAt: null,
    ...over,
  };
}
const found = (rows: PriceRow[], model = 'gpt-test', at = NOW, company: PriceRow[] = []) =>
  new PriceBook(rows).find('openai', model, at, company)?.id ?? null;

describe('the book of prices', () => {
  test('asks the company first, then the operator, the catalogue, the sandbox', () => {
    const rows = [
      row('sandbox', { origin: 'sandbox' }),
      row('catalogue'),
      row('operator', { origin: 'operator' }),
      row('company', { origin: 'company', companyId: 'co_1' }),
    ];
    const own = rows.splice(3);
    expect(found(rows, 'gpt-test', NOW, own)).toBe('company');
    expect(found(rows)).toBe('operator');
    expect(found(rows.slice(0, 2))).toBe('catalogue');
    expect(found(rows.slice(0, 1))).toBe('sandbox');
  });

  test('knows no price but of the very provider and model', () => {
    expect(found([row('a')], 'gpt-test-2')).toBeNull();
    expect(found([row('a', { slug: 'groq' })])).toBeNull();
    expect(found([])).toBeNull();
  });

  test('counts a price from its first moment up to, and without, its last', () => {
    const rows = [row('old', { endedAt: NOW }), row('new', { validFrom: NOW })];
    expect(found(rows, 'gpt-test', NOW - 1)).toBe('old');
    expect(found(rows, 'gpt-test', NOW)).toBe('new');
    expect(found([row('to come', { validFrom: NOW + 1 })])).toBeNull();
  });

  test('takes the newer of two that are in force', () => {
    expect(found([row('older'), row('newer', { validFrom: 5 })])).toBe('newer');
  });

  test('takes the lowest position of those that fit, whatever their order and dates', () => {
    const match: ModelMatch = { starts_with: 'gpt' };
    const rows = [
      row('third', { match, position: 3, validFrom: 9 }),
      row('first', { match, position: 1 }),
      row('second', { match, position: 2 }),
    ];
    expect(found(rows)).toBe('first');
  });

  test('takes an exact name before a pattern of the same origin', () => {
    expect(found([row('pattern', { match: { contains: 'gpt' } }), row('exact', { position: 7 })])).toBe('exact');
  });

  test('reads a date in a name as the one with dashes where nothing fits it as it is', () => {
    const dashed = row('dashed', { match: { equals: 'gpt-test-2025-09-29' } });
    expect(found([dashed], 'gpt-test-20250929')).toBe('dashed');
    expect(
      found([dashed, row('as it is', { match: { equals: 'gpt-test-20250929' }, position: 5 })], 'gpt-test-20250929'),
    ).toBe('as it is');
    const noDate = row('no date', { match: { equals: 'gpt-test-2025-02-30' } });
    expect(found([noDate], 'gpt-test-20250230')).toBeNull();
  });
});

test.each<[ModelMatch, string, boolean]>([
  [{ equals: 'GPT-4o' }, 'gpt-4O ', true],
  [{ starts_with: 'gpt-' }, 'GPT-4', true],
  [{ ends_with: '-mini' }, 'gpt-mini', true],
  [{ contains: 'oss' }, 'gpt-OSS-20b', true],
  [{ regex: '^gpt-\\d$' }, 'GPT-4', true],
  [{ regex: '^gpt-\\d$' }, 'gpt-4o', false],
  [{ or: [{ equals: 'a' }, { equals: 'b' }] }, 'b', true],
  [{ and: [{ starts_with: 'a' }, { ends_with: 'b' }] }, 'a', false],
])('%j decides whether %s is meant', (match, model, expected) => {
  expect(matchesModel(match, model)).toBe(expected);
});
