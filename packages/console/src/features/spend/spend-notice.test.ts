import type { Spend, SpendOf, SpendPeriod } from '@ownkey/contract/api/money';
import { describe, expect, it } from 'vitest';
import { spendNotice } from './spend-notice.ts';

const period = (used: string, cap: string | null, paused = false): SpendPeriod => ({
  used_usd: used,
  reserved_usd: '0',
  cap_usd: cap,
  remaining_usd: null,
  refused: 0,
  paused,
  raised_until: null,
  resets_at: '2026-11-21T00:00:00.000Z',
});
const of = (day: SpendPeriod, month: SpendPeriod = period('0', '100')): SpendOf => ({
  today_usd: '0',
  month_usd: '0',
  reserved_usd: '0',
  request_cap_usd: null,
  day,
  month,
});
const fine = of(period('1', '10'));
const spend = (changes: Partial<Spend>): Spend => ({
  company: fine,
  me: fine,
  fallback: fine,
  credits: {
    granted_usd: '10',
    used_usd: '0',
    reserved_usd: '0',
    remaining_usd: '10',
    resets_at: '2026-12-01T00:00:00.000Z',
  },
  forecast: { pace_usd: '0', days: 7, month_cap_reached_on: null },
  unpriced: { today: 0, month: 0 },
  ...changes,
});
const credits = (remaining: string, granted: string | null = '10') => ({
  ...spend({}).credits,
  remaining_usd: remaining,
  granted_usd: granted,
});

describe('the notice about money', () => {
  it('is none while all is well', () => {
    expect(spendNotice(spend({}))).toBeNull();
    expect(spendNotice(spend({ company: of(period('999', null), period('999', null)) }))).toBeNull();
  });

  it('says first what stops AI, the longer stop before the shorter, the company before oneself', () => {
    const stopped = period('10', '10', true);
    const both = spend({ company: of(stopped, stopped), me: of(stopped), credits: credits('0') });
    expect(spendNotice(both)).toMatchObject({ kind: 'reached', whose: 'company', period: 'month' });
    expect(spendNotice(spend({ me: of(stopped) }))).toMatchObject({ kind: 'reached', whose: 'me', period: 'day' });
  });

  it('tells of a cap from 80 %, before low credits', () => {
    const near = spend({ company: of(period('8', '10')), credits: credits('1') });
    expect(spendNotice(near)).toMatchObject({ kind: 'near', period: 'day', percent: 80 });
    expect(spendNotice(spend({ company: of(period('7.99', '10')) }))).toBeNull();
  });

  it('tells of credits from 20 % left; a plan without credits or without a limit has nothing to tell', () => {
    expect(spendNotice(spend({ credits: credits('2') }))).toMatchObject({ kind: 'credits', left: '2' });
    expect(spendNotice(spend({ credits: credits('2.1') }))).toBeNull();
    expect(spendNotice(spend({ credits: credits('0', '0') }))).toBeNull();
    expect(spendNotice(spend({ credits: credits('0', null) }))).toBeNull();
  });

  it('has another key when the facts change, the same while they do not', () => {
    const key = (used: string, cap: string) => spendNotice(spend({ company: of(period(used, cap)) }))?.key;
    expect(key('8.1', '10')).toBe(key('8.2', '10'));
    expect(key('9.9', '11')).not.toBe(key('9.9', '10'));
  });
});
