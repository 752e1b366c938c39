import { OwnkeyError } from '@ownkey/contract/errors';
import { first, type Sql } from '../../storage/database.ts';
import { recordEvent } from '../audit/record.ts';
import { readAmount } from '../caps/amounts.ts';

/** What a company's plan allows. A change reaches the very next call: it moves the installation's version. */
export interface PlanRow {
  id: string;
  name: string;
  byok: boolean;
  byok_providers: string[] | null;
  personal_keys: boolean;
  platform_models: string[] | null;
  credits_nano_usd: string | null;
  requests_per_minute: number | null;
  concurrent_requests: number | null;
  upgrade_url: string | null;
  position: number;
  companies: number;
}

const COLUMNS = `id, name, byok, byok_providers, personal_keys, platform_models, credits_nano_usd, requests_per_minute,
  concurrent_requests, upgrade_url, position`;
const COUNTED = `${COLUMNS}, (SELECT count(*)::int FROM companies c WHERE c.plan = plans.id) AS companies`;

export interface WantedPlan {
  readonly name?: string | undefined;
  readonly byok?: boolean | undefined;
  readonly byok_providers?: string[] | null | undefined;
  readonly personal_keys?: boolean | undefined;
  readonly platform_models?: string[] | null | undefined;
  readonly credits_usd?: string | number | null | undefined;
  readonly requests_per_minute?: number | null | undefined;
  readonly concurrent_requests?: number | null | undefined;
  readonly upgrade_url?: string | null | undefined;
  readonly position?: number | undefined;
}

export function findPlan(sql: Sql, id: string): Promise<PlanRow | null> {
  return first(sql, `SELECT ${COUNTED} FROM plans WHERE id = $1`, [id]);
}

export function listPlans(sql: Sql, after: string, limit: number): Promise<PlanRow[]> {
  return sql.rows(`SELECT ${COUNTED} FROM plans WHERE id > $1 ORDER BY id LIMIT $2`, [after, limit]);
}

/** Members not named stay; in a new plan they are: no own keys, every platform model, no limit. */
export async function putPlan(
  sql: Sql,
  id: string,
  wanted: WantedPlan,
  actor: string,
): Promise<{ plan: PlanRow; created: boolean }> {
  const existing = await findPlan(sql, id);
  const base: Omit<PlanRow, 'companies'> = existing ?? {
    id,
    name: id,
    byok: false,
    byok_providers: null,
    personal_keys: true,
    platform_models: null,
    credits_nano_usd: null,
    requests_per_minute: null,
    concurrent_requests: null,
    upgrade_url: null,
    position: 0,
  };
  const { credits_usd, ...named } = wanted;
  const given = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  const next: Omit<PlanRow, 'companies'> = { ...base, ...given };
  if (credits_usd !== undefined)
    next.credits_nano_usd = credits_usd === null ? null : readAmount(credits_usd, 'credits_usd').toString();
  await sql.rows(
    `INSERT INTO plans (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, byok = excluded.byok, byok_providers = excluded.byok_providers,
       personal_keys = excluded.personal_keys, platform_models = excluded.platform_models,
       credits_nano_usd = excluded.credits_nano_usd, requests_per_minute = excluded.requests_per_minute,
       concurrent_requests = excluded.concurrent_requests, upgrade_url = excluded.upgrade_url, position = excluded.position`,
    [
      id,
      next.name,
      next.byok,
      next.byok_providers,
      next.personal_keys,
      next.platform_models,
      next.credits_nano_usd,
      next.requests_per_minute,
      next.concurrent_requests,
      next.upgrade_url,
      next.position,
    ],
  );
  const changed = Object.keys(wanted).filter((field) => Reflect.get(wanted, field) !== undefined);
  await recordEvent(sql, {
    company: null,
    kind: 'plan.changed',
    actor,
    data: { plan: id, created: !existing, changed },
  });
  return { plan: { ...next, companies: existing?.companies ?? 0 }, created: existing === null };
}

/** @throws OwnkeyError conflict.in_use while a company is on it, not_found */
export async function removePlan(sql: Sql, id: string, actor: string): Promise<void> {
  const plan = await findPlan(sql, id);
  if (plan === null) throw new OwnkeyError('not_found');
  if (plan.companies > 0)
    throw new OwnkeyError('conflict.in_use', { what: `The plan ${plan.name}`, count: `${plan.companies} companies` });
  await sql.rows('DELETE FROM plans WHERE id = $1', [id]);
  await recordEvent(sql, { company: null, kind: 'plan.changed', actor, data: { plan: id, removed: true } });
}
