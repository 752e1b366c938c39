/** Stored keys in thousands, workers that open them, and a customer who replaces hers meanwhile. */
import { randomBytes } from 'node:crypto';
import { newId } from '@ownkey/contract/ids';
import { createScrubber } from '@ownkey/guard/scrub';
import { openEnvelope, wrapKey } from '@ownkey/vault/envelope';
import type { KekRing } from '@ownkey/vault/kek';
import { loadKeks } from '@ownkey/vault/kek-file';
import { createPool, sqlOf } from '@ownkey/worker/database';
import type { KeyRef } from '@ownkey/worker/egress/egress';
import { bindingOf } from '@ownkey/worker/egress/pooled-egress';
import { KekKeeper } from '@ownkey/worker/kek/keeper';
import { ringOf } from '@ownkey/worker/kek/load-keks';
import { EnvelopeStore } from '@ownkey/worker/keys/envelope-store';
import type { Client, Pool } from 'pg';
import { quiet } from './quiet-log.ts';

export interface StoredKey {
  ref: KeyRef;
  clearKey: string;
}

/** Stores `count` keys of one company in a few statements. */
export async function storeMany(
  superuser: Client,
  ring: KekRing,
  company: string,
  count: number,
): Promise<StoredKey[]> {
  const stored = Array.from({ length: count }, (_, n) => ({
    ref: {
      id: newId('key'),
      version: 1,
      owner: company,
      provider: 'openai',
      destination: 'catalogue:openai',
      keyless: false,
    },
    clearKey: `sk-canary-${n}-${randomBytes(12).toString('hex')}`,
  }));
  const envelopes = stored.map(({ ref, clearKey }) =>
    wrapKey({ kekRing: ring, clearKey: Buffer.from(clearKey), binding: bindingOf(ref) }),
  );
  // Without triggers: each row would move the company's version.
  await superuser.query("SET session_replication_role = 'replica'");
  await superuser.query(
    `INSERT INTO ownkey.keys (id, owner, company_id, provider, destination, last4, status)
     SELECT id, 'company', $2, 'openai', 'catalogue:openai', 'wxyz', 'valid' FROM unnest($1::text[]) id`,
    [stored.map(({ ref }) => ref.id), company],
  );
  await superuser.query(
    `INSERT INTO ownkey.envelopes (key_id, version, kek_id, wrapped_dek, commitment, body)
     SELECT id, 1, $2, dek, commitment, body FROM unnest($1::text[], $3::bytea[], $4::bytea[], $5::bytea[]) x (id, dek, commitment, body)`,
    [
      stored.map(({ ref }) => ref.id),
      ring.currentId,
      envelopes.map(({ wrapped_dek }) => wrapped_dek),
      envelopes.map(({ commitment }) => commitment),
      envelopes.map(({ body }) => body),
    ],
  );
  await superuser.query("SET session_replication_role = 'origin'");
  await superuser.query('ANALYZE ownkey.keys, ownkey.envelopes');
  return stored;
}

/** What one worker process has of master keys: its own ring, its own view of the file. */
export interface OpeningWorker {
  readonly ring: KekRing;
  readonly store: EnvelopeStore;
  readonly keeper: KekKeeper;
  readonly pool: Pool;
  close(): Promise<void>;
}

/** `everyMs`: how often it looks at the state of the master keys by itself. */
export async function startOpeningWorker(
  workerUrl: string,
  file: string,
  id: string,
  everyMs = 50,
): Promise<OpeningWorker> {
  const pool = createPool({ connectionString: workerUrl, name: 'opening', connectionsMax: 3, log: quiet });
  const ring = ringOf(await loadKeks(file, null));
  const sql = sqlOf(pool);
  const keeper = new KekKeeper({
    sql,
    ring,
    workerId: id,
    load: (known) => loadKeks(file, null, known),
    log: quiet,
    everyMs,
    dropAfterMs: 500,
  });
  await keeper.start();
  const store = new EnvelopeStore({
    sql,
    kekRing: ring,
    scrubber: createScrubber(),
    findKek: (kekId) => keeper.find(kekId),
    undecryptable: () => {},
    freshMs: 0,
  });
  return {
    ring,
    store,
    keeper,
    pool,
    async close() {
      await keeper.stop();
      await pool.end();
    },
  };
}

/** Opens a stored key as a call does and says whether it is the right one. @throws EgressError */
export async function opens(worker: OpeningWorker, { ref, clearKey }: StoredKey): Promise<boolean> {
  const envelope = await worker.store.get(ref);
  const opened = openEnvelope(envelope, bindingOf(ref), worker.ring);
  return opened.toString() === clearKey;
}

/** Replaces a key as the worker's own `swapKey` does: a new version under the master key that this worker writes with. */
export async function replace(worker: OpeningWorker, key: StoredKey): Promise<StoredKey> {
  const ref = { ...key.ref, version: key.ref.version + 1 };
  const clearKey = `sk-replaced-${randomBytes(12).toString('hex')}`;
  const { kek_id, wrapped_dek, commitment, body } = wrapKey({
    kekRing: worker.ring,
    clearKey: Buffer.from(clearKey),
    binding: bindingOf(ref),
  });
  const client = await worker.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query('UPDATE keys SET version = $2 WHERE id = $1', [ref.id, ref.version]);
    await client.query(
      'UPDATE envelopes SET version = $2, kek_id = $3, wrapped_dek = $4, commitment = $5, body = $6 WHERE key_id = $1',
      [ref.id, ref.version, kek_id, wrapped_dek, commitment, body],
    );
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
  return { ref, clearKey };
}

/** Readers on every worker and the customer, until `stop()`; then what they saw. */
export class Load {
  opened = 0;
  replaced = 0;
  readonly failures: string[] = [];
  readonly #running: Promise<void>[] = [];
  #stopped = false;

  constructor(workers: readonly OpeningWorker[], keys: readonly StoredKey[]) {
    const own = keys.slice(0, 200);
    const shared = keys.slice(200);
    for (const worker of workers) this.#running.push(this.#read(worker, shared));
    const [first] = workers;
    if (first) this.#running.push(this.#replace(first, own));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  async #read(worker: OpeningWorker, keys: readonly StoredKey[]): Promise<void> {
    for (let n = 0; !this.#stopped; n += 7919) {
      const key = keys[n % keys.length];
      if (key) await this.#try(worker, key);
      await pause();
    }
  }

  async #replace(worker: OpeningWorker, keys: readonly StoredKey[]): Promise<void> {
    const mine = [...keys];
    for (let n = 0; !this.#stopped; n++) {
      const before = mine[n % mine.length];
      if (!before) return;
      try {
        const after = await replace(worker, before);
        mine[n % mine.length] = after;
        this.replaced++;
        await this.#try(worker, after);
      } catch (error) {
        this.failures.push(`replace: ${String(error)}`);
      }
      await pause();
    }
  }

  async #try(worker: OpeningWorker, key: StoredKey): Promise<void> {
    try {
      if (!(await opens(worker, key))) this.failures.push(`${key.ref.id} opened as another key`);
      this.opened++;
    } catch (error) {
      this.failures.push(`${key.ref.id}: ${String(error)}`);
    }
  }
}

/** Leaves the cores to what is under test: a few hundred opens a second and worker. */
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));
