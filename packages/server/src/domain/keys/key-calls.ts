import type { Job } from '@ownkey/contract/api/jobs';
import type { KeyTested } from '@ownkey/contract/api/keys';
import { OwnkeyError } from '@ownkey/contract/errors';
import type { JobKind } from '@ownkey/contract/jobs';
import { CUSTOM_PROVIDER } from '@ownkey/contract/key';
import { type KeyRow, type KeyView, keyView } from '@ownkey/contract/key-view';
import type { Catalogue } from '@ownkey/providers/catalogue';
import { DetailedError } from '../../platform/detailed-error.ts';
import type { Database, Sql } from '../../storage/database.ts';
import type { JobSignals } from '../../storage/job-signals.ts';
import { awaitJob, findJob, inScope, type JobRow, type NewJob, orderJob } from '../jobs/jobs.ts';
import { findActorNames } from '../members/actor-names.ts';
import { failureOf, jobView, testedOf } from './outcome.ts';
import { isByokAllowed, listPlatformKeys, type PayerState, readPayerState } from './payer.ts';
import { findKey, type KeyScope } from './store.ts';

/** Who works on keys: `companyId` null = the operator, on platform keys. */
export interface KeyCaller extends KeyScope {
  readonly role: 'admin' | 'member';
  readonly actor: string;
}

export interface KeyParts {
  readonly database: Database;
  readonly signals: JobSignals;
  readonly catalogue: Catalogue;
}

/** How a connect, test or replace ended: its answer, or the job where it still runs. */
export type Outcome = { readonly done: KeyTested } | { readonly pending: Job };

/** Reads or writes within what the caller may see. */
export function within<T>(parts: KeyParts, caller: KeyScope, work: (sql: Sql) => Promise<T>): Promise<T> {
  return inScope(parts.database, caller.companyId)(work);
}

/** Keys as this caller sees them: members do not read what providers said about company keys. */
export async function viewKeys(sql: Sql, rows: readonly KeyRow[], caller: KeyCaller): Promise<KeyView[]> {
  const name = await findActorNames(
    sql,
    rows.flatMap((row) => [row.created_by, row.changed_by]),
  );
  return rows.map((row) => {
    const view = keyView({ ...row, created_by: name(row.created_by), changed_by: name(row.changed_by) });
    if (caller.role === 'admin' || row.owner === 'user' || view.status_detail === null) return view;
    const { provider_message: _, ...detail } = view.status_detail;
    return { ...view, status_detail: detail };
  });
}

export async function viewKey(sql: Sql, row: KeyRow, caller: KeyCaller): Promise<KeyView> {
  const [view] = await viewKeys(sql, [row], caller);
  if (view === undefined) throw new OwnkeyError('not_found');
  return view;
}

/** @throws OwnkeyError not_found for what is not there and what is not the caller's */
export async function needKey(sql: Sql, caller: KeyScope, id: string, lock: '' | 'FOR UPDATE' = ''): Promise<KeyRow> {
  const row = await findKey(sql, caller, id, lock);
  if (row === null) throw new OwnkeyError('not_found');
  return row;
}

/** Members change their own keys alone. @throws OwnkeyError not_found, auth.role */
export async function needOwnKey(
  sql: Sql,
  caller: KeyCaller,
  id: string,
  lock: '' | 'FOR UPDATE' = '',
): Promise<KeyRow> {
  const row = await needKey(sql, caller, id, lock);
  if (caller.role !== 'admin' && row.owner !== 'user') throw new OwnkeyError('auth.role');
  return row;
}

/** What decides who pays here. Platform keys belong to no company and are read apart. */
export async function readState(parts: KeyParts, companyId: string): Promise<PayerState> {
  const platformKeys = await parts.database.everywhere(listPlatformKeys);
  return parts.database.tenant(companyId, (sql) => readPayerState(sql, companyId, platformKeys));
}

/** A test is an AI call, and an own key must be part of the plan. @throws OwnkeyError ai.consent_off, plan.upgrade_required */
export function assertMayTest(state: PayerState, provider: string, providerName: string, personal: boolean): void {
  if (!state.company.ai_enabled) throw new OwnkeyError('ai.consent_off');
  const personalAllowed = state.plan.personal_keys && state.company.settings.personal_keys;
  if (isByokAllowed(state, provider) && (!personal || state.plan.personal_keys)) {
    if (personal && !personalAllowed) throw new OwnkeyError('auth.role');
    return;
  }
  throw new OwnkeyError('plan.upgrade_required', {
    provider: providerName,
    plan: state.plan.name,
    upgrade_url: state.plan.upgrade_url,
  });
}

/** Orders the job and waits for it, or answers at once where the caller prefers that. @throws what the job failed with */
export async function runKeyJob<K extends JobKind>(
  parts: KeyParts,
  caller: KeyCaller,
  job: Omit<NewJob<K>, 'companyId' | 'actor'>,
  how: { readonly async: boolean; readonly gone: AbortSignal },
): Promise<Outcome> {
  const { companyId, actor } = caller;
  const id = await within(parts, caller, (sql) => orderJob(sql, { ...job, companyId, actor }));
  if (how.async) return { pending: await readJob(parts, caller, id) };
  const row = await awaitJob(parts.database, parts.signals, companyId, id, how.gone);
  if (row.state === 'failed') {
    const { code, facts, members } = failureOf(row);
    throw new DetailedError(code, facts, members);
  }
  if (row.state !== 'done') return { pending: jobView(row, null, parts.catalogue) };
  return { done: testedOf(row, await keyOfJob(parts, caller, row), parts.catalogue) };
}

/** A job of the caller: of their company, and of nobody else's personal key. @throws OwnkeyError not_found */
export async function readJob(parts: KeyParts, caller: KeyCaller, id: string): Promise<Job> {
  const row = await within(parts, caller, (sql) => findJob(sql, id));
  if (row === null || row.company_id !== caller.companyId) throw new OwnkeyError('not_found');
  const isForeign = row.kind === 'key.connect' && row.payload.user_id !== null && row.payload.user_id !== caller.userId;
  if (isForeign) throw new OwnkeyError('not_found');
  const key = await keyOfJob(parts, caller, row);
  // The key of a test or replacement must be visible; of a connect, whoever ordered it may follow it.
  if (key === null && row.kind !== 'key.connect' && 'key_id' in row.payload) throw new OwnkeyError('not_found');
  return jobView(row, key, parts.catalogue);
}

async function keyOfJob(parts: KeyParts, caller: KeyCaller, row: JobRow): Promise<KeyView | null> {
  const { payload } = row;
  if (!('key_id' in payload) || (row.kind === 'key.connect' && !row.payload.save)) return null;
  return within(parts, caller, async (sql) => {
    const key = await findKey(sql, caller, payload.key_id);
    return key === null ? null : viewKey(sql, key, caller);
  });
}

/** How errors call a key's provider. */
export function providerName(catalogue: Catalogue, key: Pick<KeyRow, 'provider' | 'slug'>): string {
  const name = key.provider === CUSTOM_PROVIDER ? key.slug : catalogue.entries.get(key.provider)?.name;
  return name ?? key.provider;
}
