import type { Sql } from '../access/load.ts';

/** Which key versions have calls running, so that they can be looked up when notifications may have been lost. */
export class RunningKeys {
  readonly #sql: Sql;
  readonly #close: (keyId: string, version: number) => void;
  /** Key id → version → calls. */
  readonly #keys = new Map<string, Map<number, number>>();

  /** `close` ends the calls of a key up to a version. */
  constructor(sql: Sql, close: (keyId: string, version: number) => void) {
    this.#sql = sql;
    this.#close = close;
  }

  /** A call on this key begins; the returned function, called once, ends it. */
  enter(keyId: string, version: number): () => void {
    const versions = this.#keys.get(keyId) ?? new Map<number, number>();
    this.#keys.set(keyId, versions);
    versions.set(version, (versions.get(version) ?? 0) + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const rest = (versions.get(version) ?? 1) - 1;
      if (rest > 0) versions.set(version, rest);
      else versions.delete(version);
      if (versions.size === 0 && this.#keys.get(keyId) === versions) this.#keys.delete(keyId);
    };
  }

  /** Ends the calls of keys that are removed, turned off or replaced in the database now. Rejects when it does not answer. */
  async check(): Promise<void> {
    const asked = [...this.#keys].map(([id, versions]) => ({ id, newest: Math.max(...versions.keys()) }));
    if (asked.length === 0) return;
    const { rows } = await this.#sql.query<{ id: string; version: number }>(
      'SELECT id, version FROM keys WHERE id = ANY($1) AND enabled',
      [asked.map((key) => key.id)],
    );
    const current = new Map(rows.map((row) => [row.id, row.version]));
    for (const { id, newest } of asked) {
      const version = current.get(id);
      if (version === undefined) this.#close(id, newest);
      else this.#close(id, version - 1);
    }
  }
}
