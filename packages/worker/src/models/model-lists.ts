import { newId } from '@ownkey/contract/ids';
import type { CatalogueEntry } from '@ownkey/contract/provider';
import type { Logger } from '@ownkey/guard/log';
import type { ListedModel } from '@ownkey/providers/models';
import type { Caller } from '../access/caller.ts';
import type { Sql } from '../access/load.ts';
import type { Egress } from '../egress/egress.ts';
import { type Connected, keyRefOf } from '../gateway/route.ts';
import type { Targets } from '../gateway/targets.ts';
import type { Hold, Ledger } from '../ledger/ledger.ts';
import { fetchModels, type ModelsAnswer } from './fetch-models.ts';

export type { ListedModel };

export interface ModelListOptions {
  sql: Sql;
  ledger: Ledger;
  egress: Egress;
  targets: Targets;
  /** The models in a provider's answer. @throws when it cannot be read */
  readModelList: (entry: CatalogueEntry, body: Buffer) => readonly ListedModel[];
  log: Logger;
  now: () => number;
  timeoutMs?: number;
}

const TIMEOUT_MS = 3_000;
/** A good list counts this long, a failure is not repeated for that long. */
const GOOD_MS = 10 * 60_000;
const FAILED_MS = 30_000;
const KEYS_MAX = 10_000;

interface Entry {
  version: number;
  models: readonly ListedModel[];
  until: number;
}

/**
 * The models of each key: from memory, else from the table all workers share, else asked of the provider, once for all who wait.
 * A provider that fails leaves its last good list, else the catalogue's; nobody else's list is touched by it.
 */
export class ModelLists {
  readonly #options: ModelListOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #running = new Map<string, Promise<readonly ListedModel[]>>();

