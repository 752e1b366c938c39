import type { KeyPatchBody, PlatformKeyPatchBody } from '@ownkey/contract/api/keys';
import { OwnkeyError } from '@ownkey/contract/errors';
import type { KeyRow } from '@ownkey/contract/key-view';
import type { Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { listSiblings, setPosition, updateKey } from './store.ts';

/** Changes what a person may change of a stored key, in the caller's transaction, which holds the row's lock. */
export async function changeKey(
  sql: Sql,
  companyId: string | null,
  key: KeyRow,
  wanted: KeyPatchBody & PlatformKeyPatchBody,
  actor: string,
): Promise<void> {
  const { allowed_users: named, zero_retention = key.zero_retention } = wanted;
  const to = {
    label: wanted.label ?? key.label,
    enabled: wanted.enabled ?? key.enabled,
    allowed_models: wanted.allowed_models === undefined ? key.allowed_models : wanted.allowed_models,
    allowed_users:
      named === undefined ? key.allowed_users : named === null ? null : await findUserIds(sql, companyId, key, named),
    zero_retention,
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
    data: {
      changed,
      ...(wanted.enabled === undefined ? {} : { enabled: wanted.enabled }),
      ...(wanted.zero_retention === undefined ? {} : { zero_retention }),
    },
  });
}

/** Our ids of users of the company, named by those or the host's, each once. @throws OwnkeyError request.invalid */
async function findUserIds(
  sql: Sql,
  companyId: string | null,
  key: KeyRow,
  named: readonly string[],
): Promise<string[]> {
  if (key.owner !== 'company')
    throw new OwnkeyError('request.invalid', {
      problem: 'allowed_users: a personal key is for its person alone.',
      param: 'allowed_users',
    });
  const found = await sql.rows<{ name: string; id: string | null }>(
    `SELECT n.name, (SELECT u.id FROM users u WHERE u.company_id = $1 AND (u.id = n.name OR u.external_id = n.name)
       ORDER BY (u.id = n.name) DESC LIMIT 1) AS id FROM unnest($2::text[]) WITH ORDINALITY AS n (name, i) ORDER BY n.i`,
    [companyId, named],
  );
  const unknown = found.find(({ id }) => id === null);
  if (unknown !== undefined)
    throw new OwnkeyError('request.invalid', {
      problem: `allowed_users: there is no user ${unknown.name}.`,
      param: 'allowed_users',
    });
  return [...new Set(found.flatMap(({ id }) => (id === null ? [] : [id])))];
}

/** Puts the key at place `order` (0 = first) among its siblings; the others keep their order. */
async function moveKey(sql: Sql, companyId: string | null, key: KeyRow, order: number): Promise<void> {
  const others = (await listSiblings(sql, key, companyId)).filter(({ id }) => id !== key.id);
  const ids = others.map(({ id }) => id);
  ids.splice(Math.min(order, ids.length), 0, key.id);
  for (const [position, id] of ids.entries()) await setPosition(sql, id, position);
}
