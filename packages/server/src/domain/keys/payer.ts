import type { FallbackState } from '@ownkey/contract/api/providers';
import { type CompanySettings, readCompanySettings } from '@ownkey/contract/company-settings';
import { OwnkeyError } from '@ownkey/contract/errors';
import type { FallbackReason } from '@ownkey/contract/fallback';
import type { KeyRow } from '@ownkey/contract/key-view';
import { KEY_COLUMNS } from '@ownkey/contract/key-view';
import type { Policies } from '@ownkey/contract/policies';
import {
  decideFallback,
  decideSource,
  findSource,
  type SourceDecision,
  type SourceInput,
  type SourceKey,
  type SourceRow,
} from '@ownkey/policy/decide-source';
import { first, type Sql } from '../../storage/database.ts';
import { readStoredPolicies } from '../policies/policies.ts';

/** What decides who pays in one company, read in one transaction. The worker decides by the same function. */
export interface PayerState {
  readonly company: { id: string; ai_enabled: boolean; zero_retention: boolean; settings: CompanySettings };
  readonly plan: {
    id: string;
    name: string;
    byok: boolean;
    byok_providers: string[] | null;
    personal_keys: boolean;
    platform_models: string[] | null;
    upgrade_url: string | null;
  };
  /** Every key of the company, personal ones of everybody too: never shown from here. */
  readonly keys: readonly KeyRow[];
  readonly platformKeys: readonly KeyRow[];
  readonly sources: readonly StoredSource[];
  readonly policies: Policies;
  /** Models chosen for operations; '' = for all others. */
  readonly operationModels: ReadonlyMap<string, string>;
  /** Own keys for which the shared key answers now, and why. */
  readonly fallbacks: ReadonlyMap<string, FallbackReason>;
}

export interface StoredSource {
  provider: string;
  account: string;
  operation: string;
  source: 'own' | 'platform';
  on_failure: 'stop' | 'platform';
  row_version: string;
  changed_by: string | null;
  changed_at: Date;
}

export const SOURCE_COLUMNS = 'provider, account, operation, source, on_failure, row_version, changed_by, changed_at';

export interface PayerKey extends SourceKey {
  readonly row: KeyRow;
}

type CompanyRow = Omit<PayerState['company'], 'settings'> & { settings: Record<string, unknown>; plan: string };

/** `platformKeys` are read apart: they belong to no company. */
export async function readPayerState(
  sql: Sql,
  companyId: string,
  platformKeys: readonly KeyRow[],
): Promise<PayerState> {
  const company = await first<CompanyRow>(
    sql,
    'SELECT id, ai_enabled, zero_retention, settings, plan FROM companies WHERE id = $1',
    [companyId],
  );
  if (company === null) throw new OwnkeyError('not_found');
  const plan = await first<PayerState['plan']>(
    sql,
    'SELECT id, name, byok, byok_providers, personal_keys, platform_models, upgrade_url FROM plans WHERE id = $1',
    [company.plan],
  );
  if (plan === null) throw new OwnkeyError('internal', {}, 'company without a plan');
  const keys = await sql.rows<KeyRow>(
    `SELECT ${KEY_COLUMNS} FROM keys WHERE company_id = $1 ORDER BY position, id LIMIT 5000`,
    [companyId],
  );
  const sources = await sql.rows<StoredSource>(
    `SELECT ${SOURCE_COLUMNS} FROM sources WHERE company_id = $1 LIMIT 5000`,
    [companyId],
  );
  // Index: notices_open.
  const fallbacks = await sql.rows<{ key_id: string; reason: FallbackReason }>(
    "SELECT key_id, reason FROM notices WHERE company_id = $1 AND kind = 'fallback' AND ended_at IS NULL",
    [companyId],
  );
  const settings = readCompanySettings(company.settings);
  const chosen = await sql.rows<{ operation: string; model: string }>(
    'SELECT operation, model FROM operation_models WHERE company_id = $1 LIMIT 5000',
    [companyId],
  );
  return {
    operationModels: new Map(chosen.map(({ operation, model }) => [operation, model])),
    company: { ...company, settings },
    plan,
    keys,
    platformKeys,
    sources,
    policies: await readStoredPolicies(sql),
    fallbacks: new Map(fallbacks.map(({ key_id, reason }) => [key_id, reason])),
  };
}

export function listPlatformKeys(sql: Sql): Promise<KeyRow[]> {
  return sql.rows(`SELECT ${KEY_COLUMNS} FROM keys WHERE owner = 'platform' ORDER BY position, id LIMIT 1000`);
}

export interface PayerCall {
  slug: string;
  provider: string;
  providerName: string;
  user: string | null;
  model?: string | null;
  account?: string | null;
  operation?: string | null;
}

/** Whose key would pay the next call of `slug` for this user; of any model where none is named. `without` leaves one key out, as if it were removed. */
export function decidePayer(
  state: PayerState,
  call: PayerCall,
  without: string | null = null,
): SourceDecision<PayerKey> {
  return decideSource(inputOf(state, call, without));
}

/** What follows when an own key fails there, by the row that counts, and what would bar the shared key whatever was chosen. */
export function decideFollowing(state: PayerState, call: PayerCall): FallbackState {
  const input = inputOf(state, call, null);
  const inForce = decideFallback(input, findSource(input));
  const ifChosen = decideFallback(input, { onFailure: 'platform' });
  return {
    follows: inForce.kind,
    because: inForce.kind === 'platform' ? null : inForce.because,
    choice: state.policies.on_failure.choice,
    barred: ifChosen.kind === 'platform' || ifChosen.because === 'chosen' ? null : ifChosen.because,
  };
}

function inputOf(state: PayerState, call: PayerCall, without: string | null): SourceInput<PayerKey> {
  const toKey = (row: KeyRow): PayerKey => ({
    id: row.id,
    owner: row.owner,
    userId: row.user_id,
    enabled: row.enabled,
    position: row.position,
    allowedModels: row.allowed_models,
    allowedUsers: row.allowed_users,
    zeroRetention: row.zero_retention,
    status: row.status,
    row,
  });
  const { plan } = state;
  return {
    ...call,
    model: call.model ?? null,
    account: call.account ?? null,
    operation: call.operation ?? null,
    zeroRetention: state.company.zero_retention,
    policies: state.policies,
    aiEnabled: true,
    personalKeysAllowed: state.company.settings.personal_keys,
    plan: {
      name: plan.name,
      byok: plan.byok,
      byokProviders: plan.byok_providers,
      personalKeys: plan.personal_keys,
      platformModels: plan.platform_models,
      upgradeUrl: plan.upgrade_url,
    },
    ownKeys: state.keys.filter((row) => (row.slug ?? row.provider) === call.slug && row.id !== without).map(toKey),
    platformKeys: state.platformKeys.filter((row) => row.provider === call.slug).map(toKey),
    sources: state.sources.map(
      (row): SourceRow => ({
        slug: row.provider,
        account: row.account,
        operation: row.operation,
        source: row.source,
        onFailure: row.on_failure,
      }),
    ),
  };
}

/** Whether the plan lets the company connect an own key for this catalogue id (or 'custom'). */
export function isByokAllowed({ plan }: PayerState, provider: string): boolean {
  return plan.byok && (plan.byok_providers === null || plan.byok_providers.includes(provider));
}
