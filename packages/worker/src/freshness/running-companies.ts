import type { Sql } from '../access/load.ts';

/** Which companies have calls running, on whosever key, so that the calls of an erased company can be ended. */
export class RunningCompanies {
  readonly #sql: Sql;
  /** Company id → how its calls are ended. */
  readonly #calls = new Map<string, Set<() => void>>();

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** A call of this company begins; the returned function ends its being counted, `end` the call. */
  enter(companyId: string, end: () => void): () => void {
    const calls = this.#calls.get(companyId) ?? new Set();
    this.#calls.set(companyId, calls);
    calls.add(end);
    return () => {
      calls.delete(end);
      if (calls.size === 0 && this.#calls.get(companyId) === calls) this.#calls.delete(companyId);
    };
  }

  /** Ends every call of the company. */
  endAll(companyId: string): void {
    for (const end of Array.from(this.#calls.get(companyId) ?? [])) end();
  }

  /** Ends the calls of companies that are not in the database any more. Rejects when it does not answer. */
  async check(): Promise<void> {
    const asked = [...this.#calls.keys()];
    if (asked.length === 0) return;
    const { rows } = await this.#sql.query<{ id: string }>('SELECT id FROM companies WHERE id = ANY($1)', [asked]);
    const there = new Set(rows.map(({ id }) => id));
    for (const companyId of asked) if (!there.has(companyId)) this.endAll(companyId);
  }
}
