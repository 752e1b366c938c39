import type { CapPeriod } from '@ownkey/contract/spend';
import type { Sql } from '../../storage/database.ts';

/** One running sum in one period, nano-USD. */
export interface MeterSum {
  readonly settled: bigint;
  readonly reserved: bigint;
  /** Calls that its limit refused. */
  readonly refused: number;
}

export type MoneyPeriod = Exclude<CapPeriod, 'request'>;

const NOTHING: MeterSum = { settled: 0n, reserved: 0n, refused: 0 };

/** Sums of the running day and month. A sum without a row is nothing. */
export class RunningSums {
  readonly #sums: ReadonlyMap<string, MeterSum>;

  constructor(sums: ReadonlyMap<string, MeterSum>) {
    this.#sums = sums;
  }

  of(meter: string, period: MoneyPeriod): MeterSum {
    return this.#sums.get(`${period} ${meter}`) ?? NOTHING;
  }
}

/** `today`: by the ledger's clock. Index: the primary key of `meters`. */
export async function readSums(
  sql: Sql,
  companyId: string,
  meters: readonly string[],
  today: string,
): Promise<RunningSums> {
  const rows = await sql.rows<{ meter: string; kind: MoneyPeriod; settled: string; reserved: string; refused: string }>(
    `SELECT meter, kind, settled, reserved, refused FROM meters WHERE company_id = $1 AND meter = ANY($2)
     AND ((kind = 'day' AND start = $3::timestamp AT TIME ZONE 'UTC')
       OR (kind = 'month' AND start = date_trunc('month', $3::timestamp) AT TIME ZONE 'UTC'))`,
    [companyId, meters, today],
  );
  return new RunningSums(
    new Map(
      rows.map((row) => [
        `${row.kind} ${row.meter}`,
        { settled: BigInt(row.settled), reserved: BigInt(row.reserved), refused: Number(row.refused) },
      ]),
    ),
  );
}

/** How many periods the past is looked at: days, months. */
export const PAST_PERIODS = { day: 30, month: 12 } as const satisfies Record<MoneyPeriod, number>;

/** Settled sums of the last periods, the running one included, the highest first; periods without a call are left out. */
export async function readPastSums(
  sql: Sql,
  companyId: string,
  meter: string,
  period: MoneyPeriod,
  today: string,
): Promise<bigint[]> {
  const rows = await sql.rows<{ settled: string }>(
    `SELECT settled FROM meters WHERE company_id = $1 AND meter = $2 AND kind = $3
     AND start > (date_trunc($3, $4::timestamp) - $5 * ('1 ' || $3)::interval) AT TIME ZONE 'UTC'
     ORDER BY settled DESC`,
    [companyId, meter, period, today, PAST_PERIODS[period]],
  );
  return rows.map(({ settled }) => BigInt(settled));
}

/** When the period that holds `today` ends, ISO 8601. */
export function endOf(period: MoneyPeriod, today: string): string {
  const end = new Date(`${today}T00:00:00Z`);
  if (period === 'day') end.setUTCDate(end.getUTCDate() + 1);
  else end.setUTCMonth(end.getUTCMonth() + 1, 1);
  return end.toISOString();
}
