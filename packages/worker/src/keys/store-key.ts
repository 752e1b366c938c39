/** The writes of a key: a new one, a new version of one, and what a test found. Each stands whole or not at all. */
import { OwnkeyError } from '@ownkey/contract/errors';
import { CUSTOM_PROVIDER, type KeyOwner } from '@ownkey/contract/key';
import type { Pool } from 'pg';
import type { Sql } from '../access/load.ts';
import type { KeyRef } from '../egress/egress.ts';
import { recordKeyEvent } from './audit-event.ts';
import type { KeyRow } from './key-parts.ts';
import type { Claim, WrappedKey } from './open-pasted-key.ts';
import type { ProbeOutcome } from './probe.ts';
import { storeModels } from './store-models.ts';
import { inTransaction, violatedUnique } from './transaction.ts';

export interface NewKey {
  readonly ref: KeyRef;
  readonly owner: KeyOwner;
  readonly companyId: string | null;
  readonly userId: string | null;
  readonly slug: string | null;
  readonly preset: string | null;
  readonly baseUrl: string | null;
  readonly label: string;
  readonly onFailure: 'stop' | 'platform' | null;
  readonly actor: string;
}

/**
 * Stores a new key with its envelope, sets the company's source to it, claims the nonce and writes the events, in one transaction.
 * @throws OwnkeyError seal.replayed, slug.taken, conflict.exists, not_found (company or user gone), ledger.unavailable
 */
export async function insertKey(
  pool: Pool,
  key: NewKey,
  wrapped: WrappedKey | null,
  claim: Claim | null,
  { result: probe, models }: ProbeOutcome,
): Promise<void> {
  await inTransaction(pool, async (sql) => {
    await claimNonce(sql, claim);
    await insertRow(sql, key, wrapped, probe);
    if (wrapped) {
      const { kek_id, wrapped_dek, commitment, body } = wrapped.envelope;
      await sql.query(
        'INSERT INTO envelopes (key_id, version, kek_id, wrapped_dek, commitment, body) VALUES ($1, $2, $3, $4, $5, $6)',
        [key.ref.id, key.ref.version, kek_id, wrapped_dek, commitment, body],
      );
    }
    const { companyId, actor, userId, ref } = key;
    if (models) await storeModels(sql, ref.id, companyId, models);
    const provider = key.slug ?? ref.provider;
    const data = { label: key.label, scope: key.owner, status: probe.status };
    await recordKeyEvent(sql, {
      companyId,
      kind: 'key.connected',
      actor,
      userId,
      keyId: ref.id,
      provider,
      last4: wrapped?.last4 ?? null,
      data,
    });
    if (key.owner === 'company') await setSource(sql, key, provider);
  });
}

async function claimNonce(sql: Sql, claim: Claim | null): Promise<void> {
  if (claim === null) return;
  const { rowCount } = await sql.query(
    'INSERT INTO used_nonces (nonce, expires_at) VALUES ($1, to_timestamp($2)) ON CONFLICT DO NOTHING',
    [claim.nonce, claim.exp],
  );
  if (rowCount === 0) throw new OwnkeyError('seal.replayed');
}

/** Whether a sealed key was stored already: an early answer, the claim decides. */
export async function isNonceUsed(sql: Sql, claim: Claim): Promise<boolean> {
  const { rows } = await sql.query('SELECT 1 FROM used_nonces WHERE nonce = $1', [claim.nonce]);
  return rows.length > 0;
}

