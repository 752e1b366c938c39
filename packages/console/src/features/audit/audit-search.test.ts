import { describe, expect, it } from 'vitest';
import { auditFilters, auditSearchValues, isFiltered, parseAuditSearch } from './audit-search.ts';

describe('the address of the audit room', () => {
  it('keeps what it knows and drops junk', () => {
    expect(
      parseAuditSearch({
        kind: 'call',
        payer: 'everybody',
        status: 'failed',
        q: 'x'.repeat(500),
        provider: 7,
        from: '2026-02-30x',
        to: '2026-11-12',
        tz: 'utc',
        other: '1',
      }),
    ).toEqual({ kind: 'call', status: 'failed', q: 'x'.repeat(200), to: '2026-11-12', tz: 'utc' });
  });

  it('comes back from what it was read from', () => {
    const search = parseAuditSearch({ kind: 'key', key: 'key_1', from: '2026-11-01', tz: 'utc' });
    expect(parseAuditSearch(auditSearchValues(search))).toEqual(search);
  });

  it('asks the API for the last day whole', () => {
    expect(auditFilters({ to: '2026-12-31', key: 'key_1', tz: 'utc' })).toEqual({ to: '2027-01-01', key_id: 'key_1' });
  });

  it('does not take the zone for a filter', () => {
    expect(isFiltered({ tz: 'utc' })).toBe(false);
    expect(isFiltered({ q: 'a' })).toBe(true);
  });
});
