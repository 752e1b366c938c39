import { newId } from '@ownkey/contract/ids';
import type { KeyOwner, KeyStatus } from '@ownkey/contract/key';
import { readPolicies } from '@ownkey/contract/policies';
import type { SourceRow } from '@ownkey/policy/decide-source';
import {
  CAP_COLUMNS,
  type CapRecord,
  PRICE_COLUMNS,
  type PriceLoader,
  type PriceRecord,
  toCap,
  toPrice,
} from './load-spend.ts';
import {
  type CompanySnapshot,
  type InstallationSnapshot,
  type Plan,
  type StoredKey,
  slugOf,
  type TokenRecord,
} from './snapshot.ts';

/** What the loaders need of a pool: single statements, so that each load sees one moment of the database. */
export interface Sql {
  query<Row extends object>(
    text: string,
    values: readonly unknown[],
  ): Promise<{ rows: Row[]; rowCount: number | null }>;
}

interface KeyRow {
  id: string;
  owner: KeyOwner;
  user_id: string | null;
  provider: string;
  slug: string | null;
  preset: string | null;
  base_url: string | null;
  destination: string;
  keyless: boolean;
  last4: string | null;
  enabled: boolean;
  position: number;
  allowed_models: string[] | null;
  allowed_users: string[] | null;
  zero_retention: boolean;
  status: KeyStatus;
  version: number;
  tested_at: string | null;
}

const KEY_COLUMNS = `id, owner, user_id, provider, slug, preset, base_url, destination, keyless, last4, enabled, position,
  allowed_models, allowed_users, zero_retention, status, version, tested_at`;

/** Plans, platform keys, policies and the version they belong to, in one statement. `prices`: as `PriceLoader` keeps them. */
export async function loadInstallation(sql: Sql, prices: PriceLoader): Promise<InstallationSnapshot> {
  const { rows } = await sql.query<{
    version: string;
    prices_version: string;
    clock_ms: string;
    settings: Record<string, unknown>;
    plans: PlanRow[] | null;
    keys: KeyRow[] | null;
  }>(
    `SELECT config_version::text AS version, prices_version::text, settings,
       (extract(epoch FROM ledger_now()) * 1000)::bigint::text AS clock_ms, (SELECT json_agg(p) FROM plans p) AS plans,
       (SELECT json_agg(k) FROM (SELECT ${KEY_COLUMNS} FROM keys WHERE owner = 'platform') k) AS keys
     FROM installation`,
    [],
  );
  const [row] = rows;
  if (!row) throw new Error('the table installation is empty: the database is not migrated');
  return {
    version: Number(row.version),
    plans: new Map((row.plans ?? []).map((plan) => [plan.id, toPlan(plan)])),
    platformKeys: bySlug(row.keys ?? []),
    policies: readPolicies(row.settings),
    clockOffsetMs: Number(row.clock_ms) - Date.now(),
    prices: await prices.book(row.prices_version),
  };
}

interface PlanRow {
  id: string;
  name: string;
  byok: boolean;
  byok_providers: string[] | null;
  personal_keys: boolean;
  platform_models: string[] | null;
  upgrade_url: string | null;
  credits_nano_usd: number | null;
  requests_per_minute: number | null;
  concurrent_requests: number | null;
}

function toPlan(row: PlanRow): Plan {
  return {
    id: row.id,
    name: row.name,
    byok: row.byok,
    byokProviders: row.byok_providers,
    personalKeys: row.personal_keys,
    platformModels: row.platform_models,
    upgradeUrl: row.upgrade_url,
    creditsNanoUsd: row.credits_nano_usd === null ? null : BigInt(row.credits_nano_usd),
    requestsPerMinute: row.requests_per_minute,
    concurrentRequests: row.concurrent_requests,
  };
}

/** One company by our id or the host's (ours wins), with its keys and sources, in one statement; null = there is none. */
export async function loadCompany(sql: Sql, name: string): Promise<CompanySnapshot | null> {
  const { rows } = await sql.query<{
    id: string;
    external_id: string | null;
    name: string;
    plan: string;
    ai_enabled: boolean;
    zero_retention: boolean;
    settings: Record<string, unknown>;
    version: string;
    keys: KeyRow[] | null;
    sources:
      | {
          provider: string;
          account: string;
          operation: string;
          source: 'own' | 'platform';
          on_failure: 'stop' | 'platform';
        }[]
      | null;
    noticed: string[] | null;
    operation_models: Record<string, string> | null;
    caps: CapRecord[] | null;
    prices: PriceRecord[] | null;
  }>(
    `SELECT c.id, c.external_id, c.name, c.plan, c.ai_enabled, c.zero_retention, c.settings, c.config_version::text AS version,
       (SELECT json_agg(k) FROM (SELECT ${KEY_COLUMNS} FROM keys WHERE company_id = c.id) k) AS keys,
       (SELECT json_agg(s) FROM (SELECT provider, account, operation, source, on_failure FROM sources WHERE company_id = c.id) s) AS sources,
       (SELECT json_object_agg(o.operation, o.model) FROM operation_models o WHERE o.company_id = c.id) AS operation_models,
       (SELECT array_agg(DISTINCT n.key_id) FROM notices n WHERE n.company_id = c.id AND n.ended_at IS NULL) AS noticed,
       (SELECT json_agg(a) FROM (SELECT ${CAP_COLUMNS} FROM caps WHERE company_id = c.id) a) AS caps,
       (SELECT json_agg(p) FROM (SELECT ${PRICE_COLUMNS} FROM prices WHERE company_id = c.id ORDER BY valid_from DESC) p) AS prices
     FROM companies c WHERE c.id = $1 OR c.external_id = $1 ORDER BY (c.id = $1) DESC LIMIT 1`,
    [name],
  );
  const [row] = rows;
  if (!row) return null;
  return {
    id: row.id,
    externalId: row.external_id,
    name: row.name,
    planId: row.plan,
    aiEnabled: row.ai_enabled,
    zeroRetention: row.zero_retention,
    personalKeysAllowed: row.settings.personal_keys !== false,
    version: Number(row.version),
    ownKeys: bySlug(row.keys ?? []),
    sources: (row.sources ?? []).map(
      (source): SourceRow => ({
        slug: source.provider,
        account: source.account,
        operation: source.operation,
        source: source.source,
        onFailure: source.on_failure,
      }),
    ),
    operationModels: new Map(Object.entries(row.operation_models ?? {})),
    keysInNotice: new Set(row.noticed),
    caps: (row.caps ?? []).map(toCap),
    prices: (row.prices ?? []).map(toPrice),
    blockUnpriced: row.settings.block_unpriced_models === true,
    users: new Map(),
  };
}

