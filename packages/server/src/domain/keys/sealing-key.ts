import { OwnkeyError } from '@ownkey/contract/errors';
import { type Database, first } from '../../storage/database.ts';

/** The public half of the newest key pair that clients seal for. @throws OwnkeyError worker.unavailable before a worker made one */
export async function readSealingKey(
  database: Database,
): Promise<{ kid: string; public_key: string; fingerprint: string; server_time: number }> {
  const row = await first<{ kid: string; public_key: Buffer; fingerprint: string; now: string }>(
    database.outside,
    `SELECT kid, public_key, fingerprint, floor(extract(epoch FROM now()))::text AS now FROM sealing_keys
     WHERE retired_at IS NULL ORDER BY created_at DESC, kid DESC LIMIT 1`,
  );
  if (row === null) throw new OwnkeyError('worker.unavailable', {}, 'no worker has made a sealing key yet');
  return {
    kid: row.kid,
    public_key: row.public_key.toString('base64url'),
    fingerprint: row.fingerprint,
    server_time: Number(row.now),
  };
}
