/**
 * `POST /keys`: connects a key that comes in clear, for scripts and development. The same checks, limits, test and record as a
 * sealed key; the answer is that of `POST /api/keys`. Outside what is claimed about memory, and off in production.
 */

import type { ServerResponse } from 'node:http';
import { errorHeaders, problemBody } from '@ownkey/contract/error-shapes';
import { OwnkeyError } from '@ownkey/contract/errors';
import { RESPONSE_HEADERS } from '@ownkey/contract/headers';
import { newId } from '@ownkey/contract/ids';
import type { JobPayloads, JobResults } from '@ownkey/contract/jobs';
import { CUSTOM_PROVIDER } from '@ownkey/contract/key';
import { KEY_COLUMNS, type KeyRow, keyView } from '@ownkey/contract/key-view';
import { scrubFacts } from '@ownkey/guard/scrub-facts';
import { resolveProvider } from '@ownkey/providers/catalogue';
import type { Caller, CallerReader } from '../access/caller.ts';
import { BodyBudget, collectBody } from '../http/body.ts';
import { sendJson } from '../http/respond.ts';
import type { Route } from '../http/serve.ts';
import { type JobRunner, ProbeFailure } from '../jobs/job-runner.ts';
import { insertRunningJob, type TakenJob } from '../jobs/job-store.ts';
import type { StepLog } from '../jobs/step-log.ts';
import { liftClearKey } from './clear-key-body.ts';
import { connectKey } from './connect-key.ts';
import type { KeyParts } from './key-parts.ts';

const BODY_BYTES_MAX = 65_536;
const FIELDS = ['provider', 'slug', 'preset', 'base_url', 'label', 'scope', 'save', 'keep', 'on_failure', 'key_id'];

type Payload = JobPayloads['key.connect'];

export function createClearKeyRoute(parts: KeyParts, jobs: JobRunner, callers: CallerReader): Route {
  const budget = new BodyBudget(BODY_BYTES_MAX * 64);
  const limits = { bytesMax: BODY_BYTES_MAX, idleTimeoutMs: 10_000, timeoutMs: 30_000 };
  return async (request, response, { requestId, expectsContinue, asAnswered }) => {
    try {
      const caller = await callers.read(request.headers, 'keys:write', true);
      const held = await collectBody(request, response, limits, budget, expectsContinue);
      let lifted: ReturnType<typeof liftClearKey>;
      try {
        lifted = liftClearKey(held.bytes);
      } finally {
        held.release();
      }
      const answer = await connect(parts, jobs, caller, lifted);
      sendJson(response, answer.status, answer.body, { [RESPONSE_HEADERS.requestId]: requestId });
    } catch (failure) {
      const error = asAnswered(failure);
      if (!(error instanceof OwnkeyError)) throw error;
      answerProblem(response, error, requestId);
    }
  };
}

async function connect(
  parts: KeyParts,
  jobs: JobRunner,
  caller: Caller,
  { clearKey, rest }: ReturnType<typeof liftClearKey>,
): Promise<{ status: number; body: unknown }> {
  try {
    const payload = await planPayload(parts, caller, rest, clearKey === null);
    const companyId = caller.configuration.company.id;
    const job: TakenJob = {
      id: newId('job'),
      kind: 'key.connect',
      company_id: companyId,
      payload,
      actor: caller.token.id,
      attempts: 1,
      sealed: null,
    };
    await insertRunningJob(parts.sql, job);
    const connecting = { id: job.id, companyId, payload, actor: caller.token.id, sealed: null };
    const { result, steps } = await jobs.adopt(job, (log) => connectKey(parts, connecting, log, clearKey));
    return await answerOf(parts, payload, result, steps);
  } finally {
    clearKey?.fill(0);
  }
}

