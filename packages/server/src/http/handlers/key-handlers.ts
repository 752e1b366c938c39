import type { Job } from '@ownkey/contract/api/jobs';
import type { KeyConnectBody, KeyPatchBody, KeyTested, PlatformKeyPatchBody } from '@ownkey/contract/api/keys';
import { OwnkeyError } from '@ownkey/contract/errors';
import type { JobPayloads } from '@ownkey/contract/jobs';
import { CUSTOM_PROVIDER, PLATFORM_OWNER } from '@ownkey/contract/key';
import { resolveProvider } from '@ownkey/providers/catalogue';
import { changeKey } from '../../domain/keys/change.ts';
import { assertContext, planConnect, readContext } from '../../domain/keys/connect.ts';
import {
  assertMayTest,
  type KeyCaller,
  needKey,
  needOwnKey,
  type Outcome,
  providerName,
  readState,
  runKeyJob,
  viewKey,
  viewKeys,
  within,
} from '../../domain/keys/key-calls.ts';
import { type PayerState, readPayerState } from '../../domain/keys/payer.ts';
import { assertKeyUnchanged, type NextPayer, removeKey } from '../../domain/keys/remove.ts';
import { KEY_POSITION, keyPosition, listKeys } from '../../domain/keys/store.ts';
import { assertMayChoose } from '../../domain/sources/change.ts';
import { companyWide, followingAt } from '../../domain/sources/sources.ts';
import { PAGE_SIZE, pageOf, readCursor } from '../cursor.ts';
import type { Parts } from './parts.ts';

/** What company keys and platform keys have in common: the same calls, for a company or for the operator. */

export interface JobHeaders {
  readonly 'if-match'?: string | undefined;
  readonly 'idempotency-key'?: string | undefined;
  readonly prefer?: string | undefined;
}

type Tested =
  | { status: 200; body: KeyTested; headers?: Record<string, string> }
  | { status: 202; body: { job: Job }; headers: Record<string, string> };

export async function listKeyPage(
  parts: Parts,
  caller: KeyCaller,
  query: {
    cursor?: string | undefined;
    limit?: number | undefined;
    provider?: string | undefined;
    scope?: 'company' | 'user' | undefined;
  },
) {
  const after = readCursor(query.cursor, KEY_POSITION);
  const limit = query.limit ?? PAGE_SIZE;
  const named = query.provider;
  const provider = named === undefined ? undefined : (resolveProvider(parts.catalogue, named)?.id ?? named);
  return within(parts, caller, async (sql) => {
    const rows = await listKeys(sql, caller, { provider, owner: query.scope }, after, limit + 1);
    const views = await viewKeys(sql, rows, caller);
    const page = pageOf(rows, limit, (row) => row, keyPosition);
    return { status: 200 as const, body: { data: views.slice(0, limit), next_cursor: page.next_cursor } };
  });
}

export function readOneKey(parts: Parts, caller: KeyCaller, id: string) {
  return within(parts, caller, async (sql) => {
    const body = await viewKey(sql, await needKey(sql, caller, id), caller);
    return { status: 200 as const, body, headers: { etag: body.etag } };
  });
}

export async function connectKey(
  parts: Parts,
  caller: KeyCaller,
  body: KeyConnectBody,
  headers: JobHeaders,
  gone: AbortSignal,
): Promise<Tested | { status: 201; body: KeyTested; headers?: Record<string, string> }> {
  const personal = body.scope === 'user';
  const isPlatform = caller.companyId === null;
  if (isPlatform && body.scope !== undefined)
    throw new OwnkeyError('request.invalid', { problem: 'scope: a shared key has none.', param: 'scope' });
  if (personal && caller.userId === null)
    throw new OwnkeyError('request.invalid', { problem: 'scope: name the person (x-ownkey-user).', param: 'scope' });
  if (!personal && caller.role !== 'admin') throw new OwnkeyError('auth.role');
  const state = caller.companyId === null ? null : await readState(parts, caller.companyId);
  if (state !== null) assertMayConnect(parts, state, body.provider, personal);
  const planned = planConnect(
    body,
    {
      owner: isPlatform ? 'platform' : personal ? 'user' : 'company',
      companyId: caller.companyId,
      userId: caller.userId,
    },
    {
      catalogue: parts.catalogue,
      egress: parts.egress,
      nowS: Math.floor(Date.now() / 1000),
    },
  );
  const { provider, slug, on_failure } = planned.payload;
  if (state !== null && on_failure !== null) {
    const place = companyWide({ slug: slug ?? provider, custom: provider === CUSTOM_PROVIDER });
    assertMayChoose(followingAt(state, place), on_failure);
  }
  const job = { kind: 'key.connect' as const, payload: planned.payload, sealed: planned.sealed };
  const answer = answerOf(await order(parts, caller, job, headers, gone), caller);
  return answer.status === 200 && answer.body.id !== null && answer.body.stored ? { ...answer, status: 201 } : answer;
}

