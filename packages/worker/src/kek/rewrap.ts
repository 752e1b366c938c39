/**
 * Moves everything that a master key wraps or authenticates to the one that a ring writes with. Each table in batches of its own
 * transaction; a row that somebody else changed meanwhile is left to the next pass. Only wraps change: no key is opened.
 */
import { PLATFORM_OWNER } from '@ownkey/contract/key';
import { EnvelopeError, rewrapDek } from '@ownkey/vault/envelope';
import { KekError, type KekRing } from '@ownkey/vault/kek';
import { rewrapSealingKey } from '@ownkey/vault/sealing-key';
import type { Sql } from '../access/load.ts';
import { checkCheckpoint, checkHead, macOfCheckpoint, macOfHead } from '../audit/chain-hash.ts';

export const BATCH = 500;
const EMPTY = Buffer.alloc(0);

interface Page {
  readonly seen: number;
  readonly moved: number;
  /** Ids of rows that their own master key does not open: altered, or put there by somebody else. */
  readonly damaged: readonly string[];
  readonly last: string;
}

interface WrappedTable {
  readonly name: string;
  /** One page behind `after`, of rows under `keks`. Without `write` nothing is changed. */
  page(sql: Sql, ring: KekRing, keks: readonly string[], after: string, write: boolean): Promise<Page>;
}

const envelopes: WrappedTable = {
  name: 'envelopes',
  async page(sql, ring, keks, after, write) {
    const { rows } = await sql.query<{
      key_id: string;
      version: number;
      kek_id: string;
      wrapped_dek: Buffer;
      company_id: string | null;
      provider: string;
      destination: string;
    }>(
      `SELECT e.key_id, e.version, e.kek_id, e.wrapped_dek, k.company_id, k.provider, k.destination
       FROM envelopes e JOIN keys k ON k.id = e.key_id
       WHERE e.kek_id = ANY($1) AND e.key_id > $2 ORDER BY e.key_id LIMIT ${BATCH}`,
      [keks, after],
    );
    const { done, damaged } = attempt(
      rows,
      ({ key_id }) => key_id,
      (row) => {
        const { company_id, key_id, version, provider, destination } = row;
        const binding = { company: company_id ?? PLATFORM_OWNER, provider, key_id, version, destination };
        return rewrapDek({ ...row, commitment: EMPTY, body: EMPTY }, binding, ring).wrapped_dek;
      },
    );
    if (!write || done.length === 0) return pageOf(rows, damaged, done.length, (row) => row.key_id);
    const { rowCount } = await sql.query(
      `UPDATE envelopes e SET kek_id = $1, wrapped_dek = x.wrapped
       FROM unnest($2::text[], $3::int[], $4::text[], $5::bytea[]) AS x (key_id, version, kek_id, wrapped)
       WHERE e.key_id = x.key_id AND e.version = x.version AND e.kek_id = x.kek_id`,
      [
        ring.currentId,
        done.map(({ row }) => row.key_id),
        done.map(({ row }) => row.version),
        done.map(({ row }) => row.kek_id),
        done.map(({ made }) => made),
      ],
    );
    return pageOf(rows, damaged, rowCount ?? 0, (row) => row.key_id);
  },
};

const sealingKeys: WrappedTable = {
  name: 'sealing_keys',
  async page(sql, ring, keks, after, write) {
    const { rows } = await sql.query<{ kid: string; public_key: Buffer; wrapped_private: Buffer; kek_id: string }>(
      `SELECT kid, public_key, wrapped_private, kek_id FROM sealing_keys
       WHERE kek_id = ANY($1) AND kid > $2 ORDER BY kid LIMIT ${BATCH}`,
      [keks, after],
    );
    const { done, damaged } = attempt(
      rows,
      ({ kid }) => kid,
      (row) => rewrapSealingKey(ring, { ...row, public_key: row.public_key.toString('base64url') }).wrapped_private,
    );
    let moved = done.length;
    if (write) {
      moved = 0;
      for (const { row, made } of done) {
        const { rowCount } = await sql.query(
          'UPDATE sealing_keys SET kek_id = $1, wrapped_private = $2 WHERE kid = $3 AND kek_id = $4 AND public_key = $5',
          [ring.currentId, made, row.kid, row.kek_id, row.public_key],
        );
        moved += rowCount ?? 0;
      }
    }
    return pageOf(rows, damaged, moved, (row) => row.kid);
  },
};

