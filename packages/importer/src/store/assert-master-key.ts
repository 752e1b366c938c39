import type { KekRing } from '@ownkey/vault/kek';
import { openSealingKey } from '@ownkey/vault/sealing-key';
import type { Sql } from '@ownkey/worker/access/load';

/**
 * Refuses a master key that is not this database's: what it would store, no worker could open. Proven by the installation's sealing
 * keys and the master keys that stored keys name.
 * @throws Error for the operator
 */
export async function assertMasterKey(sql: Sql, ring: KekRing): Promise<void> {
  const { rows } = await sql.query<{ kid: string; public_key: Buffer; wrapped_private: Buffer; kek_id: string }>(
    'SELECT kid, public_key, wrapped_private, kek_id FROM sealing_keys WHERE retired_at IS NULL',
    [],
  );
  const { rows: strange } = await sql.query<{ kek_id: string }>(
    `SELECT DISTINCT kek_id FROM envelopes
     WHERE kek_id <> ALL($1) AND kek_id NOT IN (SELECT id FROM keks WHERE state = 'destroyed')`,
    [ring.ids],
  );
  const problems = strange.map(({ kek_id }) => `stored keys were wrapped by ${kek_id}, which is not loaded`);
  for (const row of rows) {
    try {
      await openSealingKey(ring, { ...row, public_key: row.public_key.toString('base64url') });
    } catch {
      problems.push(`the sealing key ${row.kid} does not open: it was wrapped by ${row.kek_id}`);
    }
  }
  if (problems.length === 0) return;
  throw new Error(
    `The master key does not fit this database; nothing was imported:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
  );
}
