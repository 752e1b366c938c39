import { Client } from 'pg';

/**
 * Runs `work` while no other process of the installation changes master keys; null when one does. The lock is a session's: it ends with
 * this process, however it ends.
 */
export async function withKekLock<T>(databaseUrl: string, work: () => Promise<T>): Promise<{ result: T } | null> {
  const client = new Client({ connectionString: databaseUrl, application_name: 'ownkey-kek' });
  let lost: Error | null = null;
  client.on('error', (error) => {
    lost = error;
  });
  await client.connect();
  try {
    const { rows } = await client.query<{ got: boolean }>(
      "SELECT pg_try_advisory_lock(hashtext('ownkey.kek.change')) AS got",
    );
    if (!rows[0]?.got) return null;
    const result = await work();
    if (lost) throw lost;
    return { result };
  } finally {
    await client.end().catch(() => {});
  }
}
