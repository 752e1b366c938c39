import { Pool, type PoolClient, type QueryResultRow } from 'pg';

/** Runs one statement with parameters and gives its rows; bigint columns come as text. */
export interface Sql {
  rows<R>(statement: string, values?: readonly unknown[]): Promise<R[]>;
}

/**
 * The control plane's database. Every piece of work is one transaction: what `work` throws rolls it back.
 * Row-level security answers for the company given to `tenant` and for no other; `everywhere` is for host and operator routes,
 * sign-in and the seed alone.
 */
export interface Database {
  tenant<T>(company: string, work: (sql: Sql) => Promise<T>): Promise<T>;
  everywhere<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** One statement outside of any company: rows of companies are invisible to it. */
  outside: Sql;
  close(): Promise<void>;
}

const EVERYWHERE = '*';

/** Opens a pool of at most `connections`. Nothing waits longer than 5 s for a connection or 15 s for a statement. */
export function openDatabase(url: string, connections = 10, onIdleError: (error: Error) => void = () => {}): Database {
  const pool = new Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: 5000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 15_000,
    idle_in_transaction_session_timeout: 30_000,
    application_name: 'ownkey-server',
  });
  pool.on('error', onIdleError);
  const within = async <T>(company: string, work: (sql: Sql) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      await client.query("SELECT set_config('ownkey.company', $1, true)", [company]);
      const result = await work(sqlOf(client));
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((cause: Error) => {
        broken = cause;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  };
  return {
    tenant: (company, work) => {
      if (company === '' || company === EVERYWHERE) throw new Error('a tenant needs the id of a company');
      return within(company, work);
    },
    everywhere: (work) => within(EVERYWHERE, work),
    outside: sqlOf(pool),
    close: () => pool.end(),
  };
}

function sqlOf(client: Pick<Pool, 'query'> | Pick<PoolClient, 'query'>): Sql {
  return {
    rows: async <R>(statement: string, values: readonly unknown[] = []) => {
      const { rows } = await client.query<R & QueryResultRow>(statement, [...values]);
      return rows;
    },
  };
}

/** The first row, or null. */
export async function first<R>(sql: Sql, statement: string, values?: readonly unknown[]): Promise<R | null> {
  const [row] = await sql.rows<R>(statement, values);
  return row ?? null;
}
