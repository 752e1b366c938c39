import { describe, expect, it } from 'vitest';
import type { SpendNotice } from '../spend/spend-notice.ts';
import { type Item, orderItems } from './notice-order.ts';
import { sampleNotice } from './sample-notice.ts';

const now = Date.parse('2026-11-20T10:00:00Z');
const fallback = sampleNotice({ id: 'fallback', key_id: 'a' });
const stopped = sampleNotice({ id: 'stopped', kind: 'key', key_id: 'b', reason: 'invalid', on_failure: 'stop' });
const failing = sampleNotice({ id: 'failing', kind: 'key', key_id: 'c', reason: 'invalid' });
const recovered = sampleNotice({
  id: 'recovered',
  key_id: 'd',
  ended_at: '2026-11-20T09:30:00Z',
  resolution: 'recovered',
});
const credits: SpendNotice = { kind: 'credits', left: '1', granted: '10', until: '2026-12-01', key: 'credits' };
const period = {
  used_usd: '10',
  reserved_usd: '0',
  cap_usd: '10',
  remaining_usd: '0',
  refused: 0,
  paused: true,
  raised_until: null,
  resets_at: '2026-11-21T00:00:00Z',
};
const reached: SpendNotice = { kind: 'reached', whose: 'company', period: 'day', of: period, key: 'reached' };
const names = (items: readonly Item[]) => items.map(({ about, notice }) => (about === 'key' ? notice.id : notice.kind));

describe('what is said first', () => {
  const all = [recovered, failing, fallback, stopped];
  it('is what stops AI, then what stops calls, who else pays, what is near, what works again', () => {
    expect(names(orderItems(reached, all, now))).toEqual(['reached', 'stopped', 'fallback', 'failing', 'recovered']);
    expect(names(orderItems(credits, all, now))).toEqual(['stopped', 'fallback', 'failing', 'credits', 'recovered']);
    expect(orderItems(null, [], now)).toEqual([]);
  });

  it('is once of a key: that the shared key answers says that it fails', () => {
    expect(names(orderItems(null, [{ ...failing, key_id: 'a' }, fallback], now))).toEqual(['fallback']);
  });

  it('is not what was dismissed, but for what stops calls', () => {
    const dismissed = [stopped, fallback, failing, recovered].map((notice) => ({ ...notice, dismissed: true }));
    expect(names(orderItems(null, dismissed, now))).toEqual(['stopped']);
  });

  it('is for a day that a key works again, and not while it fails anew or was removed', () => {
    expect(orderItems(null, [recovered], now + 25 * 3_600_000)).toEqual([]);
    expect(names(orderItems(null, [recovered, { ...failing, key_id: 'd' }], now))).toEqual(['failing']);
    expect(orderItems(null, [{ ...recovered, resolution: 'removed' }], now)).toEqual([]);
  });
});
