import { SHIPPED_POLICIES } from '@ownkey/contract/policies';
import type { CapPeriod, CapRow } from '@ownkey/contract/spend';
import { describe, expect, test } from 'vitest';
import { capsFor } from './caps.ts';

const USD = 1_000_000_000n;
const row = (subject: string, period: CapPeriod, usd: number | null, raised: CapRow['raised'] = null): CapRow => ({
  subject,
  period,
  amount: usd === null ? null : BigInt(usd) * USD,
  raised,
});

/** `meter/kind` → USD of every cap that applies. */
function caps(rows: readonly CapRow[], more: { userId?: string; fallback?: boolean; required?: boolean } = {}) {
  const policies = { caps: { ...SHIPPED_POLICIES.caps, required: more.required ?? false } };
  const found = capsFor({ policies, rows, userId: more.userId ?? null, fallback: more.fallback ?? false });
  return Object.fromEntries(found.map(({ meter, kind, cap }) => [`${meter}/${kind}`, Number(cap / USD)]));
}

const PRESET = { '/request': 10, '/day': 10, '/month': 100 };

describe('caps of the company', () => {
  test('are the preset until it sets its own, period by period', () => {
    expect(caps([])).toEqual(PRESET);
    expect(caps([row('company', 'day', 3)])).toEqual({ ...PRESET, '/day': 3 });
    expect(caps([row('company', 'day', 0)])).toEqual({ ...PRESET, '/day': 0 });
  });

  test('set to none are none, unless the host requires them: then the preset is back', () => {
    const none = [row('company', 'day', null)];
    expect(caps(none)).toEqual({ '/request': 10, '/month': 100 });
    expect(caps(none, { required: true })).toEqual(PRESET);
  });

  test('keep a raise beside the amount, for the ledger to date', () => {
    const raised = { to: 50n * USD, from: '2026-11-28', until: '2026-11-30' };
    const [found] = capsFor({
      policies: SHIPPED_POLICIES,
      rows: [row('company', 'request', 5, raised)],
      userId: null,
      fallback: false,
    });
    expect(found).toEqual({ meter: '', kind: 'request', cap: 5n * USD, raised });
  });
});

describe('caps of a user', () => {
  const of = (rows: readonly CapRow[]) => caps(rows, { userId: 'usr_1' })['usr_1/day'];

  test('are their own row, else that for all users, else none', () => {
    expect(of([])).toBeUndefined();
    expect(of([row('users', 'day', 5)])).toBe(5);
    expect(of([row('users', 'day', 5), row('usr_1', 'day', 7)])).toBe(7);
    expect(of([row('users', 'day', 5), row('usr_1', 'day', null)])).toBeUndefined();
    expect(of([row('usr_2', 'day', 1)])).toBeUndefined();
  });

  test('that they set for themselves only lower', () => {
    expect(of([row('users', 'day', 5), row('me:usr_1', 'day', 2)])).toBe(2);
    expect(of([row('users', 'day', 5), row('me:usr_1', 'day', 9)])).toBe(5);
    expect(of([row('me:usr_1', 'day', 2)])).toBe(2);
    expect(of([row('users', 'day', 5), row('me:usr_1', 'day', null)])).toBe(5);
    expect(of([row('me:usr_2', 'day', 2)])).toBeUndefined();
  });

  test('that they set for themselves are not lifted by an admin’s raise', () => {
    const raised = { to: 50n * USD, from: '2026-11-28', until: '2026-11-30' };
    const rows = [row('users', 'day', 5, raised), row('me:usr_1', 'day', 2)];
    const found = capsFor({ policies: SHIPPED_POLICIES, rows, userId: 'usr_1', fallback: false });
    expect(found.find(({ meter }) => meter === 'usr_1')).toEqual({ meter: 'usr_1', kind: 'day', cap: 2n * USD });
  });

  test('do not apply to calls of the company itself', () => {
    expect(caps([row('users', 'day', 1)])).toEqual(PRESET);
  });
});

test('the cap of fallbacks applies to fallbacks alone, beside the company’s', () => {
  const rows = [row('fallback', 'month', 20)];
  expect(caps(rows)).toEqual(PRESET);
  expect(caps(rows, { fallback: true })).toEqual({ ...PRESET, 'fallback/month': 20 });
});
