import type { Key } from '@ownkey/contract/api/keys';
import { useNow } from '../../ui/use-now.ts';
import { belongsTo, type ProviderRow, providerRows } from './groups.ts';
import { useKey, useKeys, useProviders } from './use-keys.ts';

const SCOPES = { company: 'company', user: 'personal', platform: 'shared' } as const;

/** One key with its provider and neighbours, for its detail and dialogs. `key` undefined = loading or `error`. */
export function useKeyRow(id: string): {
  key: Key | undefined;
  row: ProviderRow | undefined;
  error: unknown;
  retry: () => void;
} {
  const now = useNow();
  const one = useKey(id);
  const keys = useKeys();
  const providers = useProviders();
  const key = one.data;
  const retry = () => {
    void one.refetch();
    void keys.refetch();
    void providers.refetch();
  };
  if (key === undefined || providers.data === undefined) {
    return { key: undefined, row: undefined, error: one.error ?? providers.error, retry };
  }
  const all = keys.data?.some((other) => other.id === id) ? keys.data : [...(keys.data ?? []), key];
  const rows = providerRows(providers.data.data, all, SCOPES[key.scope], now);
  const row = rows.find((candidate) => belongsTo(key, candidate.provider));
  return { key, row, error: row === undefined ? new Error('the provider of this key is not listed') : null, retry };
}
