import type { Logger } from '@ownkey/guard/log';
import type { KekRing } from '@ownkey/vault/kek';
import type { Pool } from 'pg';
import type { Sql } from '../access/load.ts';
import { inTransaction } from '../keys/transaction.ts';
import { CHAIN_START, linkHash, macOfHead } from './chain-hash.ts';
import { writeCheckpoints } from './checkpoints.ts';

export interface SealerOptions {
  readonly pool: Pool;
  readonly kekRing: KekRing;
  readonly log: Logger;
  readonly everyMs?: number;
  /** Events in one transaction. */
  readonly batch?: number;
}

interface Event {
  seq: string;
  xid: string;
  company: string;
  id: string;
  text: string;
}

/**
 * Appends events to the chains of their companies, at most a few seconds behind. One sealer at a time in the whole installation
 * (advisory lock); the others look again. Only events of transactions older than every running one are taken, in the order
 * (xid, seq): nothing can appear below that line any more. A sealer that dies leaves nothing half-written.
 */
export class AuditSealer {
  readonly #options: Required<SealerOptions>;
  #timer: NodeJS.Timeout | null = null;
  #working: Promise<unknown> | null = null;
  #failing = false;
  /** Day (UTC, of the database) whose checkpoints are written. */
  #checkpointDay = '';
  #today = '';

  constructor(options: SealerOptions) {
    this.#options = { everyMs: 1_000, batch: 1_000, ...options };
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#working ??= this.sealAll()
        .then(
          () => {
            this.#failing = false;
          },
          (error: unknown) => {
            if (!this.#failing) this.#options.log.warn('audit events could not be sealed', { error });
            this.#failing = true;
          },
        )
        .finally(() => {
          this.#working = null;
        });
    }, this.#options.everyMs);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await this.#working;
  }

  /** Seals what can be sealed now; resolves to how many events. */
  async sealAll(): Promise<number> {
    for (let sealed = 0; ; ) {
      const count = await inTransaction(this.#options.pool, (sql) => this.#sealBatch(sql));
      this.#checkpointDay = this.#today;
      sealed += count;
      if (count < this.#options.batch) return sealed;
    }
  }

  async #sealBatch(sql: Sql): Promise<number> {
    const lock = await sql.query<{ got: boolean; day: string }>(
      `SELECT pg_try_advisory_xact_lock(hashtext('ownkey.audit')) AS got,
         (clock_timestamp() AT TIME ZONE 'UTC')::date::text AS day`,
      [],
    );
    if (!lock.rows[0]?.got) return 0;
    const { day } = lock.rows[0];
    if (day !== this.#checkpointDay) await writeCheckpoints(sql, this.#options.kekRing);
    this.#today = day;
    const { rows: events } = await sql.query<Event>(
      `SELECT e.seq::text, e.xid::text, coalesce(e.company_id, '') AS company, e.id, audit_text(e) AS text
       FROM audit_events e, audit_sealer s
       WHERE e.xid < pg_snapshot_xmin(pg_current_snapshot()) AND (e.xid, e.seq) > (s.xid, s.seq)
       ORDER BY e.xid, e.seq LIMIT $1`,
      [this.#options.batch],
    );
    const last = events.at(-1);
    if (!last) return 0;
    const heads = await this.#heads(sql, events);
    const entries = events.map((event) => {
      const head = heads.get(event.company) ?? { n: 0n, hash: CHAIN_START };
      const next = { n: head.n + 1n, hash: linkHash(head.hash, event.text) };
      heads.set(event.company, next);
      return { company: event.company, n: next.n, id: event.id, hash: next.hash };
    });
    await sql.query(
      `INSERT INTO audit_chain (company_id, n, event_id, hash)
       SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bytea[])`,
      [
        entries.map(({ company }) => company),
        entries.map(({ n }) => n.toString()),
        entries.map(({ id }) => id),
        entries.map(({ hash }) => hash),
      ],
    );
    await this.#writeHeads(sql, heads);
    await sql.query('UPDATE audit_sealer SET xid = $1::xid8, seq = $2', [last.xid, last.seq]);
    return events.length;
  }

  async #heads(sql: Sql, events: readonly Event[]): Promise<Map<string, { n: bigint; hash: Buffer }>> {
    const { rows } = await sql.query<{ company_id: string; n: string; hash: Buffer }>(
      'SELECT company_id, n::text, hash FROM audit_heads WHERE company_id = ANY($1)',
      [[...new Set(events.map(({ company }) => company))]],
    );
    return new Map(rows.map((row) => [row.company_id, { n: BigInt(row.n), hash: row.hash }]));
  }

  async #writeHeads(sql: Sql, heads: ReadonlyMap<string, { n: bigint; hash: Buffer }>): Promise<void> {
    const { kekRing } = this.#options;
    const rows = [...heads].map(([company, { n, hash }]) => ({ company, n: n.toString(), hash }));
    await sql.query(
      `INSERT INTO audit_heads (company_id, n, hash, mac, kek_id, at)
       SELECT company, n, hash, mac, $5, clock_timestamp()
       FROM unnest($1::text[], $2::bigint[], $3::bytea[], $4::bytea[]) AS h (company, n, hash, mac)
       ON CONFLICT (company_id) DO UPDATE SET n = excluded.n, hash = excluded.hash, mac = excluded.mac,
         kek_id = excluded.kek_id, at = excluded.at`,
      [
        rows.map(({ company }) => company),
        rows.map(({ n }) => n),
        rows.map(({ hash }) => hash),
        rows.map((row) => macOfHead(kekRing, row)),
        kekRing.currentId,
      ],
    );
  }
}
