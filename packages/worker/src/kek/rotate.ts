/**
 * Rotation of the master key while everything runs (docs/decisions/0009). The steps, each safe to be killed in and done again:
 *
 * 1. The new key is added to the file, then written down in the database.
 * 2. Every running worker has loaded it.
 * 3. Writes switch to it, and every running worker has switched.
 * 4. Everything under the others is re-wrapped, in batches.
 * 5. The others are closed: the database takes no more writes under them. What slipped in before is re-wrapped; nothing is left.
 *
 * The old key stays in the file until it is destroyed (`destroyClosed`), so that backups can be restored.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KekError, type KekRing } from '@ownkey/vault/kek';
import { listKekFile, loadKeks } from '@ownkey/vault/kek-file';
import type { KekWrapper } from '@ownkey/vault/kek-source';
import { draftKekFile, newKekBlock } from '@ownkey/vault/kek-write';
import type { Pool } from 'pg';
import type { Sql } from '../access/load.ts';
import { sqlOf } from '../database.ts';
import { inTransaction } from '../keys/transaction.ts';
import { ringOf } from './load-keks.ts';
import { insertKek, listLacking, readKeks } from './registry.ts';
import { countUnder, rewrapAll } from './rewrap.ts';
import { changeRotation, openRotation, type RotationStep } from './rotation-store.ts';

export interface RotateOptions {
  readonly pool: Pool;
  /** The master key file, links resolved. */
  readonly file: string;
  readonly wrapper: KekWrapper | null;
  /** Puts `<file>.new` in the place of the file, for good. */
  readonly publish: () => Promise<void>;
  readonly actor: string;
  /** Hears of every step and batch, and is waited for. */
  readonly progress?: (progress: Progress) => Promise<void> | void;
  /** How long workers that lack the new key are waited for. */
  readonly patienceMs?: number;
  readonly pollMs?: number;
}

export interface Progress {
  readonly step: RotationStep;
  readonly done: number;
  readonly total: number;
  /** Workers that are waited for. */
  readonly waitingFor: readonly string[];
}

export interface Rotated {
  readonly from: readonly string[];
  readonly to: string;
  readonly rows: number;
  /** Rows that no master key opened before either. */
  readonly damaged: readonly string[];
}

/** Some worker does not have the new key yet. The rotation stays open, and goes on when it is started again. */
export class WaitingError extends Error {
  readonly workers: readonly string[];
  constructor(workers: readonly string[], what: string) {
    super(
      `${workers.length} worker(s) ${what}: ${workers.join(', ')}. Copy the master key file to their machines, then run this again.`,
    );
    this.name = 'WaitingError';
    this.workers = workers;
  }
}

/**
 * Rotates, or finishes the rotation that was begun. The caller holds the lock (`withKekLock`).
 * @throws KekError, WaitingError, OwnkeyError ledger.unavailable; the rotation then stays open
 */
export async function rotate(options: RotateOptions): Promise<Rotated> {
  const { pool, actor } = options;
  const sql = sqlOf(pool);
  const rotation = await openRotation(sql, actor);
  const tell = async (step: RotationStep, done = 0, total = 0, waitingFor: readonly string[] = []) => {
    await options.progress?.({ step, done, total, waitingFor });
  };
  await tell('ordered');
  const target = rotation.to_kek ?? (await makeKek(options, rotation.id));
  const ring = ringOf(await loadKeks(options.file, options.wrapper));
  ring.use(target);
  await tell('spreading');
  await waitFor(options, sql, rotation.id, 'spreading', target);
  await switchWrites(pool, rotation.id, target);
  await tell('switching');
  await waitFor(options, sql, rotation.id, 'switching', target);
  const old = await listOld(sql, ring, target);
  const total = Math.max(Number(rotation.rows_total), await countUnder(sql, old));
  await changeRotation(sql, rotation.id, { step: 'rewrapping', rows_total: total });
  await tell('rewrapping', 0, total);
  let done = total - (await countUnder(sql, old));
  const told = async (moved: number): Promise<void> => {
    done = Math.min(total, done + moved);
    await changeRotation(sql, rotation.id, { rows_done: done });
    await tell('rewrapping', done, total);
  };
  await rewrapUntilLeft(sql, ring, old, told);
  await sql.query(
    "UPDATE keks SET state = 'closed', replaced_at = coalesce(replaced_at, clock_timestamp()) WHERE id = ANY($1)",
    [old],
  );
  await changeRotation(sql, rotation.id, { step: 'closing' });
  await tell('closing', total, total);
  const damaged = await rewrapUntilLeft(sql, ring, old, told);
  await markDamaged(sql, damaged);
  await inTransaction(pool, async (tx) => {
    await changeRotation(tx, rotation.id, { step: 'done', rows_done: total, damaged, waiting_for: [] });
    await tx.query(`INSERT INTO audit_events (kind, actor, data) VALUES ('kek.rotated', $1, $2)`, [
      rotation.ordered_by,
      JSON.stringify({ from: old, to: target, rows: total, damaged: damaged.length }),
    ]);
  });
  await tell('done', total, total);
  return { from: old, to: target, rows: total, damaged };
}

