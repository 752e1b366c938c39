import type { Spend } from '@ownkey/contract/api/money';
import { formatUsd } from '@ownkey/contract/money';
import type { Sql } from '../../storage/database.ts';

/** Spend of a company on one day before today; `ago` 1 is yesterday. */
export interface DaySpend {
  readonly ago: number;
  readonly nanoUsd: bigint;
}

const DAYS = 7;

/** Days of the last seven whole ones on which something was spent. */
export async function readLastDays(sql: Sql, companyId: string, today: string): Promise<DaySpend[]> {
  const rows = await sql.rows<{ ago: number; cost: string }>(
    `SELECT $2::date - (hour AT TIME ZONE 'UTC')::date AS ago, sum(cost_nano_usd) AS cost FROM usage_hourly
     WHERE company_id = $1 AND hour >= ($2::timestamp - $3 * interval '1 day') AT TIME ZONE 'UTC'
       AND hour < $2::timestamp AT TIME ZONE 'UTC'
     GROUP BY 1`,
    [companyId, today, DAYS],
  );
  return rows.map(({ ago, cost }) => ({ ago, nanoUsd: BigInt(cost) }));
}

/**
 * The day on which the month's cap is reached if every day costs what a day cost lately: on average of the last seven whole days,
 * or since the first of them on which anything was spent; without any, what today cost. Pure.
 */
export function forecastOf(input: {
  today: string;
  lastDays: readonly DaySpend[];
  spentToday: bigint;
  /** Left of the month's cap; null = no cap. */
  left: bigint | null;
}): Spend['forecast'] {
  const { today, lastDays, spentToday, left } = input;
  const days = Math.max(1, ...lastDays.map(({ ago }) => ago));
  const spent = lastDays.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0n);
  const pace = lastDays.length === 0 ? spentToday : spent / BigInt(days);
  return { pace_usd: formatUsd(pace), days, month_cap_reached_on: reachedOn(today, pace, left) };
}

function reachedOn(today: string, pace: bigint, left: bigint | null): string | null {
  if (left === null) return null;
  if (left <= 0n) return today;
  if (pace <= 0n || left / pace > 31n) return null;
  const day = new Date(`${today}T00:00:00Z`);
  const month = day.getUTCMonth();
  day.setUTCDate(day.getUTCDate() + Number(left / pace));
  return day.getUTCMonth() === month ? day.toISOString().slice(0, 10) : null;
}
