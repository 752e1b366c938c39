import type { Provider } from '@ownkey/contract/api/providers';
import { CUSTOM_PROVIDER } from '@ownkey/contract/key';

/** What stands in for a catalogue entry while a custom endpoint is being connected. */
export function customProvider(name: string): Provider {
  return {
    id: CUSTOM_PROVIDER,
    kind: 'custom',
    name,
    aliases: [],
    dialect: 'openai-chat',
    base_url: null,
    destination: '',
    key: null,
    key_page: null,
    billing_page: null,
    key_help: [],
    docs: null,
    abilities: null,
    curated_models: [],
    own_keys: 0,
    personal_keys: 0,
    platform_key: false,
    source: {
      source: 'own',
      on_failure: 'stop',
      fallback: { follows: 'stop', because: 'custom_endpoint', choice: 'free', barred: 'custom_endpoint' },
      set: false,
      etag: '',
      changed_at: null,
      changed_by: null,
    },
    special_sources: 0,
    payer: null,
    fallback: null,
    gated: null,
  };
}

/** A slug from a name as typed: small letters, digits and dashes, at most 32. */
export function slugOf(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 32)
    .replace(/^-+|-+$/g, '');
}
