import type { Logger } from '@ownkey/guard/log';
import type { Kek, KekRing } from '@ownkey/vault/kek';
import type { Sql } from '../access/load.ts';
import { forgetHolder, type KekRow, readKeks, reportHolding } from './registry.ts';

export interface KeeperOptions {
  readonly sql: Sql;
  readonly ring: KekRing;
  readonly workerId: string;
  /** The master keys of the file that are not in `known`. */
  readonly load: (known: ReadonlySet<string>) => Promise<readonly Kek[]>;
  readonly log: Logger;
  readonly everyMs?: number;
  /** How long a destroyed master key may still open what was read before: longer than a call waits for its connection. */
  readonly dropAfterMs?: number;
}

const REPORT_EVERY_MS = 5_000;
/** How soon the file is read again for a master key that was not in it. */
const LOAD_AGAIN_MS = 5_000;

/**
 * Keeps a worker's ring what the database says: loads a new master key from the file, writes with the current one, lets go of destroyed
 * ones, and tells the database what it holds, so that a rotation can wait for every worker. Looks every second, and when asked.
 */
export class KekKeeper {
  readonly #options: Required<KeeperOptions>;
  #timer: NodeJS.Timeout | null = null;
  #working: Promise<void> | null = null;
  #reported = { what: '', at: Number.NEGATIVE_INFINITY };
  #loadAt = Number.NEGATIVE_INFINITY;
  #failing = false;
  readonly #destroyedAt = new Map<string, number>();
  readonly #missed = new Set<string>();

  constructor(options: KeeperOptions) {
    this.#options = { everyMs: 1_000, dropAfterMs: 60_000, ...options };
  }

  /** Resolves when the database was looked at and told once. @throws what the database throws */
  async start(): Promise<void> {
    await this.refresh();
    this.#timer = setInterval(
      () => void this.refresh().catch((error: unknown) => this.#complain(error)),
      this.#options.everyMs,
    );
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await this.#working?.catch(() => {});
    await forgetHolder(this.#options.sql, this.#options.workerId).catch(() => {});
  }

  /** Looks now. Calls at once share one look. */
  refresh(): Promise<void> {
    this.#working ??= this.#look().finally(() => {
      this.#working = null;
    });
    return this.#working;
  }

  /** For a row under a master key that is not in the ring: looks into the database and the file at once. */
  async find(kekId: string): Promise<boolean> {
    this.#loadAt = Number.NEGATIVE_INFINITY;
    await this.refresh();
    return this.#options.ring.checkValueOf(kekId) !== null;
  }

  async #look(): Promise<void> {
    const { sql, ring, dropAfterMs } = this.#options;
    const keks = await readKeks(sql);
    await this.#load(keks.filter(({ id, state }) => state !== 'destroyed' && ring.checkValueOf(id) === null));
    const current = keks.find(({ state }) => state === 'current');
    if (current && current.id !== ring.currentId && ring.checkValueOf(current.id) === current.check_value)
      ring.use(current.id);
    const now = performance.now();
    for (const { id, state } of keks) {
      if (state !== 'destroyed' || ring.checkValueOf(id) === null) continue;
      const since = this.#destroyedAt.get(id) ?? now;
      this.#destroyedAt.set(id, since);
      if (now - since >= dropAfterMs) ring.drop(id);
    }
    await this.#report(now);
    this.#failing = false;
  }

  async #load(missing: readonly KekRow[]): Promise<void> {
    const now = performance.now();
    if (missing.length === 0 || now < this.#loadAt) return;
    this.#loadAt = now + LOAD_AGAIN_MS;
    const { ring, load, log } = this.#options;
    try {
      for (const kek of await load(new Set(ring.ids))) ring.add(kek);
    } catch (error) {
      this.#complain(error);
      return;
    }
    for (const { id } of missing) {
      if (ring.checkValueOf(id) !== null || this.#missed.has(id)) continue;
      this.#missed.add(id);
      log.warn('the master key file here lacks a key of this installation; copy the new file to this machine', {
        kek: id,
      });
    }
  }

  async #report(now: number): Promise<void> {
    const { sql, ring, workerId } = this.#options;
    const what = `${ring.currentId} ${ring.ids.join(' ')}`;
    if (what === this.#reported.what && now - this.#reported.at < REPORT_EVERY_MS) return;
    await reportHolding(sql, workerId, ring);
    this.#reported = { what, at: now };
  }

  #complain(error: unknown): void {
    if (!this.#failing) this.#options.log.warn('the state of the master keys could not be followed', { error });
    this.#failing = true;
  }
}
