import type { ModelMatch, PriceOrigin, PriceRates, PriceRow } from '@ownkey/contract/price';
import type { CapPeriod, CapRow } from '@ownkey/contract/spend';
import { PriceBook } from '@ownkey/policy/price-book';
import type { Sql } from './load.ts';

/** Columns as `json_agg` gives them: times as text, amounts as JSON numbers (an amount of 2^53 nano-USD is 9 million USD). */
export const CAP_COLUMNS =
  'subject, period, amount_nano_usd::text, raised_to_nano_usd::text, raised_from::text, raised_until::text';

export interface CapRecord {
  subject: string;
  period: CapPeriod;
  amount_nano_usd: string | null;
  raised_to_nano_usd: string | null;
  raised_from: string | null;
  raised_until: string | null;
}

export function toCap(record: CapRecord): CapRow {
  const { raised_to_nano_usd: to, raised_from: from, raised_until: until } = record;
  return {
    subject: record.subject,
    period: record.period,
    amount: record.amount_nano_usd === null ? null : BigInt(record.amount_nano_usd),
    raised: to === null || from === null || until === null ? null : { to: BigInt(to), from, until },
  };
}

export const PRICE_COLUMNS =
  'id, origin, company_id, slug, model, match, rates, context_tokens, valid_from, ended_at, position';

export interface PriceRecord {
  id: string;
  origin: PriceOrigin;
  company_id: string | null;
  slug: string;
  model: string;
  match: ModelMatch | null;
  rates: PriceRates;
  context_tokens: number | null;
  valid_from: string;
  ended_at: string | null;
  position: number;
}

export function toPrice(record: PriceRecord): PriceRow {
  return {
    id: record.id,
    origin: record.origin,
    companyId: record.company_id,
    slug: record.slug,
    model: record.model,
    match: record.match,
    rates: record.rates,
    contextTokens: record.context_tokens,
    validFrom: Date.parse(record.valid_from),
    endedAt: record.ended_at === null ? null : Date.parse(record.ended_at),
    position: record.position,
  };
}

/** Reads the installation's prices, over a thousand rows, only when they changed since. */
export class PriceLoader {
  readonly #sql: Sql;
  #known: { version: string; book: PriceBook } | null = null;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Prices at least as new as `version` (of `installation.prices_version`). */
  async book(version: string): Promise<PriceBook> {
    if (this.#known?.version === version) return this.#known.book;
    // Prices that ended are of use to nobody a day later: a reservation lives for minutes.
    const { rows } = await this.#sql.query<{ prices: PriceRecord[] | null }>(
      `SELECT json_agg(p) AS prices FROM (SELECT ${PRICE_COLUMNS} FROM prices
         WHERE company_id IS NULL AND (ended_at IS NULL OR ended_at > now() - interval '1 day') ORDER BY id) p`,
      [],
    );
    const book = new PriceBook((rows[0]?.prices ?? []).map(toPrice));
    this.#known = { version, book };
    return book;
  }
}
