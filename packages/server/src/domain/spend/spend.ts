import type { Spend, SpendOf, SpendPeriod } from '@ownkey/contract/api/money';
import { OwnkeyError } from '@ownkey/contract/errors';
import { formatUsd } from '@ownkey/contract/money';
import { CAP_SUBJECTS, METERS } from '@ownkey/contract/spend';
import { first, type Sql } from '../../storage/database.ts';
import { amountOn, capOf, isRaisedOn } from '../caps/in-force.ts';
import type { StoredCaps } from '../caps/store.ts';
import { usd } from '../caps/view.ts';
import { forecastOf, readLastDays } from './forecast.ts';
import { endOf, type MoneyPeriod, RunningSums, readSums } from './meters.ts';

/** Spend of the running day and month beside the caps in force, by the ledger's own sums. */
export async function readSpend(
  sql: Sql,
  caps: StoredCaps,
  of: { companyId: string; userId: string | null },
): Promise<Spend> {
  const { companyId, userId } = of;
  const { today } = caps;
  const meters = [METERS.company, METERS.fallback, METERS.credits, ...(userId === null ? [] : [userId])];
  const sums = await readSums(sql, companyId, meters, today);
  const company = spendOf(caps, sums, METERS.company, CAP_SUBJECTS.company);
  const month = sums.of(METERS.company, 'month');
  const monthCap = amountOn(capOf(caps.policies, caps.rows, CAP_SUBJECTS.company, 'month'), today);
  return {
    company,
    me: userId === null ? spendOfNobody(caps) : spendOf(caps, sums, userId, userId),
    fallback: spendOf(caps, sums, METERS.fallback, CAP_SUBJECTS.fallback),
    credits: creditsOf(await readGrantedCredits(sql, companyId), sums, today),
    forecast: forecastOf({
      today,
      lastDays: await readLastDays(sql, companyId, today),
      spentToday: sums.of(METERS.company, 'day').settled,
      left: monthCap === null ? null : monthCap - month.settled - month.reserved,
    }),
    unpriced: await countUnpriced(sql, companyId, today),
  };
}

function spendOf(caps: StoredCaps, sums: RunningSums, meter: string, subject: string): SpendOf {
  const { policies, rows, today } = caps;
  const day = sums.of(meter, 'day');
  const periodOf = (period: MoneyPeriod): SpendPeriod => {
    const cap = capOf(policies, rows, subject, period);
    const amount = amountOn(cap, today);
    const { settled, reserved, refused } = sums.of(meter, period);
    return {
      used_usd: formatUsd(settled),
      reserved_usd: formatUsd(reserved),
      cap_usd: usd(amount),
      remaining_usd: usd(leftOf(amount, settled + reserved)),
      refused,
      paused: amount !== null && settled >= amount,
      raised_until: cap !== null && isRaisedOn(cap, today) ? cap.raised.until : null,
      resets_at: endOf(period, today),
    };
  };
  return {
    today_usd: formatUsd(day.settled),
    month_usd: formatUsd(sums.of(meter, 'month').settled),
    reserved_usd: formatUsd(day.reserved),
    request_cap_usd: usd(amountOn(capOf(policies, rows, subject, 'request'), today)),
    day: periodOf('day'),
    month: periodOf('month'),
  };
}

/** A token of the company's is no person: it has spent nothing by itself and has no caps of its own. */
function spendOfNobody(caps: StoredCaps): SpendOf {
  return spendOf({ ...caps, rows: [] }, new RunningSums(new Map()), '', CAP_SUBJECTS.fallback);
}

/** null = no limit. */
export function leftOf(cap: bigint | null, used: bigint): bigint | null {
  if (cap === null) return null;
  return cap > used ? cap - used : 0n;
}

/** Credits of the company's plan for one UTC month, nano-USD; null = no limit. @throws OwnkeyError not_found */
export async function readGrantedCredits(sql: Sql, companyId: string): Promise<bigint | null> {
  const row = await first<{ credits: string | null }>(
    sql,
    'SELECT p.credits_nano_usd AS credits FROM companies c JOIN plans p ON p.id = c.plan WHERE c.id = $1',
    [companyId],
  );
  if (row === null) throw new OwnkeyError('not_found');
  return row.credits === null ? null : BigInt(row.credits);
}

function creditsOf(granted: bigint | null, sums: RunningSums, today: string): Spend['credits'] {
  const { settled, reserved } = sums.of(METERS.credits, 'month');
  return {
    granted_usd: usd(granted),
    used_usd: formatUsd(settled),
    reserved_usd: formatUsd(reserved),
    remaining_usd: usd(leftOf(granted, settled + reserved)),
    resets_at: endOf('month', today),
  };
}

async function countUnpriced(sql: Sql, companyId: string, today: string): Promise<Spend['unpriced']> {
  const row = await first<{ today: string | null; month: string | null }>(
    sql,
    `SELECT sum(unpriced) FILTER (WHERE hour >= $2::timestamp AT TIME ZONE 'UTC') AS today, sum(unpriced) AS month
     FROM usage_hourly WHERE company_id = $1 AND hour >= date_trunc('month', $2::timestamp) AT TIME ZONE 'UTC'`,
    [companyId, today],
  );
  return { today: Number(row?.today ?? 0), month: Number(row?.month ?? 0) };
}