  constructor(options: ModelListOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  list(caller: Caller, connected: Connected): Promise<readonly ListedModel[]> {
    const { key } = connected;
    const entry = this.#entries.get(key.id);
    if (entry && entry.version === key.version && this.#options.now() < entry.until)
      return Promise.resolve(entry.models);
    const flight = `${key.id} ${key.version}`;
    let running = this.#running.get(flight);
    if (running === undefined) {
      running = this.#refresh(caller, connected).finally(() => this.#running.delete(flight));
      this.#running.set(flight, running);
    }
    return running;
  }

  /** A model as the key's newest known list has it; asks nobody. */
  known(key: { id: string; version: number }, model: string): ListedModel | null {
    const entry = this.#entries.get(key.id);
    if (entry === undefined || entry.version !== key.version) return null;
    return entry.models.find(({ id }) => id === model) ?? null;
  }

  /** The key is gone or changed: its list is asked for again. */
  forget(keyId: string): void {
    this.#entries.delete(keyId);
  }

  async #refresh(caller: Caller, connected: Connected): Promise<readonly ListedModel[]> {
    const { targets, log, now } = this.#options;
    const { key } = connected;
    let entry: CatalogueEntry;
    let last: readonly ListedModel[] | null = null;
    try {
      entry = targets.of(key).entry;
    } catch {
      return [];
    }
    const curated = entry.curated_models.map((id): ListedModel => ({ id, chat: true }));
    if (entry.models === null) return this.#keep(key.id, key.version, curated, now() + GOOD_MS);
    try {
      const stored = await this.#readStored(key.id);
      last = stored?.models ?? this.#entries.get(key.id)?.models ?? null;
      if (stored && now() - stored.fetchedAt < GOOD_MS) {
        return this.#keep(key.id, key.version, stored.models, stored.fetchedAt + GOOD_MS);
      }
      const asked = await this.#ask(caller, connected, entry, entry.models.path);
      if (asked === 'changed') return last ?? curated;
      if (asked.models !== null) {
        await this.#store(connected, caller, asked.models, null);
        return this.#keep(key.id, key.version, asked.models, now() + GOOD_MS);
      }
      await this.#store(connected, caller, null, asked.problem);
    } catch (error) {
      log.warn('a model list could not be read', { key_id: key.id, error });
    }
    return this.#keep(key.id, key.version, last ?? curated, now() + FAILED_MS);
  }

  /** One call to the provider, through the ledger like any other. */
  async #ask(
    caller: Caller,
    { key, source }: Connected,
    entry: CatalogueEntry,
    path: string,
  ): Promise<'changed' | { models: readonly ListedModel[] | null; problem: Record<string, unknown> | null }> {
    const { ledger, egress, targets, timeoutMs = TIMEOUT_MS } = this.#options;
    const { company, installation } = caller.configuration;
    const target = targets.of(key);
    const reserved = await ledger.reserve({
      id: newId('request'),
      // The operator's lists are nobody's usage.
      companyId: source === 'own' ? company.id : null,
      configVersion: company.version,
      globalVersion: installation.version,
      userId: null,
      tokenId: caller.token.id,
      actor: caller.token.id,
      account: null,
      operation: null,
      kind: 'models',
      wire: null,
      streaming: false,
      provider: target.provider,
      slug: target.slug,
      model: '',
      keyId: key.id,
      keyVersion: key.version,
      last4: key.last4,
      keySource: source,
      fallback: null,
      priceId: null,
      reservedNanoUsd: 0n,
      leastNanoUsd: null,
      limits: [],
    });
    if (reserved.outcome !== 'ok') return 'changed';
    const startedAt = performance.now();
    const answer = await fetchModels(egress, target, path, keyRefOf(company.id, key), timeoutMs);
    await this.#settle(reserved.hold, answer, Math.round(performance.now() - startedAt));
    if (answer.kind === 'failed') return { models: null, problem: { code: answer.code } };
    if (answer.status !== 200) return { models: null, problem: { http_status: answer.status } };
    try {
      return { models: this.#options.readModelList(entry, answer.body), problem: null };
    } catch {
      return { models: null, problem: { code: 'provider.unreadable' } };
    }
  }

  #settle(hold: Hold, answer: ModelsAnswer, latencyMs: number): Promise<void> {
    const failed = answer.kind === 'failed';
    return this.#options.ledger.settle(hold, {
      state: failed && !answer.afterSend ? 'released' : 'settled',
      httpStatus: failed ? null : answer.status,
      errorCode: failed ? answer.code : null,
      providerRequestId: failed ? null : answer.requestId,
      usage: null,
      basis: null,
      costNanoUsd: 0n,
      priceId: null,
      latencyMs,
      ttfbMs: null,
    });
  }

  async #readStored(keyId: string): Promise<{ models: readonly ListedModel[]; fetchedAt: number } | null> {
    const { rows } = await this.#options.sql.query<{ models: ListedModel[]; fetched_at: Date | null }>(
      'SELECT models, fetched_at FROM model_lists WHERE key_id = $1',
      [keyId],
    );
    const [row] = rows;
    return row?.fetched_at ? { models: row.models, fetchedAt: row.fetched_at.getTime() } : null;
  }

  /** Keeps what is known for all workers; models null = the newest try failed, the last good list stays. */
  async #store(
    { key, source }: Connected,
    caller: Caller,
    models: readonly ListedModel[] | null,
    problem: Record<string, unknown> | null,
  ): Promise<void> {
    await this.#options.sql.query(
      `INSERT INTO model_lists AS m (key_id, company_id, models, fetched_at, tried_at, error)
       SELECT $1, $2, coalesce($3::jsonb, '[]'), CASE WHEN $3::jsonb IS NULL THEN NULL ELSE now() END, now(), $4::jsonb
       WHERE EXISTS (SELECT FROM keys WHERE id = $1)
       ON CONFLICT (key_id) DO UPDATE SET models = coalesce($3::jsonb, m.models),
         fetched_at = coalesce(excluded.fetched_at, m.fetched_at), tried_at = now(), error = excluded.error`,
      [
        key.id,
        source === 'own' ? caller.configuration.company.id : null,
        models === null ? null : JSON.stringify(models),
        problem === null ? null : JSON.stringify(problem),
      ],
    );
  }

  #keep(keyId: string, version: number, models: readonly ListedModel[], until: number): readonly ListedModel[] {
    this.#entries.delete(keyId);
    this.#entries.set(keyId, { version, models, until });
    if (this.#entries.size > KEYS_MAX) {
      const oldest = this.#entries.keys().next().value;
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    return models;
  }
}
