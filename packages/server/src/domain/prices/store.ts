import type { ModelMatch, PriceOrigin, PriceRates, PriceRow } from '@ownkey/contract/price';
import type { Sql } from '../../storage/database.ts';

/** A stored price with what people want to know of it. */
export type StoredPrice = PriceRow & { readonly source: string | null };

interface Row {
  id: string;
  origin: PriceOrigin;
  company_id: string | null;
  slug: string;
  model: string;
  match: ModelMatch | null;
  rates: PriceRates;
  context_tokens: string | null;
  valid_from: Date;
  ended_at: Date | null;
  position: number;
  source: string | null;
}

const COLUMNS =
  'id, origin, company_id, slug, model, match, rates, context_tokens, valid_from, ended_at, position, source';

/** Whose prices: the installation's, and those of this company. */
export interface PriceScope {
  /** null = the operator, who sees no company's own. */
  readonly companyId: string | null;
  /** Only this provider. */
  readonly slug?: string | undefined;
}

/** Prices that have not ended by `at`, those to come included. */
export async function listStored(sql: Sql, scope: PriceScope, at: Date): Promise<StoredPrice[]> {
  const rows = await sql.rows<Row>(
    `SELECT ${COLUMNS} FROM prices WHERE (company_id IS NULL OR company_id = $1) AND ($2::text IS NULL OR slug = $2)
       AND (ended_at IS NULL OR ended_at > greatest($3, valid_from)) ORDER BY slug, model, id`,
    [scope.companyId, scope.slug ?? null, at],
  );
  return rows.map(toPrice);
}

/** A price that was in force at any time; null where there is none or it is another company's. */
export async function findStored(sql: Sql, companyId: string, id: string): Promise<StoredPrice | null> {
  const [row] = await sql.rows<Row>(
    `SELECT ${COLUMNS} FROM prices WHERE id = $1 AND (company_id IS NULL OR company_id = $2)`,
    [id, companyId],
  );
  return row === undefined ? null : toPrice(row);
}

function toPrice(row: Row): StoredPrice {
  return {
    id: row.id,
    origin: row.origin,
    companyId: row.company_id,
    slug: row.slug,
    model: row.model,
    match: row.match,
    rates: row.rates,
    contextTokens: row.context_tokens === null ? null : Number(row.context_tokens),
    validFrom: row.valid_from.getTime(),
    endedAt: row.ended_at?.getTime() ?? null,
    position: row.position,
    source: row.source,
  };
}

/** The database's clock, which says when prices begin and end. */
export async function readLedgerClock(sql: Sql): Promise<Date> {
  const [row] = await sql.rows<{ at: Date }>('SELECT ledger_now() AS at');
  if (row === undefined) throw new Error('the database tells no time');
  return row.at;
}
