import { describe, expect, it } from 'vitest';
import { countStates, filterRows, payerOf, providerRows } from './groups.ts';
import { keysSearchValues, parseKeysSearch } from './keys-search.ts';
import { sampleKey, sampleProvider } from './sample-key.ts';

const now = Date.parse('2026-11-20T14:00:00Z');
const providers = [
  sampleProvider({ id: 'quiet', name: 'Quiet', aliases: [], base_url: null }),
  sampleProvider({ id: 'broken', name: 'Broken' }),
  sampleProvider({ id: 'busy', name: 'Busy' }),
  sampleProvider({ id: 'gated', name: 'Gated', gated: { code: 'x', plan: 'Free', upgrade_url: null } }),
  sampleProvider({ id: 'lab', kind: 'custom', name: 'Lab', base_url: 'https://lab.example/v1' }),
];
const keys = [
  sampleKey({ id: 'key_b2', provider: 'broken', order: 2, label: 'Backup' }),
  sampleKey({ id: 'key_b1', provider: 'broken', order: 1, status: 'invalid', last4: 'zz99' }),
  sampleKey({ id: 'key_busy', provider: 'busy', requests_handled: 900 }),
  sampleKey({ id: 'key_lab', provider: 'custom', slug: 'lab' }),
  sampleKey({ id: 'key_me', provider: 'quiet', scope: 'user' }),
];
const rows = providerRows(providers, keys, 'company', now);
const shown = (state: Parameters<typeof filterRows>[1], q = '') =>
  filterRows(rows, state, q).map((row) => row.provider.id);

describe('groups of the keys room', () => {
  it('put every provider into one group and order keys by their use', () => {
    expect(Object.fromEntries(rows.map((row) => [row.provider.id, row.group]))).toEqual({
      busy: 'connected',
      broken: 'attention',
      gated: 'gated',
      lab: 'custom',
      quiet: 'available',
    });
    expect(rows.find((row) => row.provider.id === 'broken')?.keys.map((key) => key.id)).toEqual(['key_b1', 'key_b2']);
    expect(rows[0]?.provider.id).toBe('busy');
  });

  it('keep personal keys apart from company keys', () => {
    const personal = providerRows(providers, keys, 'personal', now);
    expect(personal.filter((row) => row.keys.length > 0).map((row) => row.provider.id)).toEqual(['quiet']);
    expect(personal.some((row) => row.provider.id === 'lab')).toBe(false);
  });

  it('count what each filter shows', () => {
    expect(countStates(rows)).toEqual({ all: 5, attention: 1, connected: 2, available: 1, gated: 1 });
    expect(shown('connected')).toEqual(['busy', 'lab']);
  });

  it.each([
    ['busy', ['busy']],
    ['acme', ['busy', 'broken', 'gated', 'lab']],
    ['BACKUP', ['broken']],
    ['zz99', ['broken']],
    ['lab.example', ['lab']],
    ['nothing', []],
  ])('search %s in names, aliases, labels, last four and addresses', (q, found) => {
    expect(shown('all', q).sort()).toEqual([...found].sort());
  });
});

describe('who pays', () => {
  it('is a fallback only while the shared key answers for a failing own one', () => {
    const shared = sampleProvider({ payer: 'platform' });
    expect(payerOf({ provider: { ...shared, fallback: 'key_rejected' } })).toBe('fallback');
    expect(payerOf({ provider: shared })).toBe('shared');
    expect(payerOf({ provider: sampleProvider({ payer: 'own' }) })).toBe('own');
  });

  it('is nobody where the next call would fail', () => {
    expect(payerOf({ provider: sampleProvider({ payer: null }) })).toBe('nobody');
  });
});

describe('the address of the keys room', () => {
  it('drops junk and leaves defaults out', () => {
    expect(parseKeysSearch({ state: 'everything', q: 5, scope: 'x' })).toEqual({
      state: 'all',
      q: '',
      scope: 'company',
    });
    expect(keysSearchValues(parseKeysSearch({}))).toEqual({ state: undefined, q: undefined, scope: undefined });
  });

  it('comes back from what it was read from', () => {
    const search = parseKeysSearch({ state: 'attention', q: 'a b', scope: 'personal' });
    expect(parseKeysSearch(keysSearchValues(search))).toEqual(search);
  });
});
