import type { Client } from 'pg';

/** What the ledger would have left, written as the owner of the database. */

/** Stops the ledger's clock at this moment; null lets it go on. */
export async function setLedgerClock(owner: Client, at: string | null): Promise<void> {
  const body = at === null ? 'now()' : `'${at}'::timestamptz`;
  await owner.query(
    `CREATE OR REPLACE FUNCTION ownkey.ledger_now() RETURNS timestamptz LANGUAGE sql STABLE
     SET search_path = ownkey, pg_temp AS $$ SELECT ${body} $$`,
  );
}

/** One running sum, amounts in USD. `start`: first day of the period, UTC. */
export async function setSum(
  owner: Client,
  of: { companyId: string; meter: string; kind: 'day' | 'month'; start: string },
  sums: { settled?: number; reserved?: number; refused?: number; cap?: number },
): Promise<void> {
  const nano = (usd: number): string => (BigInt(Math.round(usd * 1000)) * 1_000_000n).toString();
  await owner.query(
    `INSERT INTO ownkey.meters (company_id, meter, kind, start, settled, reserved, refused, cap)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      of.companyId,
      of.meter,
      of.kind,
      `${of.start}T00:00:00Z`,
      nano(sums.settled ?? 0),
      nano(sums.reserved ?? 0),
      sums.refused ?? 0,
      sums.cap === undefined ? null : nano(sums.cap),
    ],
  );
}