/** Plan and consent come before the key is looked at; an unknown provider is left to the next check. */
function assertMayConnect(parts: Parts, state: PayerState, provider: string, personal: boolean): void {
  const entry = resolveProvider(parts.catalogue, provider);
  const id = entry?.id ?? (provider.toLowerCase() === CUSTOM_PROVIDER ? CUSTOM_PROVIDER : null);
  if (id !== null) assertMayTest(state, id, entry?.name ?? 'a custom endpoint', personal);
}

export async function testKey(
  parts: Parts,
  caller: KeyCaller,
  id: string,
  headers: JobHeaders,
  gone: AbortSignal,
): Promise<Tested> {
  const key = await within(parts, caller, (sql) => needOwnKey(sql, caller, id));
  if (caller.companyId !== null && !(await readState(parts, caller.companyId)).company.ai_enabled)
    throw new OwnkeyError('ai.consent_off');
  const job = { kind: 'key.test' as const, payload: { key_id: key.id }, sealed: null };
  return answerOf(await order(parts, caller, job, headers, gone), caller);
}

export async function replaceKey(
  parts: Parts,
  caller: KeyCaller,
  id: string,
  body: { sealed_key: string; keep?: boolean | undefined },
  headers: JobHeaders,
  gone: AbortSignal,
): Promise<Tested> {
  const key = await within(parts, caller, async (sql) => {
    const row = await needOwnKey(sql, caller, id);
    await assertKeyUnchanged(sql, row, headers['if-match'] ?? null);
    return row;
  });
  const context = readContext(body.sealed_key);
  const bound = {
    company: caller.companyId ?? PLATFORM_OWNER,
    user: key.user_id,
    provider: key.provider,
    key_id: key.id,
    destination: key.destination,
  };
  assertContext(context, bound, Math.floor(Date.now() / 1000));
  if (caller.companyId !== null) {
    const state = await readState(parts, caller.companyId);
    assertMayTest(state, key.provider, providerName(parts.catalogue, key), key.owner === 'user');
  }
  const payload = { key_id: key.id, keep: body.keep ?? false };
  const job = { kind: 'key.replace' as const, payload, sealed: body.sealed_key };
  return answerOf(await order(parts, caller, job, headers, gone), caller);
}

export function patchKey(
  parts: Parts,
  caller: KeyCaller,
  id: string,
  body: KeyPatchBody | PlatformKeyPatchBody,
  ifMatch: string | undefined,
) {
  return within(parts, caller, async (sql) => {
    const key = await needOwnKey(sql, caller, id, 'FOR UPDATE');
    await assertKeyUnchanged(sql, key, ifMatch ?? null);
    if (Object.keys(body).length > 0) await changeKey(sql, caller.companyId, key, body, caller.actor);
    const view = await viewKey(sql, await needKey(sql, caller, id), caller);
    return { status: 200 as const, body: view, headers: { etag: view.etag } };
  });
}

/** @returns who pays from now on, and when the key went */
export async function deleteOneKey(
  parts: Parts,
  caller: KeyCaller,
  id: string,
  ifMatch: string | undefined,
): Promise<{ nextPayer: NextPayer; at: Date }> {
  const { companyId } = caller;
  // Read before the transaction that removes: platform keys belong to no company and are out of its sight.
  const platformKeys = companyId === null ? [] : (await readState(parts, companyId)).platformKeys;
  return within(parts, caller, async (sql) => {
    // One removal of a company at a time: of two last keys removed at once, the second must see the first gone.
    await sql.rows('SELECT pg_advisory_xact_lock(hashtext($1))', [`ownkey.keys ${companyId}`]);
    const key = await needOwnKey(sql, caller, id, 'FOR UPDATE');
    await assertKeyUnchanged(sql, key, ifMatch ?? null);
    const state = companyId === null ? null : await readPayerState(sql, companyId, platformKeys);
    const nextPayer = await removeKey(sql, state, key, caller.actor, providerName(parts.catalogue, key));
    return { nextPayer, at: new Date() };
  });
}

function order<K extends 'key.connect' | 'key.test' | 'key.replace'>(
  parts: Parts,
  caller: KeyCaller,
  job: { readonly kind: K; readonly payload: JobPayloads[K]; readonly sealed: string | null },
  headers: JobHeaders,
  gone: AbortSignal,
): Promise<Outcome> {
  const isAsync = /(?:^|[,;\s])respond-async(?:$|[,;\s])/i.test(headers.prefer ?? '');
  const idempotencyKey = headers['idempotency-key'] ?? null;
  return runKeyJob(parts, caller, { ...job, idempotencyKey }, { async: isAsync, gone });
}

function answerOf(outcome: Outcome, caller: KeyCaller): Tested {
  if ('done' in outcome) return { status: 200, body: outcome.done, headers: { etag: outcome.done.etag } };
  const path = caller.companyId === null ? '/api/operator/jobs' : '/api/jobs';
  return { status: 202, body: { job: outcome.pending }, headers: { location: `${path}/${outcome.pending.id}` } };
}
