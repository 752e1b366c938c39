import type { Scrubber } from '@ownkey/guard/scrub';
import { type Envelope, EnvelopeError, openEnvelope } from '@ownkey/vault/envelope';
import type { KekRing } from '@ownkey/vault/kek';
import type { Sql } from '../access/load.ts';
import { EgressError, type KeyRef } from '../egress/egress.ts';
import { bindingOf, type EnvelopeSource } from '../egress/pooled-egress.ts';

export interface EnvelopeStoreOptions {
  readonly sql: Sql;
  readonly kekRing: KekRing;
  readonly scrubber: Pick<Scrubber, 'watch'>;
  /** A stored key was found not to open: its status and the audit are the listener's. Must not throw. */
  readonly undecryptable: (key: KeyRef) => void;
  /** Loads a master key that came after this worker's start; true when it is in the ring now. */
  readonly findKek?: (kekId: string) => Promise<boolean>;
  readonly now?: () => number;
  /** How long a ciphertext is used without looking again. */
  readonly freshMs?: number;
  readonly envelopesMax?: number;
}

interface Cached {
  readonly envelope: Envelope;
  readonly until: number;
}

/** An answer of the database is older than a worker's decision at most this long; removal and replacement are told apart from it. */
const FRESH_MS = 1_000;
const ENVELOPES_MAX = 10_000;

/**
 * Envelopes of stored keys by key id and version. Ciphertext alone is kept, bounded and briefly; never a data key or a clear key.
 * Each envelope is opened once when it is read, so that one that was moved or altered is refused before any connection is made.
 */
export class EnvelopeStore implements EnvelopeSource {
  readonly #options: EnvelopeStoreOptions;
  readonly #now: () => number;
  readonly #cached = new Map<string, Cached>();
  readonly #loading = new Map<string, Promise<Envelope>>();
  /** Ends of fingerprints by name of the key; the one used longest ago goes first. */
  readonly #watched = new Map<string, () => void>();

  constructor(options: EnvelopeStoreOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  get(key: KeyRef): Envelope | Promise<Envelope> {
    const name = nameOf(key);
    const cached = this.#cached.get(name);
    if (cached && cached.until > this.#now()) return cached.envelope;
    const running = this.#loading.get(name);
    if (running) return running;
    const loading = this.#load(key, name).finally(() => {
      if (this.#loading.get(name) === loading) this.#loading.delete(name);
    });
    this.#loading.set(name, loading);
    return loading;
  }

  forget(keyId: string): void {
    const prefix = `${keyId} `;
    for (const name of this.#cached.keys()) if (name.startsWith(prefix)) this.#cached.delete(name);
    for (const name of this.#loading.keys()) if (name.startsWith(prefix)) this.#loading.delete(name);
  }

  /** Makes the scrubber find this key in texts, also when no stored envelope of it was read yet. */
  watch(key: KeyRef, clearKey: Uint8Array): void {
    const name = nameOf(key);
    const known = this.#watched.get(name);
    this.#watched.delete(name);
    this.#watched.set(name, known ?? this.#options.scrubber.watch(clearKey));
    for (const [oldest, unwatch] of this.#watched) {
      if (this.#watched.size <= (this.#options.envelopesMax ?? ENVELOPES_MAX)) break;
      this.#watched.delete(oldest);
      unwatch();
    }
  }

  async #load(key: KeyRef, name: string): Promise<Envelope> {
    const readAt = this.#now();
    const envelope = await this.#read(key);
    if (this.#options.kekRing.checkValueOf(envelope.kek_id) === null) await this.#findKek(envelope.kek_id);
    this.#check(key, envelope);
    this.#cached.delete(name);
    this.#cached.set(name, { envelope, until: readAt + (this.#options.freshMs ?? FRESH_MS) });
    for (const oldest of this.#cached.keys()) {
      if (this.#cached.size <= (this.#options.envelopesMax ?? ENVELOPES_MAX)) break;
      this.#cached.delete(oldest);
    }
    return envelope;
  }

  async #read(key: KeyRef): Promise<Envelope> {
    let row: Row | undefined;
    try {
      const { rows } = await this.#options.sql.query<Row>(
        `SELECT k.version AS key_version, e.version, e.kek_id, e.wrapped_dek, e.commitment, e.body
         FROM keys k LEFT JOIN envelopes e ON e.key_id = k.id WHERE k.id = $1`,
        [key.id],
      );
      row = rows[0];
    } catch (cause) {
      throw new EgressError('ledger.unavailable', 'the envelope could not be read', false, { cause });
    }
    // Removed or replaced since the call was decided on: the caller comes again and gets the present state.
    if (!row || row.key_version > key.version) throw new EgressError('key.removed', 'not the present version', false);
    if (row.version !== key.version || !row.kek_id || !row.wrapped_dek || !row.commitment || !row.body) {
      throw this.#refuse(key, 'the envelope is missing or of another version');
    }
    return { kek_id: row.kek_id, wrapped_dek: row.wrapped_dek, commitment: row.commitment, body: row.body };
  }

  async #findKek(kekId: string): Promise<void> {
    try {
      await this.#options.findKek?.(kekId);
    } catch (cause) {
      throw new EgressError('ledger.unavailable', 'the state of the master keys could not be read', false, { cause });
    }
  }

  #check(key: KeyRef, envelope: Envelope): void {
    try {
      const clearKey = openEnvelope(envelope, bindingOf(key), this.#options.kekRing);
      try {
        this.watch(key, clearKey);
      } finally {
        clearKey.fill(0);
      }
    } catch (cause) {
      if (!(cause instanceof EnvelopeError)) throw cause;
      // A master key that is missing here may be loaded elsewhere: the key itself is not marked.
      if (cause.reason === 'kek') throw new EgressError('key.undecryptable', 'its master key is not loaded', false);
      throw this.#refuse(key, `the envelope does not open: ${cause.reason}`);
    }
  }

  #refuse(key: KeyRef, why: string): EgressError {
    this.#options.undecryptable(key);
    return new EgressError('key.undecryptable', why, false);
  }
}

interface Row {
  key_version: number;
  version: number | null;
  kek_id: string | null;
  wrapped_dek: Buffer | null;
  commitment: Buffer | null;
  body: Buffer | null;
}

/** Everything the envelope is bound to: a cached one serves no other binding. */
function nameOf(key: KeyRef): string {
  return `${key.id} ${key.version}\n${key.owner}\n${key.provider}\n${key.destination}`;
}
