import type { PROVIDER_ROUTES } from '@ownkey/contract/routes/providers';
import { readState } from '../../domain/keys/key-calls.ts';
import { findActorNames } from '../../domain/members/actor-names.ts';
import { listModels } from '../../domain/models/list.ts';
import { listProviders } from '../../domain/providers/list.ts';
import { putSource, resolveSlug } from '../../domain/sources/sources.ts';
import type { HandlersOf } from '../handler.ts';
import type { Parts } from './parts.ts';

/** Providers, whose key pays, models. */
export function providerHandlers(parts: Parts): HandlersOf<keyof typeof PROVIDER_ROUTES> {
  const { database, catalogue } = parts;
  return {
    listProviders: async ({ caller }) => {
      const state = await readState(parts, caller.companyId);
      const changers = state.sources.map((row) => row.changed_by);
      const name = await database.tenant(caller.companyId, (sql) => findActorNames(sql, changers));
      return { status: 200, body: listProviders(catalogue, state, caller.userId, name) };
    },
    putSource: ({ caller, params, body, headers }) =>
      database.tenant(caller.companyId, async (sql) => {
        const { slug, custom } = await resolveSlug(sql, catalogue, caller.companyId, params.provider);
        const to = {
          slug,
          custom,
          account: body.account ?? '',
          source: body.source,
          onFailure: body.on_failure ?? null,
        };
        const source = await putSource(sql, caller.companyId, to, headers['if-match'] ?? null, caller.actor);
        return { status: 200, body: source, headers: { etag: source.etag } };
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
