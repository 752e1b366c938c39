import { createHash } from 'node:crypto';
import type { Database, Sql } from '../../storage/database.ts';
import type { SeedPrice } from './convert-model.ts';

/** A price with where it was read. */
export type SourcedPrice = SeedPrice & { readonly source: string };

/** Installation's prices that come with the product, by origin. */
export interface PriceSeed {
  readonly origin: 'catalogue' | 'sandbox';
  readonly prices: readonly SourcedPrice[];
}

interface StoredPeriod {
  id: string;
  ended_at: Date | null;
}

/**
 * Brings the stored prices of an origin to these: new ones are added, those that are gone end now, those that are the same stay
 * as they are. Nothing is written, and no version moves, where nothing differs. Servers that start together do it one after
 * another.
 */
export function seedPrices(database: Database, seed: PriceSeed): Promise<void> {
  return database.everywhere(async (sql) => {
    await sql.rows("SELECT pg_advisory_xact_lock(hashtext('ownkey.prices'))");
    const stored = await sql.rows<StoredPeriod>('SELECT id, ended_at FROM prices WHERE origin = $1', [seed.origin]);
    const known = new Map(stored.map((row) => [row.id, row.ended_at?.getTime() ?? null]));
    const wanted = new Map(seed.prices.map((price) => [priceId(seed.origin, price), price]));
    const added = [...wanted].filter(([id]) => !known.has(id));
    if (added.length > 0) await insertPrices(sql, seed, added);
    await endPrices(sql, periodChanges(known, wanted));
  });
}

/** By content: the same price has the same id in every installation, also when it was read again or elsewhere. */
function priceId(origin: PriceSeed['origin'], price: SeedPrice): string {
  const { slug, model, match, rates, contextTokens, validFrom, endedAt, position = 0 } = price;
  const content = JSON.stringify([origin, slug, model, match, rates, contextTokens, validFrom, endedAt, position]);
  return `price_${createHash('sha256').update(content).digest('hex').slice(0, 20)}`;
}

async function insertPrices(sql: Sql, seed: PriceSeed, added: readonly [string, SourcedPrice][]): Promise<void> {
  const rows = added.map(([id, price]) => ({
    id,
    slug: price.slug,
    model: price.model,
    match: price.match,
    rates: price.rates,
    context_tokens: price.contextTokens,
    valid_from: new Date(price.validFrom).toISOString(),
    ended_at: price.endedAt === null ? null : new Date(price.endedAt).toISOString(),
    position: price.position ?? 0,
    source: price.source,
  }));
  await sql.rows(
    `INSERT INTO prices (id, origin, slug, model, match, rates, context_tokens, valid_from, ended_at, position, source, created_by)
     SELECT id, $2, slug, model, match, rates, context_tokens, valid_from, ended_at, position, source, 'system'
     FROM jsonb_to_recordset($1) AS r (id text, slug text, model text, match jsonb, rates jsonb, context_tokens bigint,
       valid_from timestamptz, ended_at timestamptz, position int, source text)`,
    [JSON.stringify(rows), seed.origin],
  );
}

/** When each row has to end instead: null = never; 'now' for those that are gone and did not end before. */
function periodChanges(
  known: ReadonlyMap<string, number | null>,
  wanted: ReadonlyMap<string, SeedPrice>,
): { id: string; ended_at: string | null }[] {
  const now = Date.now();
  return [...known].flatMap(([id, endedAt]) => {
    const price = wanted.get(id);
    if (price === undefined) return endedAt === null || endedAt > now ? [{ id, ended_at: 'now' }] : [];
    if (price.endedAt === endedAt) return [];
    return [{ id, ended_at: price.endedAt === null ? null : new Date(price.endedAt).toISOString() }];
  });
}

async function endPrices(sql: Sql, changes: readonly { id: string; ended_at: string | null }[]): Promise<void> {
  if (changes.length === 0) return;
  await sql.rows(
    `UPDATE prices p SET ended_at = c.ended_at::timestamptz
     FROM jsonb_to_recordset($1) AS c (id text, ended_at text) WHERE p.id = c.id`,
    [JSON.stringify(changes)],
  );
}
