import type { Source } from '@ownkey/contract/api/providers';
import { OwnkeyError } from '@ownkey/contract/errors';
import { CUSTOM_PROVIDER } from '@ownkey/contract/key';
import { type Catalogue, resolveProvider } from '@ownkey/providers/catalogue';
import { first, type Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import type { PayerState, StoredSource } from '../keys/payer.ts';
import { findActorNames } from '../members/actor-names.ts';

/** Whose key pays for a provider. A change reaches the very next call on every worker; own keys stay stored. */

const UNSET_ETAG = '"0"';

/** How the company's source for `slug` stands; where nobody chose, own keys are used where there are any. */
export function sourceState(
  state: PayerState,
  slug: string,
  name: (actor: string | null) => string | null,
): Omit<Source, 'provider' | 'account'> {
  const row = state.sources.find(
    (source) => source.provider === slug && source.account === '' && source.operation === '',
  );
  return viewOf(row ?? null, state.company.zero_retention, name);
}

function viewOf(
  row: StoredSource | null,
  zeroRetention: boolean,
  name: (actor: string | null) => string | null,
): Omit<Source, 'provider' | 'account'> {
  return {
    source: row?.source ?? 'own',
    on_failure: zeroRetention ? 'stop' : (row?.on_failure ?? 'platform'),
    set: row !== null,
    etag: row === null ? UNSET_ETAG : `"${row.row_version}"`,
    changed_at: row?.changed_at.toISOString() ?? null,
    changed_by: name(row?.changed_by ?? null),
  };
}

/** The slug a provider is named by: a catalogue id or alias, or a custom endpoint of the company. @throws OwnkeyError not_found */
export async function resolveSlug(
  sql: Sql,
  catalogue: Catalogue,
  companyId: string,
  named: string,
): Promise<{ slug: string; custom: boolean }> {
  const entry = resolveProvider(catalogue, named);
  if (entry !== undefined) return { slug: entry.id, custom: false };
  const found = await sql.rows('SELECT 1 FROM keys WHERE company_id = $1 AND provider = $2 AND slug = $3 LIMIT 1', [
    companyId,
    CUSTOM_PROVIDER,
    named,
  ]);
  if (found.length === 0) throw new OwnkeyError('not_found');
  return { slug: named, custom: true };
}

/** @throws OwnkeyError conflict.changed, request.invalid */
export async function putSource(
  sql: Sql,
  companyId: string,
  to: {
    slug: string;
    custom: boolean;
    account: string;
    source: 'own' | 'platform';
    onFailure: 'stop' | 'platform' | null;
  },
  ifMatch: string | null,
  actor: string,
): Promise<Source> {
  if (to.custom && (to.source === 'platform' || to.onFailure === 'platform'))
    throw invalid(
      'Nobody but you has a key for a custom endpoint.',
      to.source === 'platform' ? 'source' : 'on_failure',
    );
  const company = await first<{ zero_retention: boolean }>(sql, 'SELECT zero_retention FROM companies WHERE id = $1', [
    companyId,
  ]);
  const zeroRetention = company?.zero_retention ?? false;
  if (zeroRetention && to.onFailure === 'platform')
    throw invalid('Your company requires zero data retention, which the shared key does not promise.', 'on_failure');
  const before = await first<StoredSource>(
    sql,
    `SELECT provider, account, operation, source, on_failure, row_version, changed_by, changed_at FROM sources
     WHERE company_id = $1 AND provider = $2 AND account = $3 AND operation = '' FOR UPDATE`,
    [companyId, to.slug, to.account],
  );
  const name = await findActorNames(sql, [before?.changed_by ?? null, actor]);
  const etag = before === null ? UNSET_ETAG : `"${before.row_version}"`;
  if (ifMatch !== null && ifMatch !== '*' && ifMatch !== etag)
    throw new OwnkeyError('conflict.changed', {
      who: name(before?.changed_by ?? null) ?? 'Somebody',
      at: before?.changed_at.toISOString() ?? null,
    });
  const fallback = zeroRetention || to.custom ? 'stop' : (before?.on_failure ?? 'platform');
  const onFailure = to.onFailure ?? fallback;
  const after = await first<StoredSource>(
    sql,
    `INSERT INTO sources AS s (company_id, provider, account, source, on_failure, changed_by) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (company_id, provider, account, operation) DO UPDATE SET source = excluded.source, on_failure = excluded.on_failure,
       changed_by = excluded.changed_by, changed_at = clock_timestamp(), row_version = s.row_version + 1
     RETURNING provider, account, operation, source, on_failure, row_version, changed_by, changed_at`,
    [companyId, to.slug, to.account, to.source, onFailure, actor],
  );
  const data = {
    source: to.source,
    on_failure: onFailure,
    from: before?.source ?? null,
    ...(to.account === '' ? {} : { account: to.account }),
  };
  await recordEvent(sql, { company: companyId, kind: 'source.changed', actor, provider: to.slug, data });
  return { ...viewOf(after, zeroRetention, name), provider: to.slug, account: to.account === '' ? null : to.account };
}

function invalid(problem: string, param: string): OwnkeyError {
  return new OwnkeyError('request.invalid', { problem, param });
}