async function insertRow(
  sql: Sql,
  key: NewKey,
  wrapped: WrappedKey | null,
  probe: ProbeOutcome['result'],
): Promise<void> {
  if (key.userId !== null) {
    const { rows } = await sql.query('SELECT 1 FROM users WHERE id = $1 AND company_id = $2', [
      key.userId,
      key.companyId,
    ]);
    if (rows.length === 0) throw new OwnkeyError('not_found', {}, 'the user is not of this company');
  }
  // Until the commit: keys connected at once must not get the same position.
  await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `key position ${key.companyId ?? ''} ${key.ref.provider}`,
  ]);
  try {
    await sql.query(
      `INSERT INTO keys (id, owner, company_id, user_id, provider, slug, preset, base_url, destination, keyless, label, mask,
         last4, position, status, status_detail, permissions, models_count, latency_ms, version, created_by, changed_by, tested_at)
       SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
         (SELECT coalesce(max(position) + 1, 0) FROM keys
          WHERE company_id IS NOT DISTINCT FROM $3 AND provider = $5 AND user_id IS NOT DISTINCT FROM $4),
         $14, $15, $16, $17, $18, $19, $20, $20, now()`,
      [
        key.ref.id,
        key.owner,
        key.companyId,
        key.userId,
        key.ref.provider,
        key.slug,
        key.preset,
        key.baseUrl,
        key.ref.destination,
        key.ref.keyless,
        key.label,
        wrapped?.mask ?? '',
        wrapped?.last4 ?? null,
        probe.status,
        probe.status_detail && JSON.stringify(probe.status_detail),
        JSON.stringify(probe.permissions),
        probe.models_count,
        probe.latency_ms,
        key.ref.version,
        key.actor,
      ],
    );
  } catch (error) {
    const violated = violatedUnique(error);
    if (violated === 'keys_slug') throw new OwnkeyError('slug.taken', { slug: key.slug, param: 'slug' });
    if (violated === 'keys_pkey') throw new OwnkeyError('conflict.exists', { what: 'A key of this id' });
    if (isForeignKeyGone(error)) throw new OwnkeyError('not_found', {}, 'the company is gone');
    throw error;
  }
}

/** Connecting says: pay with this. What happens on failure stays as it was set, else as the host presets it. */
async function setSource(sql: Sql, key: NewKey, provider: string): Promise<void> {
  const { companyId, actor, userId, onFailure } = key;
  const before = await sql.query<{ source: string }>(
    `SELECT source FROM sources WHERE company_id = $1 AND provider = $2 AND account = '' AND operation = '' FOR UPDATE`,
    [companyId, provider],
  );
  const { rows } = await sql.query<{ on_failure: string }>(
    `INSERT INTO sources (company_id, provider, account, source, on_failure, changed_by)
     SELECT c.id, $2, '', 'own',
       CASE WHEN $3 THEN 'stop' ELSE coalesce($4, old.on_failure,
         CASE i.settings #>> '{policies,on_failure,preset}' WHEN 'stop' THEN 'stop' ELSE 'platform' END) END, $5
     FROM companies c CROSS JOIN installation i
     LEFT JOIN sources old ON old.company_id = c.id AND old.provider = $2 AND old.account = '' AND old.operation = ''
     WHERE c.id = $1
     ON CONFLICT (company_id, provider, account, operation) DO UPDATE SET source = 'own', on_failure = excluded.on_failure,
       row_version = sources.row_version + 1, changed_by = excluded.changed_by, changed_at = now()
     RETURNING on_failure`,
    [companyId, provider, key.ref.provider === CUSTOM_PROVIDER, onFailure, actor],
  );
  const from = before.rows[0]?.source ?? null;
  if (from === 'own') return;
  const data = { from, to: 'own', on_failure: rows[0]?.on_failure ?? null, by: 'key.connected' };
  await recordKeyEvent(sql, {
    companyId,
    kind: 'source.changed',
    actor,
    userId,
    keyId: key.ref.id,
    provider,
    last4: null,
    data,
  });
}

/**
 * Puts a new version in place of `row`'s: one statement moves the version and overwrites the old ciphertext. The id stays.
 * @throws OwnkeyError conflict.changed when another replacement came first or the key is gone, seal.replayed, ledger.unavailable
 */
