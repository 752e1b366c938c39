import type { KeyPatchBody } from '@ownkey/contract/api/keys';
import type { KeyRow } from '@ownkey/contract/key-view';
import type { Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { listSiblings, setPosition, updateKey } from './store.ts';

/** Changes what a person may change of a stored key, in the caller's transaction, which holds the row's lock. */
export async function changeKey(
  sql: Sql,
  companyId: string | null,
  key: KeyRow,
  wanted: KeyPatchBody,
  actor: string,
): Promise<void> {
  const to = {
    label: wanted.label ?? key.label,
    enabled: wanted.enabled ?? key.enabled,
    allowed_models: wanted.allowed_models === undefined ? key.allowed_models : wanted.allowed_models,
  };
  await updateKey(sql, key.id, to, actor);
  if (wanted.order !== undefined) await moveKey(sql, companyId, key, wanted.order);
  const changed = Object.keys(wanted);
  await recordEvent(sql, {
    company: companyId,
    kind: 'key.changed',
    actor,
    user: key.user_id,
    keyId: key.id,
    provider: key.slug ?? key.provider,
    last4: key.last4,
    data: { changed, ...(wanted.enabled === undefined ? {} : { enabled: wanted.enabled }) },
  });
}

/** Puts the key at place `order` (0 = first) among its siblings; the others keep their order. */
async function moveKey(sql: Sql, companyId: string | null, key: KeyRow, order: number): Promise<void> {
  const others = (await listSiblings(sql, key, companyId)).filter(({ id }) => id !== key.id);
  const ids = others.map(({ id }) => id);
  ids.splice(Math.min(order, ids.length), 0, key.id);
  for (const [position, id] of ids.entries()) await setPosition(sql, id, position);
}
