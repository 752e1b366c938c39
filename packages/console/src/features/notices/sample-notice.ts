import type { Notice } from '@ownkey/contract/api/notices';

/** An open fallback for tests. */
export function sampleNotice(change: Partial<Notice> = {}): Notice {
  return {
    id: 'ntc_1',
    kind: 'fallback',
    reason: 'key_rejected',
    provider: 'acme',
    provider_name: 'Acme AI',
    key_id: 'key_1',
    last4: '1a2b',
    user: null,
    started_at: '2026-11-20T09:02:00Z',
    ended_at: null,
    resolution: null,
    status: 'invalid',
    detail: null,
    on_failure: 'platform',
    calls: 38,
    cost_usd: '4.12',
    refused: 0,
    fixes: ['replace', 'test', 'switch', 'remove'],
    dismissed: false,
    ...change,
  };
}
