import type { Key } from '@ownkey/contract/api/keys';
import type { Provider } from '@ownkey/contract/api/providers';

/** A valid company key for tests. */
export function sampleKey(change: Partial<Key> = {}): Key {
  return {
    id: 'key_1',
    version: 1,
    provider: 'acme',
    slug: 'acme',
    label: '',
    scope: 'company',
    user: null,
    mask: 'sk-...1a2b',
    last4: '1a2b',
    status: 'valid',
    status_detail: null,
    enabled: true,
    order: 0,
    allowed_models: null,
    allowed_users: null,
    zero_retention: false,
    base_url: null,
    destination: 'catalogue:acme',
    preset: null,
    keyless: false,
    created_at: '2026-11-01T10:00:00Z',
    created_by: 'Ana Silva',
    changed_at: '2026-11-12T10:00:00Z',
    changed_by: 'Ana Silva',
    tested_at: '2026-11-20T13:56:00Z',
    last_used_at: null,
    requests_handled: 0,
    latency_ms: 412,
    permissions: null,
    models_count: 42,
    etag: '"1"',
    ...change,
  };
}

/** A provider of the catalogue without keys, for tests. */
export function sampleProvider(change: Partial<Provider> = {}): Provider {
  return {
    id: 'acme',
    kind: 'catalogue',
    name: 'Acme AI',
    aliases: ['ACME'],
    dialect: 'openai-chat',
    base_url: 'https://api.acme.example/v1',
    destination: 'catalogue:acme',
    key: null,
    key_page: null,
    billing_page: null,
    key_help: [],
    docs: null,
    abilities: null,
    curated_models: [],
    own_keys: 0,
    personal_keys: 0,
    platform_key: true,
    source: {
      source: 'own',
      on_failure: 'platform',
      fallback: { follows: 'platform', because: null, choice: 'free', barred: null },
      set: false,
      etag: '"1"',
      changed_at: null,
      changed_by: null,
    },
    special_sources: 0,
    payer: 'platform',
    fallback: null,
    gated: null,
    ...change,
  };
}
