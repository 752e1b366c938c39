import type { Health } from '@ownkey/contract/api/operator';
import { describe, expect, it } from 'vitest';
import { levelsOf, type ProviderHealth, providerLevel } from './health-level.ts';

const AT = '2026-11-28T12:00:00.000Z';
const ago = (seconds: number) => new Date(Date.parse(AT) - seconds * 1000).toISOString();
const queue = { queued: 0, failed: 0, oldest_queued_at: null };
const well: Health = {
  version: '0.1.0',
  at: AT,
  unread: [],
  database: { ok: true, latency_ms: 2 },
  workers: [{ id: 'w', seen_at: AT, alive: true, open_requests: 0 }],
  jobs: { queued: 0, running: 0, oldest_queued_at: null },
  outbox: { mail: 'smtp', mails: queue, webhooks: queue },
  audit: { unsealed: 1, oldest_unsealed_at: ago(1), sealed_up_to: AT },
  ledger: { running: 3, expired: 0, oldest_expired_at: null },
  prices: { as_of: ago(86_400), known: 900 },
  providers: { seconds: 300, sampled: false, data: [] },
};

describe('how the parts do', () => {
  it('is OK when nothing waits long', () => {
    expect(new Set(Object.values(levelsOf(well)))).toEqual(new Set(['ok']));
  });

  it('says unknown for what could not be read, and of that alone', () => {
    const levels = levelsOf({ ...well, audit: null, unread: ['audit'] });
    expect(levels.audit).toBe('unknown');
    expect(levels.ledger).toBe('ok');
  });

  it('tells one silent worker from none that lives', () => {
    const silent = { id: 'x', seen_at: ago(60), alive: false, open_requests: 0 };
    expect(levelsOf({ ...well, workers: [...(well.workers ?? []), silent] }).workers).toBe('slow');
    expect(levelsOf({ ...well, workers: [silent] }).workers).toBe('down');
    expect(levelsOf({ ...well, workers: [] }).workers).toBe('down');
  });

  it('goes by the age of the oldest that waits, counted from when the figures were read', () => {
    const sealed = (seconds: number) =>
      levelsOf({ ...well, audit: { unsealed: 1, oldest_unsealed_at: ago(seconds), sealed_up_to: null } });
    expect([sealed(29).audit, sealed(30).audit, sealed(300).audit]).toEqual(['ok', 'slow', 'down']);
    const mails = { queued: 1, failed: 0, oldest_queued_at: ago(3600) };
    expect(levelsOf({ ...well, outbox: { mail: 'none', mails, webhooks: { ...queue, failed: 1 } } })).toMatchObject({
      mails: 'down',
      webhooks: 'slow',
    });
    expect(levelsOf({ ...well, database: { ok: true, latency_ms: 1_200 } }).database).toBe('down');
    expect(levelsOf({ ...well, prices: { as_of: null, known: 0 } }).prices).toBe('slow');
  });
});

describe('how a provider does', () => {
  const of = (requests: number, errors: number, p95_ms = 500): ProviderHealth => ({
    provider: 'acme',
    name: 'Acme',
    own: { requests, errors },
    shared: { requests: 0, errors: 0 },
    p50_ms: 100,
    p95_ms,
    own_keys_failing: 0,
    shared_keys_failing: 0,
  });

  it.each([
    [of(4, 4), 'unknown'],
    [of(100, 5), 'ok'],
    [of(100, 6), 'slow'],
    [of(100, 51), 'down'],
    [of(100, 0, 30_000), 'slow'],
  ])('%#: %s', (provider, level) => expect(providerLevel(provider)).toBe(level));
});
