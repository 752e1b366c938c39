import { type Database, first } from '../../storage/database.ts';

/**
 * What is kept no longer goes: entries of the record with the calls they tell of (as many days as the company, else the operator,
 * says), sums of usage (as the operator says), rows of erased companies that a late transaction left, partitions that are over.
 * In small transactions that stop anywhere and go on from there. One server at a time: a second one finds the lock taken and leaves.
 */

export interface Removed {
  /** Entries of the record and calls. */
  readonly records: number;
  readonly sums: number;
  readonly partitions: readonly string[];
}

const STEP_ROWS = 2_000;
const COMPANIES_MAX = 1_000;
const LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('ownkey.retention')) AS got";

/** Resolves to what went. `goesOn` is asked between steps. Rejects with the driver's error; what went before it stays gone. */
export async function retain(database: Database, goesOn: () => boolean = () => true): Promise<Removed> {
  /** One step under the lock; 0 when another server has it. */
  const step = (statement: string, values: readonly unknown[]): Promise<number> =>
    database.everywhere(async (sql) => {
      if ((await first<{ got: boolean }>(sql, LOCK))?.got !== true) return 0;
      return (await first<{ removed: number }>(sql, statement, values))?.removed ?? 0;
    });
  const all = async (statement: string, values: readonly unknown[]): Promise<number> => {
    for (let total = 0; ; ) {
      const removed = goesOn() ? await step(statement, values) : 0;
      total += removed;
      if (removed === 0) return total;
    }
  };

  await database.everywhere((sql) => sql.rows('SELECT sweep_erased()'));
  const due = await database.everywhere((sql) =>
    sql.rows<{ company: string; cut_day: string }>('SELECT company, cut_day::text FROM due_retention($1)', [
      COMPANIES_MAX,
    ]),
  );
  let records = 0;
  for (const { company, cut_day } of due) {
    // The first step moves the beginning of the record: from then on whole partitions may be over.
    records += goesOn() ? await step('SELECT retain_step($1, $2, 1) AS removed', [company, cut_day]) : 0;
  }
  const partitions = goesOn() ? await dropPartitions(database) : [];
  for (const { company, cut_day } of due) {
    records += await all('SELECT retain_step($1, $2, $3) AS removed', [company, cut_day, STEP_ROWS]);
  }
  const sums = await all('SELECT retain_sums($1) AS removed', [STEP_ROWS]);
  return { records, sums, partitions };
}

async function dropPartitions(database: Database): Promise<string[]> {
  return database.everywhere(async (sql) => {
    const row = await first<{ dropped: string[] }>(sql, 'SELECT drop_old_partitions() AS dropped');
    return row?.dropped ?? [];
  });
}