async function planPayload(
  parts: KeyParts,
  caller: Caller,
  fields: ReadonlyMap<string, unknown>,
  keyless: boolean,
): Promise<Payload> {
  for (const name of fields.keys())
    if (!FIELDS.includes(name)) throw invalid(name, `There is no field ${name.slice(0, 64)}.`);
  const text = (name: string): string | null => {
    const value = fields.get(name) ?? null;
    if (value === null || (typeof value === 'string' && value.length <= 2048)) return value;
    throw invalid(name, `${name}: a text.`);
  };
  const flag = (name: string, otherwise: boolean): boolean => {
    const value = fields.get(name) ?? otherwise;
    if (typeof value === 'boolean') return value;
    throw invalid(name, `${name}: true or false.`);
  };
  const provider = text('provider');
  if (provider === null) throw invalid('provider', 'provider: a provider of the catalogue, or "custom".');
  const custom = provider.toLowerCase() === CUSTOM_PROVIDER;
  if (keyless && !custom) throw invalid('key', 'key: the key to connect.');
  const scope = text('scope') ?? 'company';
  if (scope !== 'company' && scope !== 'user') throw invalid('scope', 'scope: company or user.');
  const onFailure = text('on_failure');
  if (onFailure !== null && onFailure !== 'stop' && onFailure !== 'platform') {
    throw invalid('on_failure', 'on_failure: stop or platform.');
  }
  const id = custom ? CUSTOM_PROVIDER : resolveProvider(parts.catalogue, provider)?.id;
  if (id === undefined)
    throw new OwnkeyError('provider.unknown', { provider: provider.slice(0, 64), param: 'provider' });
  await assertMayConnect(parts, caller, id, scope === 'user');
  return {
    key_id: text('key_id') ?? newId('key'),
    owner: scope,
    user_id: scope === 'user' ? caller.userId : null,
    provider: id,
    slug: text('slug'),
    preset: text('preset'),
    base_url: text('base_url'),
    label: text('label') ?? '',
    save: flag('save', true),
    keep: flag('keep', false),
    on_failure: onFailure,
    keyless,
  };
}

/** As the control plane decides it: consent, plan, and members connect keys of their own alone. */
async function assertMayConnect(parts: KeyParts, caller: Caller, provider: string, personal: boolean): Promise<void> {
  const { company, installation } = caller.configuration;
  if (!company.aiEnabled) throw new OwnkeyError('ai.consent_off');
  const plan = installation.plans.get(company.planId);
  const byok = plan?.byok && (plan.byokProviders === null || plan.byokProviders.includes(provider));
  if (!byok || (personal && !plan.personalKeys)) {
    const name = parts.targets.nameOf(provider);
    throw new OwnkeyError('plan.upgrade_required', {
      provider: name,
      plan: plan?.name ?? null,
      upgrade_url: plan?.upgradeUrl ?? null,
    });
  }
  if (personal && caller.userId === null) throw invalid('scope', 'A personal key belongs to a user: name one.');
  if (personal && !company.personalKeysAllowed) throw new OwnkeyError('auth.role');
  if (personal || caller.host || caller.userId === null) return;
  const { rows } = await parts.sql.query<{ role: string }>('SELECT role FROM users WHERE id = $1', [caller.userId]);
  if (rows[0]?.role !== 'admin') throw new OwnkeyError('auth.role');
}

async function answerOf(
  parts: KeyParts,
  payload: Payload,
  result: JobResults['key.connect'],
  steps: StepLog['steps'],
): Promise<{ status: number; body: unknown }> {
  if (result.key_id === null) {
    const { provider, slug, label, base_url } = payload;
    const view = { id: null, provider, slug: slug ?? provider, label, base_url, last4: result.last4, ...result.probe };
    return { status: 200, body: { ...view, stored: false, steps } };
  }
  const { rows } = await parts.sql.query<KeyRow>(`SELECT ${KEY_COLUMNS} FROM keys WHERE id = $1`, [result.key_id]);
  const [row] = rows;
  if (!row) throw new OwnkeyError('not_found');
  return { status: 201, body: { ...keyView(row), stored: true, steps } };
}

function answerProblem(response: ServerResponse, error: OwnkeyError, requestId: string): void {
  const probe = error instanceof ProbeFailure ? { probe: error.probe } : {};
  const body = { ...problemBody(error.code, scrubFacts(error.facts), requestId), ...probe };
  const headers = { 'content-type': 'application/problem+json', [RESPONSE_HEADERS.requestId]: requestId };
  sendJson(response, error.status, body, { ...headers, ...errorHeaders(error.code, error.facts) });
}

function invalid(param: string, problem: string): OwnkeyError {
  return new OwnkeyError('request.invalid', { problem, param: param.slice(0, 64) });
}
