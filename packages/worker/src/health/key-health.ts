import type { FallbackReason } from '@ownkey/contract/fallback';
import { newId } from '@ownkey/contract/ids';
import type { KeyStatus, StatusDetail } from '@ownkey/contract/key';
import type { Logger } from '@ownkey/guard/log';
import type { Scrubber } from '@ownkey/guard/scrub';
import type { Sql } from '../access/load.ts';
import type { StoredKey } from '../access/snapshot.ts';
import { Circuits } from './circuit.ts';
import type { KeyFailure } from './failure-meaning.ts';

/** A provider that did not answer this often in a row is shown as such. */
const OUTAGES_SHOWN = 3;
/** One write of one status per key and time: a key that is limited and free in turns does not move the configuration each time. */
const WRITE_MS = 30_000;
const WRITES_MAX = 20_000;
const MESSAGE_CHARACTERS_MAX = 500;

export type UsedKey = Pick<StoredKey, 'id' | 'version' | 'status' | 'testedAt'>;

export interface KeyHealthParts {
  sql: Sql;
  scrubber: Scrubber;
  log: Logger;
  now: () => number;
}

/**
 * What calls tell of the keys they run on. From answers alone, never from guesses: out of credit, rate limited and restricted are the
 * provider's clear words; a rejection is confirmed by a test first; silence counts once it repeats. Never waits, never rejects: a
 * status that cannot be written is tried again by the next call that sees it.
 */
export class KeyHealth {
  readonly #parts: KeyHealthParts;
  readonly #circuits: Circuits;
  /** When which status of a key was written last. */
  readonly #written = new Map<string, number>();

  constructor(parts: KeyHealthParts) {
    this.#parts = parts;
    this.#circuits = new Circuits(parts.now);
  }

  /** Why the key is not tried now; null = try it. Ask only where something else can answer. */
  resting(key: UsedKey): FallbackReason | null {
    return this.#circuits.resting(key);
  }

  failed(companyId: string | null, key: UsedKey, failure: KeyFailure): void {
    const { reason } = failure;
    if (reason === null) {
      if (failure.restricted && key.status === 'valid') this.#write(key, 'limited', failure, {});
      return;
    }
    const { failures } = this.#circuits.failed(key, reason, failure.retryAfterMs);
    switch (reason) {
      case 'key_rejected':
        if (key.status !== 'invalid') this.#orderTest(companyId, key);
        return;
      case 'no_credit':
        this.#write(key, 'no_credit', failure, {});
        return;
      case 'rate_limited': {
        const until = new Date(this.#parts.now() + (failure.retryAfterMs ?? 0)).toISOString();
        this.#write(key, 'rate_limited', failure, failure.retryAfterMs === null ? {} : { until });
        return;
      }
      default:
        if (failures >= OUTAGES_SHOWN) this.#write(key, 'unreachable', failure, { tries: failures });
    }
  }

  /** `inNotice`: people were told that this key fails. `startedAt`: of the call, by the clock this was made with. */
  worked(key: UsedKey, startedAt: number, inNotice: boolean): void {
    const wasFailing = this.#circuits.isFailing(key);
    const ended = this.#circuits.worked(key, startedAt);
    if (wasFailing && !ended) return;
    const told = inNotice || key.status !== 'valid';
    if (!ended && (!told || key.status === 'limited' || key.status === 'undecryptable')) return;
    const work = async (): Promise<void> => {
      await this.#parts.sql.query(
        `UPDATE keys SET status = 'valid', status_detail = NULL
         WHERE id = $1 AND version = $2 AND status IN ('pending', 'invalid', 'no_credit', 'rate_limited', 'unreachable')`,
        [key.id, key.version],
      );
      // Of a key whose status never changed: its provider stumbled.
      await this.#parts.sql.query(
        `SELECT end_notices(id, 'recovered', '{fallback}', 'system') FROM keys WHERE id = $1 AND version = $2
           AND status IN ('valid', 'limited')`,
        [key.id, key.version],
      );
    };
    // The end of a failure seen here is always written: nobody else may know of it.
    if (ended) this.#written.delete(writeName(key, 'works'));
    this.#once(key, 'works', work);
  }

  #write(key: UsedKey, status: KeyStatus, failure: KeyFailure, more: StatusDetail): void {
    if (key.status === status) return;
    const detail: StatusDetail = { since: new Date(this.#parts.now()).toISOString(), ...more };
    if (failure.httpStatus !== null) detail.http_status = failure.httpStatus;
    if (failure.code !== null) detail.code = this.#scrub(failure.code);
    if (failure.message !== null) detail.provider_message = this.#scrub(failure.message);
    this.#once(key, status, async () => {
      // What a test found stands over what calls guess at: an invalid key is not made better by a limit.
      await this.#parts.sql.query(
        `UPDATE keys SET status = $3, status_detail = $4 WHERE id = $1 AND version = $2 AND status <> $3
           AND status NOT IN ('invalid', 'undecryptable')`,
        [key.id, key.version, status, JSON.stringify(detail)],
      );
    });
  }

  /** A test of the key by the probe ladder, under its limits, by whichever worker takes it; at most one a minute and key. */
  #orderTest(companyId: string | null, key: UsedKey): void {
    this.#once(key, 'test', async () => {
      const minute = Math.floor(this.#parts.now() / 60_000);
      await this.#parts.sql.query(
        `INSERT INTO worker_jobs (id, kind, company_id, payload, idempotency_key, actor)
         SELECT $1, 'key.test', company_id, jsonb_build_object('key_id', id), $2, 'system' FROM keys
         WHERE id = $3 AND version = $4 AND company_id IS NOT DISTINCT FROM $5
         ON CONFLICT DO NOTHING`,
        [newId('job'), `health ${key.id} ${key.version} ${minute}`, key.id, key.version, companyId],
      );
    });
  }

  /** At most once per key, purpose and `WRITE_MS`; a failed write may be repeated at once. */
  #once(key: UsedKey, purpose: string, work: () => Promise<void>): void {
    const name = writeName(key, purpose);
    const now = this.#parts.now();
    const last = this.#written.get(name);
    if (last !== undefined && now - last < WRITE_MS) return;
    this.#written.delete(name);
    this.#written.set(name, now);
    if (this.#written.size > WRITES_MAX) {
      const oldest = this.#written.keys().next().value;
      if (oldest !== undefined) this.#written.delete(oldest);
    }
    work().catch((error: unknown) => {
      this.#written.delete(name);
      this.#parts.log.warn('the status of a key could not be written', { key_id: key.id, purpose, error });
    });
  }

  #scrub(text: string): string {
    return this.#parts.scrubber.scrubText(text).slice(0, MESSAGE_CHARACTERS_MAX);
  }
}

function writeName({ id, version }: UsedKey, purpose: string): string {
  return `${id}:${version}:${purpose}`;
}
