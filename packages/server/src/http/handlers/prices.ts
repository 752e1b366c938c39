import type { ListedPrice, PricesQuery } from '@ownkey/contract/api/prices';
import { OwnkeyError } from '@ownkey/contract/errors';
import type { PRICE_ROUTES } from '@ownkey/contract/routes/prices';
import { resolveProvider } from '@ownkey/providers/catalogue';
import { listPrices, type PriceQuery } from '../../domain/prices/list.ts';
import { putPrice } from '../../domain/prices/override.ts';
import { resolveSlug } from '../../domain/sources/sources.ts';
import type { Sql } from '../../storage/database.ts';
import { PAGE_SIZE, pageOf, readCursor } from '../cursor.ts';
import type { HandlersOf } from '../handler.ts';
import type { Parts } from './parts.ts';

/** Slug, model and the rest, as the list is ordered. */
const POSITION = /^[^\0]{1,64}\0[^\0]{1,300}\0[^\0]{1,100}$/;

/** Prices of models, for companies and operators. */
export function priceHandlers({ database, catalogue }: Parts): HandlersOf<keyof typeof PRICE_ROUTES> {
  /** A provider's name as prices are kept by; one nobody knows has no prices. */
  const slugOf = (named: string | undefined): string | undefined =>
    named === undefined ? undefined : (resolveProvider(catalogue, named)?.id ?? named);
  const providers = [...catalogue.entries.keys()];
  return {
    listPrices: ({ caller, query }) =>
      database.tenant(caller.companyId, async (sql) => {
        const of = { ...readQuery(query), companyId: caller.companyId, slug: slugOf(query.provider) };
        return { status: 200, body: await pricePage(sql, of, query) };
      }),
    putPrice: ({ caller, body }) =>
      database.tenant(caller.companyId, async (sql) => {
        const { slug } = await resolveSlug(sql, catalogue, caller.companyId, body.provider).catch(asUnknownProvider);
        return { status: 200, body: await putPrice(sql, caller, slug, body) };
      }),
    listOperatorPrices: ({ query }) =>
      database.everywhere(async (sql) => {
        const of = { ...readQuery(query), companyId: null, slug: slugOf(query.provider), slugs: providers };
        return { status: 200, body: await pricePage(sql, of, query) };
      }),
    putOperatorPrice: ({ caller, body }) =>
      database.everywhere(async (sql) => {
        const entry = resolveProvider(catalogue, body.provider);
        if (entry === undefined) throw unknownProvider();
        return { status: 200, body: await putPrice(sql, { companyId: null, actor: caller.actor }, entry.id, body) };
      }),
  };
}

function readQuery({ q, unknown }: PricesQuery): Pick<PriceQuery, 'text' | 'onlyUnknown'> {
  return { text: q ?? '', onlyUnknown: unknown === 'true' };
}

async function pricePage(
  sql: Sql,
  of: PriceQuery,
  query: PricesQuery,
): Promise<{ data: ListedPrice[]; next_cursor: string | null }> {
  const after = readCursor(query.cursor, POSITION) ?? '';
  const rows = (await listPrices(sql, of)).filter(({ key }) => key > after);
  return pageOf(
    rows,
    query.limit ?? PAGE_SIZE,
    ({ view }) => view,
    ({ key }) => key,
  );
}

/** Another company's endpoint is as unknown as one that is nobody's. */
function asUnknownProvider(error: unknown): never {
  throw error instanceof OwnkeyError && error.code === 'not_found' ? unknownProvider() : error;
}

function unknownProvider(): OwnkeyError {
  return new OwnkeyError('request.invalid', { problem: 'provider: there is none called so.', param: 'provider' });
}
