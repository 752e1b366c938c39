import type { Source } from '@ownkey/contract/api/providers';
import { OwnkeyError } from '@ownkey/contract/errors';
import { CUSTOM_PROVIDER } from '@ownkey/contract/key';
import { type Catalogue, resolveProvider } from '@ownkey/providers/catalogue';
import type { Sql } from '../../storage/database.ts';
import { decideFollowing, type PayerState, SOURCE_COLUMNS, type StoredSource } from '../keys/payer.ts';

/** Whose key pays for a provider, and what follows when it fails, as it is shown. */

export const UNSET_ETAG = '"0"';

type NameOf = (actor: string | null) => string | null;

/** Names a row: the company's own choice has neither account nor operation. */
export interface SourcePlace {
  readonly slug: string;
  readonly custom: boolean;
  readonly account: string;
  readonly operation: string;
}

/** How the company's source for `slug` stands; where nobody chose, own keys are used where there are any. */
export function sourceState(
  state: PayerState,
  place: Pick<SourcePlace, 'slug' | 'custom'>,
  name: NameOf,
): Omit<Source, 'provider' | 'account' | 'operation'> {
  const { provider: _, account: __, operation: ___, ...shown } = viewSource(state, companyWide(place), name);
  return shown;
}

export function companyWide(place: Pick<SourcePlace, 'slug' | 'custom'>): SourcePlace {
  return { ...place, account: '', operation: '' };
}

/** One row as the API shows it: what is stored, and what is in force there. */
export function viewSource(state: PayerState, place: SourcePlace, name: NameOf): Source {
  const { slug, account, operation } = place;
  const row = findRow(state, place);
  return {
    provider: slug,
    account: account === '' ? null : account,
    operation: operation === '' ? null : operation,
    source: row?.source ?? 'own',
    on_failure: row?.on_failure ?? state.policies.on_failure.preset,
    fallback: followingAt(state, place),
    set: row !== null,
    etag: etagOf(row),
    changed_at: row?.changed_at.toISOString() ?? null,
    changed_by: name(row?.changed_by ?? null),
  };
}

export function findRow(state: PayerState, { slug, account, operation }: SourcePlace): StoredSource | null {
  const isIt = (row: StoredSource): boolean =>
    row.provider === slug && row.account === account && row.operation === operation;
  return state.sources.find(isIt) ?? null;
}

/** What follows a failing own key of calls in this place. */
export function followingAt(state: PayerState, { slug, custom, account, operation }: SourcePlace) {
  const provider = custom ? CUSTOM_PROVIDER : slug;
  return decideFollowing(state, { slug, provider, providerName: slug, user: null, account, operation });
}

export function etagOf(row: StoredSource | null): string {
  return row === null ? UNSET_ETAG : `"${row.row_version}"`;
}

/** Choices for single accounts and operations of this provider. */
export function countSpecial(state: PayerState, slug: string): number {
  return state.sources.filter((row) => row.provider === slug && (row.account !== '' || row.operation !== '')).length;
}

/** Rows of one provider in order of account and operation, after one of them. */
export function listRows(
  sql: Sql,
  companyId: string,
  slug: string,
  after: readonly [account: string, operation: string] | null,
  limit: number,
): Promise<StoredSource[]> {
  return sql.rows(
    `SELECT ${SOURCE_COLUMNS} FROM sources WHERE company_id = $1 AND provider = $2
       AND ($3::text IS NULL OR (account COLLATE "C", operation COLLATE "C") > ($3, $4))
     ORDER BY account COLLATE "C", operation COLLATE "C" LIMIT $5`,
    [companyId, slug, after?.[0] ?? null, after?.[1] ?? null, limit],
  );
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
