import type { Model, ModelList } from '@ownkey/contract/api/providers';
import { CUSTOM_PROVIDER } from '@ownkey/contract/key';
import { formatUsd } from '@ownkey/contract/money';
import { isModelIn } from '@ownkey/policy/decide-source';
import { PriceBook } from '@ownkey/policy/price-book';
import { type Catalogue, matchesModel, maxOutputTokens } from '@ownkey/providers/catalogue';
import type { Database } from '../../storage/database.ts';
import { decidePayer, type PayerState } from '../keys/payer.ts';
import { listStored, readLedgerClock } from '../prices/store.ts';

export interface StoredList {
  key_id: string;
  models: { id: string; maxOutputTokens?: number }[];
  fetched_at: Date | null;
  error: { code?: string } | null;
  tried_at: Date;
}

const MODELS_MAX = 5000;

/**
 * Models this caller may use now, from the last good list of the key that would answer, else from the maintained list of the
 * catalogue. One provider's trouble is named beside the rest.
 */
export async function listModels(
  database: Database,
  catalogue: Catalogue,
  state: PayerState,
  userId: string | null,
  only: string | null,
): Promise<ModelList> {
  const slugs = new Map<string, string>();
  for (const id of catalogue.entries.keys()) slugs.set(id, id);
  for (const row of state.keys)
    if (row.slug !== null && row.provider === CUSTOM_PROVIDER) slugs.set(row.slug, row.provider);
  const data: Model[] = [];
  const problems: ModelList['problems'] = [];
  const lists = await readLists(database, state);
  const priced = await readPrices(database, state.company.id);
  for (const [slug, provider] of slugs) {
    if (only !== null && slug !== only) continue;
    const entry = catalogue.entries.get(slug);
    const call = { slug, provider, providerName: entry?.name ?? slug, user: userId };
    const decision = decidePayer(state, call);
    if (decision.kind === 'none') continue;
    const list = lists.get(decision.key.id);
    const live = list?.fetched_at != null;
    const names = live ? list.models.map(({ id }) => id) : (entry?.curated_models ?? []);
    if (list?.error != null)
      problems.push({ provider: slug, code: list.error.code ?? 'provider.error', since: list.tried_at.toISOString() });
    const included = decision.kind === 'platform' ? state.plan.platform_models : null;
    for (const name of names) {
      const allowed =
        isModelIn(decision.key.allowedModels, { model: name, slug }) && isModelIn(included, { model: name, slug });
      if (!allowed || data.length >= MODELS_MAX) continue;
      data.push({
        id: `${slug}/${name}`,
        name,
        provider: slug,
        key_source: decision.kind,
        chat: !(entry?.not_chat_models ?? []).some((pattern) => matchesModel(pattern, name)),
        listed: live ? 'live' : 'curated',
        as_of: live ? (list.fetched_at?.toISOString() ?? null) : null,
        ...priced(slug, name, decision.kind),
        max_output_tokens:
          list?.models.find(({ id }) => id === name)?.maxOutputTokens ??
          (entry === undefined ? null : maxOutputTokens(entry, name)),
      });
    }
  }
  return { data, next_cursor: null, problems };
}

type Priced = Pick<Model, 'input_usd_per_mtok' | 'output_usd_per_mtok' | 'context_tokens'>;

/** Prices now in force by name. What a company says its models cost counts on its own keys alone. */
async function readPrices(
  database: Database,
  companyId: string,
): Promise<(slug: string, model: string, payer: 'own' | 'platform') => Priced> {
  const { stored, at } = await database.tenant(companyId, async (sql) => {
    const now = await readLedgerClock(sql);
    return { stored: await listStored(sql, { companyId }, now), at: now.getTime() };
  });
  const book = new PriceBook(stored.filter((price) => price.companyId === null));
  const own = stored.filter((price) => price.companyId !== null);
  return (slug, model, payer) => {
    const price = book.find(slug, model, at, payer === 'own' ? own : []);
    return {
      input_usd_per_mtok: price === null ? null : formatUsd(BigInt(price.rates.base.input)),
      output_usd_per_mtok: price === null ? null : formatUsd(BigInt(price.rates.base.output)),
      context_tokens: price?.contextTokens ?? null,
    };
  };
}

/** Lists of the company's keys, and of the shared keys, which belong to no company. */
export async function readLists(database: Database, state: PayerState): Promise<Map<string, StoredList>> {
  const select = 'SELECT key_id, models, fetched_at, error, tried_at FROM model_lists WHERE key_id = ANY($1)';
  const own = await database.tenant(state.company.id, (sql) =>
    sql.rows<StoredList>(select, [state.keys.map(({ id }) => id)]),
  );
  const shared = await database.everywhere((sql) =>
    sql.rows<StoredList>(select, [state.platformKeys.map(({ id }) => id)]),
  );
  return new Map([...own, ...shared].map((list) => [list.key_id, list]));
}
