import type { KekRing } from '@ownkey/vault/kek';
import type { Sql } from '../access/load.ts';
import { macOfCheckpoint } from './chain-hash.ts';

interface Head {
  company: string;
  n: string;
  hash: Buffer;
  day: string;
}

/**
 * Writes down the heads of chains that no entry was added to since an earlier day, so that a record can be shortened to one of them
 * later: daily where entries are kept for a number of days, else the first of a month. Call it before entries of a new day are
 * added, under the sealer's lock. Doing it twice changes nothing.
 */
export async function writeCheckpoints(sql: Sql, ring: KekRing): Promise<void> {
  const { rows } = await sql.query<Head>(
    `SELECT h.company_id AS company, h.n::text, h.hash, d.day::text
     FROM audit_heads h CROSS JOIN LATERAL (SELECT (h.at AT TIME ZONE 'UTC')::date + 1 AS day) d
     WHERE d.day <= (clock_timestamp() AT TIME ZONE 'UTC')::date AND NOT EXISTS (
       SELECT 1 FROM audit_checkpoints c WHERE c.company_id = h.company_id AND (c.n = h.n OR c.day >= d.day
         OR (c.day >= date_trunc('month', d.day) AND audit_days(h.company_id) IS NULL)))`,
    [],
  );
  if (rows.length === 0) return;
  await sql.query(
    `INSERT INTO audit_checkpoints (company_id, day, n, hash, mac, kek_id)
     SELECT c.company, c.day, c.n, c.hash, c.mac, $6
     FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bytea[], $5::bytea[]) AS c (company, day, n, hash, mac)
     ON CONFLICT DO NOTHING`,
    [
      rows.map(({ company }) => company),
      rows.map(({ day }) => day),
      rows.map(({ n }) => n),
      rows.map(({ hash }) => hash),
      rows.map((row) => macOfCheckpoint(ring, row)),
      ring.currentId,
    ],
  );
}
