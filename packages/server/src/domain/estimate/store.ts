import type { PriceRow } from '@ownkey/contract/price';
import { PriceBook } from '@ownkey/policy/price-book';
import { first, type Sql } from '../../storage/database.ts';
import { listStored, readLedgerClock } from '../prices/store.ts';

/** The price a call reserved now would be made with, and that moment by the ledger's clock. */
export async function findPrice(
  sql: Sql,
  /** null = on the shared key, where a company's own prices do not count. */
  companyId: string | null,
  call: { slug: string; model: string },
): Promise<{ price: PriceRow | null; at: number }> {
  const at = await readLedgerClock(sql);
  const prices = await listStored(sql, { companyId, slug: call.slug }, at);
  const own = prices.filter((price) => price.companyId !== null);
  const book = new PriceBook(prices.filter((price) => price.companyId === null));
  return { price: book.find(call.slug, call.model, at.getTime(), own), at: at.getTime() };
}

/** Fewer answers say nothing about the next. */
const ANSWERS_MIN = 5;

/** Tokens of the company's answers of a model in the last 30 days, on average; null = too few of them. */
export async function findTypicalOutput(
  sql: Sql,
  companyId: string,
  call: { slug: string; model: string },
): Promise<number | null> {
  const row = await first<{ answers: string | null; tokens: string | null }>(
    sql,
    `SELECT sum(requests - errors) AS answers, sum(output_tokens) AS tokens FROM usage_hourly
     WHERE company_id = $1 AND slug = $2 AND model = $3 AND hour >= ledger_now() - interval '30 days'`,
    [companyId, call.slug, call.model],
  );
  const answers = Number(row?.answers ?? 0);
  return answers >= ANSWERS_MIN ? Math.ceil(Number(row?.tokens ?? 0) / answers) : null;
}
