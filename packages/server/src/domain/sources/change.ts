import type { FallbackState, Source } from '@ownkey/contract/api/providers';
import { OwnkeyError } from '@ownkey/contract/errors';
import type { OnFailure } from '@ownkey/contract/fallback';
import { first, type Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { type PayerState, SOURCE_COLUMNS, type StoredSource } from '../keys/payer.ts';
import { findActorNames } from '../members/actor-names.ts';
import { companyWide, etagOf, findRow, followingAt, type SourcePlace, viewSource } from './sources.ts';

/** A change of whose key pays reaches the very next call on every worker; own keys stay stored. */

/** Rows of one company; each call of it looks through them. */
const SOURCES_MAX = 2000;

/** @throws OwnkeyError conflict.changed, request.invalid, policy.fixed, source.too_many */
export async function putSource(
  sql: Sql,
  state: PayerState,
  place: SourcePlace,
  to: { source: 'own' | 'platform'; onFailure: OnFailure | null },
  ifMatch: string | null,
  actor: string,
): Promise<Source> {
  if (place.custom && to.source === 'platform')
    throw invalid('Nobody but you has a key for a custom endpoint.', 'source');
  if (to.onFailure !== null) assertMayChoose(followingAt(state, place), to.onFailure);
  const companyId = state.company.id;
  const before = await lockRow(sql, companyId, place);
  await assertUnchanged(sql, before, ifMatch);
  if (before === null) await assertRoom(sql, companyId);
  const onFailure = to.onFailure ?? before?.on_failure ?? presetAt(state, place);
  const after = await first<StoredSource>(
    sql,
    `INSERT INTO sources AS s (company_id, provider, account, operation, source, on_failure, changed_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (company_id, provider, account, operation) DO UPDATE SET source = excluded.source, on_failure = excluded.on_failure,
       changed_by = excluded.changed_by, changed_at = clock_timestamp(), row_version = s.row_version + 1
     RETURNING ${SOURCE_COLUMNS}`,
    [companyId, place.slug, place.account, place.operation, to.source, onFailure, actor],
  );
  if (after === null) throw new OwnkeyError('internal', {}, 'a source was not written');
  await record(sql, companyId, place, actor, {
    source: to.source,
    on_failure: onFailure,
    from: before?.source ?? null,
    from_on_failure: before?.on_failure ?? null,
  });
  const others = state.sources.filter((row) => row !== findRow(state, place));
  const name = await findActorNames(sql, [actor]);
  return viewSource({ ...state, sources: [...others, after] }, place, name);
}

/** Calls of this account or operation go by the next wider choice again. @throws OwnkeyError not_found, conflict.changed, request.invalid */
export async function removeSource(
  sql: Sql,
  companyId: string,
  place: SourcePlace,
  ifMatch: string | null,
  actor: string,
): Promise<void> {
  if (place.account === '' && place.operation === '')
    throw invalid('Name the account or operation whose choice is taken back.', 'operation');
  const before = await lockRow(sql, companyId, place);
  if (before === null) throw new OwnkeyError('not_found');
  await assertUnchanged(sql, before, ifMatch);
  await sql.rows('DELETE FROM sources WHERE company_id = $1 AND provider = $2 AND account = $3 AND operation = $4', [
    companyId,
    place.slug,
    place.account,
    place.operation,
  ]);
  await record(sql, companyId, place, actor, {
    source: null,
    from: before.source,
    from_on_failure: before.on_failure,
    removed: true,
  });
}

/**
 * A choice that could not come true is refused, not stored in silence. That no shared key is offered today bars nothing: one may be
 * tomorrow. @throws OwnkeyError policy.fixed, request.invalid
 */
export function assertMayChoose({ choice, barred }: FallbackState, onFailure: OnFailure): void {
  if (barred === 'custom_endpoint' && onFailure === 'platform')
    throw invalid('Nobody but you has a key for a custom endpoint.', 'on_failure');
  if (barred !== 'custom_endpoint' && choice !== 'free' && onFailure !== choice)
    throw new OwnkeyError('policy.fixed', { fixed: FIXED[choice], param: 'on_failure' });
  if (barred === 'zero_retention' && onFailure === 'platform')
    throw invalid('Your company requires zero data retention, which the shared key does not promise.', 'on_failure');
}

const FIXED = { stop: 'calls stop', platform: 'the shared key answers' } as const;

/** What a new row has where nobody says: what held there before, else the host's preset. */
function presetAt(state: PayerState, place: SourcePlace): OnFailure {
  if (place.custom) return 'stop';
  return findRow(state, companyWide(place))?.on_failure ?? state.policies.on_failure.preset;
}

function lockRow(sql: Sql, companyId: string, place: SourcePlace): Promise<StoredSource | null> {
  return first<StoredSource>(
    sql,
    `SELECT ${SOURCE_COLUMNS} FROM sources
     WHERE company_id = $1 AND provider = $2 AND account = $3 AND operation = $4 FOR UPDATE`,
    [companyId, place.slug, place.account, place.operation],
  );
}

async function assertUnchanged(sql: Sql, row: StoredSource | null, ifMatch: string | null): Promise<void> {
  if (ifMatch === null || ifMatch === '*' || ifMatch === etagOf(row)) return;
  const name = await findActorNames(sql, [row?.changed_by ?? null]);
  throw new OwnkeyError('conflict.changed', {
    who: name(row?.changed_by ?? null) ?? 'Somebody',
    at: row?.changed_at.toISOString() ?? null,
  });
}

async function assertRoom(sql: Sql, companyId: string): Promise<void> {
  // One at a time per company, so that two callers cannot pass the limit together.
  await sql.rows('SELECT 1 FROM companies WHERE id = $1 FOR NO KEY UPDATE', [companyId]);
  const count = await first<{ n: number }>(sql, 'SELECT count(*)::int AS n FROM sources WHERE company_id = $1', [
    companyId,
  ]);
  if ((count?.n ?? 0) >= SOURCES_MAX) throw new OwnkeyError('source.too_many', { limit: SOURCES_MAX });
}

function record(
  sql: Sql,
  company: string,
  { slug, account, operation }: SourcePlace,
  actor: string,
  data: Record<string, unknown>,
): Promise<void> {
  const where = { ...(account === '' ? {} : { account }), ...(operation === '' ? {} : { operation }) };
  return recordEvent(sql, {
    company,
    kind: 'source.changed',
    actor,
    provider: slug,
    data: { ...data, ...where },
  });
}

function invalid(problem: string, param: string): OwnkeyError {
  return new OwnkeyError('request.invalid', { problem, param });
}