/** A head that is not authentic is not made so: it stays as it is, for `ownkey audit verify` to name. */
const auditHeads: WrappedTable = {
  name: 'audit_heads',
  async page(sql, ring, keks, after, write) {
    const { rows } = await sql.query<{ company: string; n: string; hash: Buffer; mac: Buffer; kek_id: string }>(
      `SELECT company_id AS company, n::text, hash, mac, kek_id FROM audit_heads
       WHERE kek_id = ANY($1) AND 'audit ' || company_id > $2 ORDER BY 'audit ' || company_id LIMIT ${BATCH}`,
      [keks, after],
    );
    const { done, damaged } = attempt(rows, nameOfHead, (row) => {
      if (checkHead(ring, row) !== 'right') throw new KekError('cipher', 'the head is not authentic');
      return macOfHead(ring, row);
    });
    if (!write || done.length === 0) return pageOf(rows, damaged, done.length, nameOfHead);
    const { rowCount } = await sql.query(
      `UPDATE audit_heads h SET kek_id = $1, mac = x.mac
       FROM unnest($2::text[], $3::bigint[], $4::bytea[], $5::text[], $6::bytea[]) AS x (company, n, hash, kek_id, mac)
       WHERE h.company_id = x.company AND h.n = x.n AND h.hash = x.hash AND h.kek_id = x.kek_id`,
      [
        ring.currentId,
        done.map(({ row }) => row.company),
        done.map(({ row }) => row.n),
        done.map(({ row }) => row.hash),
        done.map(({ row }) => row.kek_id),
        done.map(({ made }) => made),
      ],
    );
    return pageOf(rows, damaged, rowCount ?? 0, nameOfHead);
  },
};

const nameOfHead = ({ company }: { company: string }): string => `audit ${company}`;

/** As of heads: a checkpoint that is not authentic stays as it is. */
const auditCheckpoints: WrappedTable = {
  name: 'audit_checkpoints',
  async page(sql, ring, keks, after, write) {
    const { rows } = await sql.query<CheckpointRow>(
      `SELECT company_id AS company, day::text, n::text, hash, mac, kek_id FROM audit_checkpoints
       WHERE kek_id = ANY($1) AND 'checkpoint ' || company_id || ' ' || day::text > $2
       ORDER BY 'checkpoint ' || company_id || ' ' || day::text LIMIT ${BATCH}`,
      [keks, after],
    );
    const { done, damaged } = attempt(rows, nameOfCheckpoint, (row) => {
      if (checkCheckpoint(ring, row) !== 'right') throw new KekError('cipher', 'the checkpoint is not authentic');
      return macOfCheckpoint(ring, row);
    });
    if (!write || done.length === 0) return pageOf(rows, damaged, done.length, nameOfCheckpoint);
    const { rowCount } = await sql.query(
      `UPDATE audit_checkpoints c SET kek_id = $1, mac = x.mac
       FROM unnest($2::text[], $3::date[], $4::text[], $5::bytea[]) AS x (company, day, kek_id, mac)
       WHERE c.company_id = x.company AND c.day = x.day AND c.kek_id = x.kek_id`,
      [
        ring.currentId,
        done.map(({ row }) => row.company),
        done.map(({ row }) => row.day),
        done.map(({ row }) => row.kek_id),
        done.map(({ made }) => made),
      ],
    );
    return pageOf(rows, damaged, rowCount ?? 0, nameOfCheckpoint);
  },
};

type CheckpointRow = { company: string; day: string; n: string; hash: Buffer; mac: Buffer; kek_id: string };
const nameOfCheckpoint = ({ company, day }: CheckpointRow): string => `checkpoint ${company} ${day}`;

/** Every table that holds something wrapped or authenticated by a master key. A test compares this with the database. */
export const WRAPPED_TABLES: readonly WrappedTable[] = [envelopes, sealingKeys, auditHeads, auditCheckpoints];

export interface Pass {
  readonly moved: number;
  readonly damaged: readonly string[];
}

/** One pass over all tables. `told` hears how many rows each page moved, and is waited for. */
export async function rewrapAll(
  sql: Sql,
  ring: KekRing,
  keks: readonly string[],
  write: boolean,
  told: (moved: number) => Promise<void>,
): Promise<Pass> {
  let moved = 0;
  const damaged: string[] = [];
  for (const table of WRAPPED_TABLES) {
    for (let after = ''; ; ) {
      const page = await table.page(sql, ring, keks, after, write);
      moved += page.moved;
      damaged.push(...page.damaged);
      after = page.last;
      if (page.seen > 0) await told(page.moved);
      if (page.seen < BATCH) break;
    }
  }
  return { moved, damaged };
}

/** How many rows are under these master keys, in all tables. */
export async function countUnder(sql: Sql, keks: readonly string[]): Promise<number> {
  const { rows } = await sql.query<{ rows: string }>(
    'SELECT coalesce(sum(rows), 0)::text AS rows FROM kek_rows() WHERE kek_id = ANY($1)',
    [keks],
  );
  return Number(rows[0]?.rows ?? 0);
}

function attempt<Row, Made>(
  rows: readonly Row[],
  idOf: (row: Row) => string,
  make: (row: Row) => Made,
): { done: { row: Row; made: Made }[]; damaged: string[] } {
  const done: { row: Row; made: Made }[] = [];
  const damaged: string[] = [];
  for (const row of rows) {
    try {
      done.push({ row, made: make(row) });
    } catch (error) {
      if (!(error instanceof EnvelopeError || error instanceof KekError)) throw error;
      damaged.push(idOf(row));
    }
  }
  return { done, damaged };
}

function pageOf<Row>(
  rows: readonly Row[],
  damaged: readonly string[],
  moved: number,
  idOf: (row: Row) => string,
): Page {
  const last = rows.at(-1);
  return { seen: rows.length, moved, damaged, last: last === undefined ? '' : idOf(last) };
}
