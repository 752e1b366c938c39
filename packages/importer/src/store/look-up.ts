/** What the database says about the rows of one batch. Reads alone. */
import type { Sql } from '@ownkey/worker/access/load';

/** A company that keys can be stored for, with what its plan allows. */
export interface ImportCompany {
  readonly id: string;
  readonly aiEnabled: boolean;
  readonly personalKeysAllowed: boolean;
  readonly plan: {
    readonly name: string;
    readonly byok: boolean;
    readonly byokProviders: readonly string[] | null;
    readonly personalKeys: boolean;
  };
}

interface CompanyRow {
  named: string;
  id: string;
  ai_enabled: boolean;
  settings: Record<string, unknown>;
  plan: string;
  byok: boolean;
  byok_providers: string[] | null;
  personal_keys: boolean;
}

/** Companies by the name the export gives them: our id or the host's, ours first. */
export async function findCompanies(sql: Sql, names: readonly string[]): Promise<ReadonlyMap<string, ImportCompany>> {
  const { rows } = await sql.query<CompanyRow>(
    `SELECT n.named, c.id, c.ai_enabled, c.settings, p.name AS plan, p.byok, p.byok_providers, p.personal_keys
     FROM unnest($1::text[]) AS n (named)
     CROSS JOIN LATERAL (SELECT * FROM companies WHERE id = n.named OR external_id = n.named
                         ORDER BY (id = n.named) DESC LIMIT 1) c
     JOIN plans p ON p.id = c.plan`,
    [[...new Set(names)]],
  );
  const companies = new Map<string, ImportCompany>();
  for (const { named, id, ai_enabled, settings, plan, byok, byok_providers, personal_keys } of rows) {
    companies.set(named, {
      id,
      aiEnabled: ai_enabled,
      personalKeysAllowed: settings.personal_keys !== false,
      plan: { name: plan, byok, byokProviders: byok_providers, personalKeys: personal_keys },
    });
  }
  return companies;
}

/** Users by company and name (our id or the host's), under `userName`. */
export async function findUsers(
  sql: Sql,
  wanted: readonly { readonly companyId: string; readonly name: string }[],
): Promise<ReadonlyMap<string, string>> {
  if (wanted.length === 0) return new Map();
  const { rows } = await sql.query<{ company_id: string; named: string; id: string }>(
    `SELECT n.company_id, n.named, u.id FROM unnest($1::text[], $2::text[]) AS n (company_id, named)
     CROSS JOIN LATERAL (SELECT id FROM users WHERE company_id = n.company_id AND (id = n.named OR external_id = n.named)
                         ORDER BY (id = n.named) DESC LIMIT 1) u`,
    [wanted.map(({ companyId }) => companyId), wanted.map(({ name }) => name)],
  );
  return new Map(rows.map((row) => [userName(row.company_id, row.named), row.id]));
}

export function userName(companyId: string, name: string): string {
  return `${companyId} ${name}`;
}

/** What became of the keys of earlier runs: those that are stored, and those that were stored and removed since. */
export async function findEarlier(
  sql: Sql,
  keyIds: readonly string[],
): Promise<{ readonly stored: ReadonlyMap<string, string | null>; readonly removed: ReadonlySet<string> }> {
  const stored = await sql.query<{ id: string; last4: string | null }>(
    'SELECT id, last4 FROM keys WHERE id = ANY($1)',
    [keyIds],
  );
  const removed = await sql.query<{ key_id: string }>('SELECT key_id FROM removed_keys WHERE key_id = ANY($1)', [
    keyIds,
  ]);
  return {
    stored: new Map(stored.rows.map(({ id, last4 }) => [id, last4])),
    removed: new Set(removed.rows.map(({ key_id }) => key_id)),
  };
}

/** Which of the slugs are taken, under `slugName`. */
export async function findTakenSlugs(
  sql: Sql,
  wanted: readonly { readonly companyId: string; readonly userId: string | null; readonly slug: string }[],
): Promise<ReadonlySet<string>> {
  if (wanted.length === 0) return new Set();
  const { rows } = await sql.query<{ company_id: string; user_id: string; slug: string }>(
    `SELECT k.company_id, coalesce(k.user_id, '') AS user_id, k.slug
     FROM unnest($1::text[], $2::text[], $3::text[]) AS n (company_id, user_id, slug)
     JOIN keys k ON k.company_id = n.company_id AND coalesce(k.user_id, '') = n.user_id AND k.slug = n.slug`,
    [wanted.map((one) => one.companyId), wanted.map((one) => one.userId ?? ''), wanted.map((one) => one.slug)],
  );
  return new Set(rows.map((row) => slugName(row.company_id, row.user_id, row.slug)));
}

export function slugName(companyId: string, userId: string | null, slug: string): string {
  return `${companyId} ${userId ?? ''} ${slug}`;
}