export async function swapKey(
  pool: Pool,
  row: KeyRow,
  ref: KeyRef,
  wrapped: WrappedKey,
  claim: Claim,
  { result: probe, models }: ProbeOutcome,
  actor: string,
): Promise<void> {
  await inTransaction(pool, async (sql) => {
    await claimNonce(sql, claim);
    const { envelope, mask, last4 } = wrapped;
    const { rowCount } = await sql.query(
      `WITH swapped AS (
         UPDATE keys SET version = $3, destination = $4, keyless = false, mask = $5, last4 = $6, status = $7,
           status_detail = $8, permissions = $9, models_count = $10, latency_ms = $11, tested_at = now(),
           row_version = row_version + 1, changed_by = $12, changed_at = now()
         WHERE id = $1 AND version = $2 RETURNING id)
       INSERT INTO envelopes (key_id, version, kek_id, wrapped_dek, commitment, body)
       SELECT id, $3, $13, $14, $15, $16 FROM swapped
       ON CONFLICT (key_id) DO UPDATE SET version = excluded.version, kek_id = excluded.kek_id,
         wrapped_dek = excluded.wrapped_dek, commitment = excluded.commitment, body = excluded.body`,
      [
        row.id,
        row.version,
        ref.version,
        ref.destination,
        mask,
        last4,
        probe.status,
        probe.status_detail && JSON.stringify(probe.status_detail),
        JSON.stringify(probe.permissions),
        probe.models_count,
        probe.latency_ms,
        actor,
        envelope.kek_id,
        envelope.wrapped_dek,
        envelope.commitment,
        envelope.body,
      ],
    );
    if (rowCount === 0) throw changedMeanwhile(row);
    if (models) await storeModels(sql, row.id, row.company_id, models);
    await recordKeyEvent(sql, {
      companyId: row.company_id,
      kind: 'key.replaced',
      actor,
      userId: row.user_id,
      keyId: row.id,
      provider: row.slug ?? row.provider,
      last4,
      data: { version: ref.version, last4_before: row.last4, status: probe.status },
    });
  });
}

/** Writes what a test of a stored version found, with its events. A version replaced meanwhile is left alone. */
export async function writeProbe(
  pool: Pool,
  row: KeyRow,
  { result: probe, models }: ProbeOutcome,
  actor: string,
): Promise<void> {
  await inTransaction(pool, async (sql) => {
    const { rows } = await sql.query<{ before: string }>(
      `UPDATE keys k SET status = $3, status_detail = $4, permissions = coalesce(k.permissions, '{}') || $5,
         models_count = coalesce($6, k.models_count), latency_ms = coalesce($7, k.latency_ms), tested_at = now()
       FROM (SELECT status FROM keys WHERE id = $1 FOR UPDATE) old
       WHERE k.id = $1 AND k.version = $2 RETURNING old.status AS before`,
      [
        row.id,
        row.version,
        probe.status,
        probe.status_detail && JSON.stringify(probe.status_detail),
        JSON.stringify(probe.permissions),
        probe.models_count,
        probe.latency_ms,
      ],
    );
    const before = rows[0]?.before;
    if (before === undefined) return;
    if (models) await storeModels(sql, row.id, row.company_id, models);
    const event = {
      companyId: row.company_id,
      actor,
      userId: row.user_id,
      keyId: row.id,
      provider: row.slug ?? row.provider,
      last4: row.last4,
    };
    // Where the status never turned, nothing else ends what calls opened.
    if (probe.status === 'valid' || probe.status === 'limited') {
      await sql.query("SELECT end_notices($1, 'recovered', '{key,fallback}', $2)", [row.id, actor]);
    }
    await recordKeyEvent(sql, { ...event, kind: 'key.tested', data: { status: probe.status } });
    if (before !== probe.status) {
      await recordKeyEvent(sql, { ...event, kind: 'key.status_changed', data: { from: before, to: probe.status } });
    }
  });
}

export function changedMeanwhile(row: KeyRow): OwnkeyError {
  return new OwnkeyError('conflict.changed', { who: row.changed_by ?? 'Somebody', at: row.changed_at.toISOString() });
}

function isForeignKeyGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23503';
}
