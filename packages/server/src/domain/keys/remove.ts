import { OwnkeyError } from '@ownkey/contract/errors';
import { CUSTOM_PROVIDER } from '@ownkey/contract/key';
import { type KeyRow, keyEtag } from '@ownkey/contract/key-view';
import type { Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { findActorNames } from '../members/actor-names.ts';
import { decidePayer, type PayerState } from './payer.ts';
import { deleteKey } from './store.ts';

export interface NextPayer {
  source: 'own' | 'platform' | null;
  key: { id: string; label: string; last4: string | null } | null;
}

/**
 * Removes a key in the caller's transaction: the row, its envelope, and, when no own key that is on remains for the provider,
 * the source moves to `platform` where plan and policy allow; else calls fail with `key.missing`. All of it or nothing.
 */
export async function removeKey(
  sql: Sql,
  state: PayerState | null,
  key: KeyRow,
  actor: string,
  providerName: string,
): Promise<NextPayer> {
  await deleteKey(sql, key.id);
  const slug = key.slug ?? key.provider;
  let sourceNow: 'platform' | null = null;
  if (state !== null && shouldMove(state, key)) {
    const moved = await sql.rows(
      `UPDATE sources SET source = 'platform', row_version = row_version + 1, changed_by = $3, changed_at = clock_timestamp()
       WHERE company_id = $1 AND provider = $2 AND source = 'own' RETURNING account`,
      [state.company.id, slug, actor],
    );
    if (moved.length > 0) sourceNow = 'platform';
  }
  const event = { actor, keyId: key.id, provider: slug, last4: key.last4, user: key.user_id };
  await recordEvent(sql, {
    ...event,
    company: state?.company.id ?? null,
    kind: 'key.removed',
    data: { label: key.label, scope: key.owner, ...(sourceNow === null ? {} : { source_now: sourceNow }) },
  });
  if (sourceNow !== null && state !== null) {
    const data = { source: sourceNow, because: 'key.removed' };
    await recordEvent(sql, { company: state.company.id, kind: 'source.changed', actor, provider: slug, data });
  }
  if (state === null) return { source: null, key: null };
  const sources =
    sourceNow === null
      ? state.sources
      : state.sources.map((row) => (row.provider === slug ? { ...row, source: sourceNow } : row));
  return nextPayer({ ...state, sources }, key, providerName);
}

/** Who pays once this key is gone (asked before removing it: what removing would do). */
export function nextPayer(state: PayerState, key: KeyRow, providerName: string): NextPayer {
  const slug = key.slug ?? key.provider;
  const sources = shouldMove(state, key)
    ? state.sources.map((row) => (row.provider === slug ? { ...row, source: 'platform' as const } : row))
    : state.sources;
  // For the people the key is for; nobody's personal key but its owner's is looked at.
  const user = key.user_id ?? key.allowed_users?.[0] ?? null;
  const keys = state.keys.filter((row) => row.owner === 'company' || row.user_id === key.user_id);
  const call = { slug, provider: key.provider, providerName, user };
  const decision = decidePayer({ ...state, keys, sources }, call, key.id);
  if (decision.kind === 'none') return { source: null, key: null };
  if (decision.kind === 'platform') return { source: 'platform', key: null };
  const { id, label, last4 } = decision.key.row;
  return { source: 'own', key: { id, label, last4 } };
}

/** The last own key that is on goes, and a platform key may take over: under zero retention only keys that carry the same promise. */
function shouldMove(state: PayerState, key: KeyRow): boolean {
  const slug = key.slug ?? key.provider;
  if (key.provider === CUSTOM_PROVIDER) return false;
  const left = state.keys.some((row) => row.id !== key.id && row.enabled && (row.slug ?? row.provider) === slug);
  const shared = state.platformKeys.filter((row) => row.provider === slug && row.enabled);
  const promised = !state.company.zero_retention || shared.every((row) => row.zero_retention);
  return !left && shared.length > 0 && promised && state.plan.platform_models?.length !== 0;
}

/** @throws OwnkeyError conflict.changed with who and when */
export async function assertKeyUnchanged(sql: Sql, key: KeyRow, ifMatch: string | null): Promise<void> {
  if (ifMatch === null || ifMatch === '*' || ifMatch === keyEtag(key)) return;
  const name = await findActorNames(sql, [key.changed_by]);
  throw new OwnkeyError('conflict.changed', {
    who: name(key.changed_by) ?? 'Somebody',
    at: key.changed_at.toISOString(),
  });
}
