import type { ListedPrice, PriceBody } from '@ownkey/contract/api/prices';
import { OwnkeyError } from '@ownkey/contract/errors';
import { newId } from '@ownkey/contract/ids';
import { formatUsd, parseUsd } from '@ownkey/contract/money';
import type { PriceRates } from '@ownkey/contract/price';
import { PriceBook } from '@ownkey/policy/price-book';
import type { Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { fillRates } from './fill-rates.ts';
import { listStored, readLedgerClock, type StoredPrice } from './store.ts';
import { priceView, unknownView } from './view.ts';

/** Who sets prices: a company for itself, or the operator (null) for all that set none. */
export interface PriceOwner {
  readonly companyId: string | null;
  readonly actor: string;
}

/**
 * Sets or removes the owner's price of one model and records who did. A price that is replaced ends when the new one begins; rows
 * are never changed, so that calls still name the price they were made with. The next call of every worker is priced with it. Two
 * that set the same price do so one after another; the last one holds. Answers with what was set, or after a removal with what is
 * in force now. @throws OwnkeyError request.invalid, naming the field
 */
export async function putPrice(sql: Sql, owner: PriceOwner, slug: string, body: PriceBody): Promise<ListedPrice> {
  await sql.rows("SELECT pg_advisory_xact_lock(hashtext('ownkey.prices'))");
  const now = await readLedgerClock(sql);
  const model = body.model.trim();
  if (model === '') throw invalid('model', 'must not be empty.');
  const before = await pricesOf(sql, owner, slug, now);
  const found = before.find(model, now);
  if (body.remove === true) {
    refuseRates(body);
    const ended = await endOwn(sql, owner, slug, model, now);
    if (ended > 0) await record(sql, owner, slug, { model, removed: true });
    const after = (await pricesOf(sql, owner, slug, now)).find(model, now);
    return after === null ? unknownView(slug, model) : priceView(after, true);
  }
  const rates = readRates(body, found?.rates.unbounded ?? []);
  const validFrom = await readValidFrom(sql, body.valid_from, now);
  await endOwn(sql, owner, slug, model, validFrom);
  const id = newId('price');
  await sql.rows(
    `INSERT INTO prices (id, origin, company_id, slug, model, rates, context_tokens, valid_from, source, created_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      id,
      owner.companyId === null ? 'operator' : 'company',
      owner.companyId,
      slug,
      model,
      JSON.stringify(rates),
      found?.contextTokens ?? null,
      validFrom,
      null,
      owner.actor,
    ],
  );
  await record(sql, owner, slug, {
    model,
    price: id,
    input_usd_per_mtok: formatUsd(BigInt(rates.base.input)),
    output_usd_per_mtok: formatUsd(BigInt(rates.base.output)),
    valid_from: validFrom.toISOString(),
  });
  const after = await pricesOf(sql, owner, slug, now);
  const set = after.stored.find((price) => price.id === id);
  if (set === undefined) throw new Error('a price that was set is not there');
  return priceView(set, after.find(model, now)?.id === id);
}

/** Ends the owner's prices of the model at `at`; those that would begin later never begin. */
async function endOwn(sql: Sql, owner: PriceOwner, slug: string, model: string, at: Date): Promise<number> {
  const rows = await sql.rows(
    `UPDATE prices SET ended_at = greatest(valid_from, $4) WHERE origin = $1 AND company_id IS NOT DISTINCT FROM $2
       AND slug = $3 AND model = $5 AND (ended_at IS NULL OR ended_at > greatest(valid_from, $4)) RETURNING id`,
    [owner.companyId === null ? 'operator' : 'company', owner.companyId, slug, at, model],
  );
  return rows.length;
}

async function pricesOf(sql: Sql, { companyId }: PriceOwner, slug: string, now: Date) {
  const stored = await listStored(sql, { companyId, slug }, now);
  const own = stored.filter((price) => price.companyId !== null);
  const book = new PriceBook(stored.filter((price) => price.companyId === null));
  const find = (model: string, at: Date): StoredPrice | null => {
    const row = book.find(slug, model, at.getTime(), own);
    return stored.find((price) => price.id === row?.id) ?? null;
  };
  return { stored, find };
}

/** What a model charges beside its tokens, it charges whatever was set for those: it stays as it is known. */
function readRates(body: PriceBody, unbounded: string[]): PriceRates {
  const base = fillRates({
    input: needAmount(body, 'input_usd_per_mtok'),
    output: needAmount(body, 'output_usd_per_mtok'),
    cachedInput: amountOf(body, 'cached_input_usd_per_mtok'),
    cacheWrite5m: amountOf(body, 'cache_write_5m_usd_per_mtok'),
    cacheWrite1h: amountOf(body, 'cache_write_1h_usd_per_mtok'),
    request: amountOf(body, 'request_usd'),
  });
  return { base, tiers: [], windows: [], unbounded };
}

const RATES = [
  'input_usd_per_mtok',
  'output_usd_per_mtok',
  'cached_input_usd_per_mtok',
  'cache_write_5m_usd_per_mtok',
  'cache_write_1h_usd_per_mtok',
  'request_usd',
] as const;
type RateField = (typeof RATES)[number];

function needAmount(body: PriceBody, field: RateField): number {
  const amount = amountOf(body, field);
  if (amount === undefined) throw invalid(field, 'must be given.');
  return amount;
}

function amountOf(body: PriceBody, field: RateField): number | undefined {
  const value = body[field];
  if (value === undefined) return undefined;
  const nano = parseUsd(value);
  if (nano === null) throw invalid(field, 'not an amount of USD.');
  return Number(nano);
}

function refuseRates(body: PriceBody): void {
  const given = [...RATES, 'valid_from' as const].find((field) => body[field] !== undefined);
  if (given !== undefined) throw invalid(given, 'not together with remove.');
}

async function readValidFrom(sql: Sql, text: string | undefined, now: Date): Promise<Date> {
  if (text === undefined) return now;
  const at = new Date(text);
  const [month] = await sql.rows<{ start: Date }>(
    "SELECT date_trunc('month', $1::timestamptz AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS start",
    [now],
  );
  if (Number.isNaN(at.getTime()) || (month !== undefined && at < month.start))
    throw invalid('valid_from', 'lies before the start of this UTC month.');
  return at;
}

function record(sql: Sql, owner: PriceOwner, slug: string, data: Readonly<Record<string, unknown>>): Promise<void> {
  return recordEvent(sql, {
    company: owner.companyId,
    kind: 'price.changed',
    actor: owner.actor,
    provider: slug,
    data,
  });
}

function invalid(param: RateField | 'model' | 'valid_from', problem: string): OwnkeyError {
  return new OwnkeyError('request.invalid', { problem: `${param}: ${problem}`, param });
}
