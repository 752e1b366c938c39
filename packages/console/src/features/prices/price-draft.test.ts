import { expect, it } from 'vitest';
import { draftFrom, priceBodyOf } from './price-draft.ts';

const draft = draftFrom('lab', 'm-1', null, 'en');
const rates = { ...draft.rates, input_usd_per_mtok: '2,5', output_usd_per_mtok: '10' };

it('leaves out what was left empty, so that it costs what input costs', () => {
  expect(priceBodyOf({ ...draft, rates }, 'en').body).toEqual({
    provider: 'lab',
    model: 'm-1',
    input_usd_per_mtok: '2.5',
    output_usd_per_mtok: '10',
  });
});

it('counts from the start of a day in UTC', () => {
  expect(priceBodyOf({ ...draft, rates, validFrom: '2026-12-01' }, 'en').body?.valid_from).toBe('2026-12-01T00:00:00Z');
});

it('names what is missing or no amount, and sends nothing', () => {
  const { body, wrong } = priceBodyOf(
    { ...draft, provider: '', model: ' ', rates: { ...rates, output_usd_per_mtok: '', request_usd: '-1' } },
    'en',
  );
  expect(body).toBeNull();
  expect([...wrong].sort()).toEqual(['model', 'output_usd_per_mtok', 'provider', 'request_usd']);
});

it('starts from the price the model has, to the last digit', () => {
  const price = {
    input_usd_per_mtok: '0.0028',
    cached_input_usd_per_mtok: '0.00028',
    cache_write_5m_usd_per_mtok: '0.0035',
    cache_write_1h_usd_per_mtok: '0.0056',
    output_usd_per_mtok: '1234.5',
    request_usd: '0',
    tiers: [],
    windows: [],
    unbounded: [],
  };
  const known = {
    id: 'p',
    origin: 'catalogue' as const,
    provider: 'lab',
    model: 'm-1',
    price,
    in_force: true,
    valid_from: null,
    ended_at: null,
    context_tokens: null,
    source: null,
  };
  const { request_usd: _none, tiers: _t, windows: _w, unbounded: _u, ...amounts } = price;
  expect(priceBodyOf(draftFrom('lab', 'm-1', known, 'en'), 'en').body).toEqual({
    provider: 'lab',
    model: 'm-1',
    ...amounts,
  });
});