/** A new key in the file and in the database. One that an interrupted run left in the file is used, not a further one made. */
async function makeKek(options: RotateOptions, rotation: string): Promise<string> {
  const { pool, file, wrapper, publish } = options;
  const known = new Set((await readKeks(sqlOf(pool))).map(({ id }) => id));
  let found = listKekFile(file).find(({ id }) => !known.has(id));
  if (!found) {
    const { block } = await newKekBlock(wrapper);
    try {
      draftKekFile(file, { add: block });
    } finally {
      block.fill(0);
    }
    await publish();
    found = listKekFile(file).find(({ id }) => !known.has(id));
    if (!found) throw new KekError('missing', `the new master key did not arrive in ${file}`);
  }
  const { id, checkValue, wrapped } = found;
  await inTransaction(pool, async (sql) => {
    await insertKek(sql, { id, check_value: checkValue, source: wrapped === null ? 'file' : 'transit', state: 'new' });
    await changeRotation(sql, rotation, { step: 'spreading', to_kek: id });
  });
  return id;
}

const PATIENCE_MS = 600_000;

async function waitFor(
  options: RotateOptions,
  sql: Sql,
  rotation: string,
  step: 'spreading' | 'switching',
  target: string,
): Promise<void> {
  const end = performance.now() + (options.patienceMs ?? PATIENCE_MS);
  let before = '';
  for (;;) {
    const lacking = await listLacking(sql, target, step === 'spreading' ? 'holds' : 'writes');
    if (lacking.join() !== before) {
      before = lacking.join();
      await changeRotation(sql, rotation, { waiting_for: lacking });
      await options.progress?.({ step, done: 0, total: 0, waitingFor: lacking });
    }
    if (lacking.length === 0) return;
    if (performance.now() >= end) {
      throw new WaitingError(
        lacking,
        step === 'spreading' ? 'do not have the new master key' : 'still write with the old one',
      );
    }
    await sleep(options.pollMs ?? 250);
  }
}

async function switchWrites(pool: Pool, rotation: string, target: string): Promise<void> {
  await inTransaction(pool, async (sql) => {
    await sql.query(
      `UPDATE keks SET state = 'old', replaced_at = clock_timestamp() WHERE state = 'current' AND id <> $1`,
      [target],
    );
    await sql.query(
      `UPDATE keks SET state = 'current', current_at = clock_timestamp() WHERE id = $1 AND state <> 'current'`,
      [target],
    );
    await changeRotation(sql, rotation, { step: 'switching' });
  });
}

/** Every master key but the new one that can still be opened; those of no file are left to `give-up`. */
async function listOld(sql: Sql, ring: KekRing, target: string): Promise<string[]> {
  const keks = await readKeks(sql);
  return keks
    .filter(({ id, state }) => id !== target && state !== 'destroyed' && ring.checkValueOf(id) !== null)
    .map(({ id }) => id);
}

/** Passes until one moves nothing: what is left then is damaged. Resolves to the ids of that. */
async function rewrapUntilLeft(
  sql: Sql,
  ring: KekRing,
  old: readonly string[],
  told: (moved: number) => Promise<void>,
): Promise<readonly string[]> {
  for (;;) {
    const { damaged } = await rewrapAll(sql, ring, old, true, told);
    if ((await countUnder(sql, old)) <= damaged.length) return damaged;
  }
}

/** Their status says from now on what no use of them has shown yet. */
async function markDamaged(sql: Sql, damaged: readonly string[]): Promise<void> {
  await sql.query(
    `WITH marked AS (
       UPDATE keys SET status = 'undecryptable', status_detail = jsonb_build_object('since', $2::text)
       WHERE id = ANY($1) AND status <> 'undecryptable'
       RETURNING id, company_id, user_id, provider, slug, last4)
     INSERT INTO audit_events (company_id, kind, user_id, key_id, provider, last4)
     SELECT company_id, 'key.undecryptable', user_id, id, coalesce(slug, provider), last4 FROM marked`,
    [damaged, new Date().toISOString()],
  );
}
