import { OwnkeyError } from '@ownkey/contract/errors';
import type { Pool, QueryResultRow } from 'pg';
import type { Sql } from '../access/load.ts';

/**
 * Runs `work` in one transaction: all of it stands or none. An OwnkeyError of `work` is passed on; whatever goes wrong in the
 * database itself is `ledger.unavailable`, with the cause for the log. Safe to call at once from many places.
 */
export async function inTransaction<T>(pool: Pool, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw unavailable(error);
  });
  const sql: Sql = {
    query: async <Row extends object>(text: string, values: readonly unknown[]) => {
      const { rows, rowCount } = await client.query<Row & QueryResultRow>(text, [...values]);
      return { rows, rowCount };
    },
  };
  let broken = false;
  try {
    await client.query('BEGIN');
    const result = await work(sql);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {
      broken = true;
    });
    throw error instanceof OwnkeyError ? error : unavailable(error);
  } finally {
    client.release(broken);
  }
}

/** Name of the violated constraint when `error` is a unique violation (SQLSTATE 23505), else null. */
export function violatedUnique(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || error.code !== '23505') return null;
  return 'constraint' in error ? String(error.constraint) : '';
}

function unavailable(cause: unknown): OwnkeyError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new OwnkeyError('ledger.unavailable', {}, `the database failed: ${why}`, { cause });
}