function bySlug(rows: readonly KeyRow[]): Map<string, StoredKey[]> {
  const keys = new Map<string, StoredKey[]>();
  for (const row of rows) {
    const key: StoredKey = {
      id: row.id,
      owner: row.owner,
      userId: row.user_id,
      provider: row.provider,
      slug: row.slug,
      preset: row.preset,
      baseUrl: row.base_url,
      destination: row.destination,
      keyless: row.keyless,
      last4: row.last4,
      enabled: row.enabled,
      position: row.position,
      allowedModels: row.allowed_models,
      allowedUsers: row.allowed_users,
      zeroRetention: row.zero_retention,
      status: row.status,
      version: row.version,
      testedAt: row.tested_at,
    };
    const slug = slugOf(key);
    const list = keys.get(slug);
    if (list) list.push(key);
    else keys.set(slug, [key]);
  }
  return keys;
}

/**
 * The token with this SHA-256 and the versions of the same moment; null = there is none. Expiry is the caller's to check: it
 * passes without any change here.
 */
export async function loadToken(sql: Sql, hash: Buffer): Promise<TokenRecord | null> {
  const { rows } = await sql.query<{
    id: string;
    company_id: string | null;
    user_id: string | null;
    scopes: string[];
    kind: 'token' | 'embed';
    expires_at: Date | null;
    requests_per_minute: number | null;
    concurrent_requests: number | null;
    company_version: string | null;
    installation_version: string;
  }>(
    `SELECT t.id, t.company_id, t.user_id, t.scopes, t.kind, t.expires_at, t.requests_per_minute, t.concurrent_requests, c.config_version::text AS company_version,
       i.config_version::text AS installation_version
     FROM tokens t CROSS JOIN installation i LEFT JOIN companies c ON c.id = t.company_id WHERE t.hash = $1`,
    [hash],
  );
  const [row] = rows;
  if (!row) return null;
  return {
    id: row.id,
    companyId: row.company_id,
    userId: row.user_id,
    scopes: row.scopes,
    kind: row.kind,
    expiresAt: row.expires_at?.getTime() ?? null,
    requestsPerMinute: row.requests_per_minute,
    concurrentRequests: row.concurrent_requests,
    companyVersion: row.company_version === null ? null : Number(row.company_version),
    installationVersion: Number(row.installation_version),
  };
}

/** Writes into the record that a token is used after its end: once a day, however often it is called. */
export async function noteExpiredUse(sql: Sql, tokenId: string): Promise<void> {
  await sql.query('SELECT note_expired_use($1)', [tokenId]);
}

/** Id of a user of the company by our id or the host's; null = there is none. */
export async function loadUser(sql: Sql, companyId: string, name: string): Promise<string | null> {
  const { rows } = await sql.query<{ id: string }>(
    `SELECT id FROM users WHERE company_id = $1 AND (id = $2 OR external_id = $2) ORDER BY (id = $2) DESC LIMIT 1`,
    [companyId, name],
  );
  return rows[0]?.id ?? null;
}

/** Creates a member with the host's id. Two at once make one user: the loser reads the winner's row. */
export async function createUser(sql: Sql, companyId: string, externalId: string): Promise<string | null> {
  await sql.query(
    `WITH made AS (
       INSERT INTO users (id, company_id, external_id) VALUES ($1, $2, $3)
       ON CONFLICT (company_id, external_id) DO NOTHING RETURNING id)
     INSERT INTO audit_events (company_id, kind, actor, user_id, data)
     SELECT $2, 'user.created', 'host', id, '{"by": "gateway"}' FROM made`,
    [newId('user'), companyId, externalId],
  );
  return loadUser(sql, companyId, externalId);
}

/** The versions now in force; company null = there is none any more. One indexed read. */
export async function loadVersions(
  sql: Sql,
  companyId: string,
): Promise<{ company: number | null; installation: number }> {
  const { rows } = await sql.query<{ company: string | null; installation: string }>(
    `SELECT (SELECT config_version FROM companies WHERE id = $1)::text AS company, config_version::text AS installation
     FROM installation`,
    [companyId],
  );
  const [row] = rows;
  if (!row) throw new Error('the table installation is empty: the database is not migrated');
  return { company: row.company === null ? null : Number(row.company), installation: Number(row.installation) };
}
