import type { PROVIDER_ROUTES } from '@ownkey/contract/routes/providers';
import { readState } from '../../domain/keys/key-calls.ts';
import { findActorNames } from '../../domain/members/actor-names.ts';
import { listModels } from '../../domain/models/list.ts';
import { listProviders } from '../../domain/providers/list.ts';
import { putSource, removeSource } from '../../domain/sources/change.ts';
import { companyWide, listRows, resolveSlug, type SourcePlace, viewSource } from '../../domain/sources/sources.ts';
import type { Sql } from '../../storage/database.ts';
import { PAGE_SIZE, pageOf, readCursor } from '../cursor.ts';
import type { HandlersOf } from '../handler.ts';
import type { Parts } from './parts.ts';

/** Providers, whose key pays, models. */
export function providerHandlers(parts: Parts): HandlersOf<keyof typeof PROVIDER_ROUTES> {
  const { database, catalogue } = parts;
  const placeOf = async (
    sql: Sql,
    companyId: string,
    named: string,
    { account = '', operation = '' }: { account?: string | undefined; operation?: string | undefined },
  ): Promise<SourcePlace> => ({ ...(await resolveSlug(sql, catalogue, companyId, named)), account, operation });
  return {
    listProviders: async ({ caller }) => {
      const state = await readState(parts, caller.companyId);
      const changers = state.sources.map((row) => row.changed_by);
      const name = await database.tenant(caller.companyId, (sql) => findActorNames(sql, changers));
      return { status: 200, body: listProviders(catalogue, state, caller.userId, name) };
    },
    putSource: async ({ caller, params, body, headers }) => {
      const { companyId, actor } = caller;
      const state = await readState(parts, companyId);
      return database.tenant(companyId, async (sql) => {
        const place = await placeOf(sql, companyId, params.provider, body);
        const to = { source: body.source, onFailure: body.on_failure ?? null };
        const source = await putSource(sql, state, place, to, headers['if-match'] ?? null, actor);
        return { status: 200, body: source, headers: { etag: source.etag } };
      });
    },
    listSources: async ({ caller, params, query }) => {
      const { companyId } = caller;
      const limit = query.limit ?? PAGE_SIZE;
      const after = readSourceCursor(query.cursor);
      const state = await readState(parts, companyId);
      return database.tenant(companyId, async (sql) => {
        const place = companyWide(await resolveSlug(sql, catalogue, companyId, params.provider));
        const rows = await listRows(sql, companyId, place.slug, after, limit + 1);
        const name = await findActorNames(
          sql,
          rows.map((row) => row.changed_by),
        );
        // What nobody chose is shown too: it is what holds.
        const isSet = rows[0]?.account === '' && rows[0].operation === '';
        const unset = after === null && !isSet ? [viewSource(state, place, name)] : [];
        const shown = { ...state, sources: [...rows, ...state.sources] };
        const page = pageOf(
          rows,
          limit,
          ({ account, operation }) => viewSource(shown, { ...place, account, operation }, name),
          ({ account, operation }) => JSON.stringify([account, operation]),
        );
        return { status: 200, body: { ...page, data: [...unset, ...page.data] } };
      });
    },
    removeSource: ({ caller, params, query, headers }) =>
      database.tenant(caller.companyId, async (sql) => {
        const place = await placeOf(sql, caller.companyId, params.provider, query);
        await removeSource(sql, caller.companyId, place, headers['if-match'] ?? null, caller.actor);
        return { status: 204, body: null };
      }),
    listModels: async ({ caller, query }) => {
      const state = await readState(parts, caller.companyId);
      const { provider } = query;
      const only =
        provider === undefined
          ? null
          : (await database.tenant(caller.companyId, (sql) => resolveSlug(sql, catalogue, caller.companyId, provider)))
              .slug;
      return { status: 200, body: await listModels(database, catalogue, state, caller.userId, only) };
    },
  };
}

/** @throws OwnkeyError request.invalid */
function readSourceCursor(cursor: string | undefined): [account: string, operation: string] | null {
  const position = readCursor(cursor, SOURCE_POSITION);
  if (position === null) return null;
  const read: unknown = JSON.parse(position);
  const [account = '', operation = ''] = Array.isArray(read) ? read.map(String) : [];
  return [account, operation];
}

/** JSON of account and operation. */
const SOURCE_POSITION = /^\["(?:[^"\\]|\\["\\]){0,128}","(?:[^"\\]|\\["\\]){0,128}"\]$/;
