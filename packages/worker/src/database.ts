import { OwnkeyError } from '@ownkey/contract/errors';
import type { Logger } from '@ownkey/guard/log';
import { Pool, type QueryResultRow } from 'pg';
import type { Sql } from './access/load.ts';

export interface PoolOptions {
  connectionString: string;
  name: string;
  connectionsMax: number;
  log: Logger;
}

/** A pool whose every wait has a limit. Broken idle connections are dropped and replaced; they never end the process. */
export function createPool({ connectionString, name, connectionsMax, log }: PoolOptions): Pool {
  const pool = new Pool({
    connectionString,
    application_name: `ownkey-worker-${name}`,
    max: connectionsMax,
    connectionTimeoutMillis: 3_000,
    idleTimeoutMillis: 60_000,
    query_timeout: 10_000,
    statement_timeout: 9_000,
    keepAlive: true,
    // A kept plan ends with its connection: no plan outlives its statistics for long.
    maxLifetimeSeconds: 900,
    onConnect: async (client) => {
      await client.query('SET jit = off');
    },
  });
  pool.on('error', (error) => log.warn('a database connection broke', { pool: name, error }));
  return pool;
}

/** The pool as the loaders use it: whatever goes wrong in the database is one refusal for the caller, and its reason for the log. */
export function answering(pool: Sql): Sql {
  return {
    query: async (text, values) => {
      try {
        return await pool.query(text, values);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new OwnkeyError('ledger.unavailable', {}, `a query failed: ${why}`, { cause: error });
      }
    },
  };
}

/** Single statements on a pool, typed. */
export function sqlOf(pool: Pool): Sql {
  return {
    query: async <Row extends object>(text: string, values: readonly unknown[]) => {
      const { rows, rowCount } = await pool.query<Row & QueryResultRow>(text, [...values]);
      return { rows, rowCount };
    },
  };
}
