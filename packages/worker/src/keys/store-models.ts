import type { Sql } from '../access/load.ts';
import type { ListedModel } from '../models/model-lists.ts';

/** Keeps a model list just read as the last good one of its key, for all workers. */
export async function storeModels(
  sql: Sql,
  keyId: string,
  companyId: string | null,
  models: readonly ListedModel[],
): Promise<void> {
  await sql.query(
    `INSERT INTO model_lists (key_id, company_id, models, fetched_at) VALUES ($1, $2, $3, now())
     ON CONFLICT (key_id) DO UPDATE SET models = excluded.models, fetched_at = now(), tried_at = now(), error = NULL`,
    [keyId, companyId, JSON.stringify(models)],
  );
}
