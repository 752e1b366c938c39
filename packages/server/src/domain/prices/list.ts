import type { ListedPrice } from '@ownkey/contract/api/prices';
import { PRICE_ORIGINS } from '@ownkey/contract/price';
import { PriceBook } from '@ownkey/policy/price-book';
import type { Sql } from '../../storage/database.ts';
import { listStored, type PriceScope, readLedgerClock, type StoredPrice } from './store.ts';
import { priceView, unknownView } from './view.ts';

const USED_DAYS = 90;
const USED_MAX = 5000;

export interface PriceQuery extends PriceScope {
  /** A part of a model's name. */
  readonly text: string;
  readonly onlyUnknown: boolean;
  /** Providers the operator sets prices for; without it every slug. */
  readonly slugs?: readonly string[];
}

/** What is listed, with its place in the list. */
export interface PricePosition {
  readonly key: string;
  readonly view: ListedPrice;
}

/**
 * Prices that hold or are to come, and models used of late that have none, in order of provider and model. Whether a price is in
 * force is decided as for a call of the model by its name.
 */
export async function listPrices(sql: Sql, query: PriceQuery): Promise<PricePosition[]> {
  const now = await readLedgerClock(sql);
  const stored = await listStored(sql, query, now);
  const own = stored.filter(({ companyId }) => companyId !== null);
  const book = new PriceBook(stored.filter(({ companyId }) => companyId === null));
  const inForce = (slug: string, model: string): string | null =>
    book.find(slug, model, now.getTime(), own)?.id ?? null;
  const wanted = query.text.trim().toLowerCase();
  const fits = (model: string): boolean => wanted === '' || model.toLowerCase().includes(wanted);

  const used = await usedModels(sql, query, now);
  const unknown = used
    .filter(({ slug, model }) => fits(model) && inForce(slug, model) === null)
    .map(({ slug, model }) => ({ key: keyOf(slug, model, '9'), view: unknownView(slug, model) }));
  const known = query.onlyUnknown
    ? []
    : stored
        .filter(({ model }) => fits(model))
        .map((price) => ({
          key: keyOf(price.slug, price.model, `${PRICE_ORIGINS.indexOf(price.origin)} ${dateKey(price)} ${price.id}`),
          view: priceView(price, inForce(price.slug, price.model) === price.id),
        }));
  return [...known, ...unknown].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** Control characters are in no name, so that one sorts before every letter. */
function keyOf(slug: string, model: string, rest: string): string {
  return `${slug}\u0000${model}\u0000${rest}`;
}

function dateKey({ validFrom }: StoredPrice): string {
  return new Date(validFrom).toISOString();
}

/** Models of calls of late, as the sums by hour know them. Index: the primary key. */
function usedModels(sql: Sql, query: PriceQuery, now: Date): Promise<{ slug: string; model: string }[]> {
  return sql.rows(
    `SELECT DISTINCT slug, model FROM usage_hourly
     WHERE ($1::text IS NULL OR company_id = $1) AND ($2::text IS NULL OR slug = $2) AND hour > $3::timestamptz - $4::interval
       AND ($5::text[] IS NULL OR slug = ANY ($5)) AND model <> '' ORDER BY slug, model LIMIT $6`,
    [query.companyId, query.slug ?? null, now, `${USED_DAYS} days`, query.slugs ?? null, USED_MAX],
  );
}
