import type { Job } from '@ownkey/contract/api/jobs';
import type { Key, KeyConnectBody, KeyTested } from '@ownkey/contract/api/keys';
import type { SealingKey } from '@ownkey/contract/api/providers';
import { CUSTOM_PROVIDER, catalogueDestination } from '@ownkey/contract/key';
import type { SealContext } from '@ownkey/vault/context';
import { newKeyId, newNonce } from '@ownkey/vault/mint';
import { toApiError } from './api-error.ts';
import type { Client } from './client.ts';

/** Between two looks at a running test. */
const JOB_POLL_MS = 250;
/** A job that is not done by then is reported as lost. */
const JOB_WAIT_MS = 60_000;

export type JobSteps = Job['steps'];

/** What a caller may follow while a key is tested. */
export interface Progress {
  /** The key is sealed and nothing was sent yet. `fingerprint` names whom it was sealed for. */
  readonly onSealed?: ((fact: { readonly fingerprint: string; readonly keyId: string }) => void) | undefined;
  /** Told whenever the steps moved. With it, the test runs as a job that is asked for its state. */
  readonly onSteps?: ((steps: JobSteps) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is known of a sealed key before its nonce and end are made. */
export type SealPlace = Omit<SealContext, 'nonce' | 'exp'>;

/** Seals the key that it holds, and says whom for. Rejects when nothing was sealed. */
export type Sealer = (place: SealPlace, recipient: SealingKey) => Promise<{ sealed: string; fingerprint: string }>;

export interface ConnectSealedInput extends Omit<KeyConnectBody, 'sealed_key' | 'key_id' | 'scope'>, Progress {
  readonly scope: 'company' | 'user';
  /** Null for an endpoint without a key. */
  readonly seal: Sealer | null;
  /** Where keys are stored: the company's by default, `/api/operator` for the product's shared keys. */
  readonly base?: string;
}

/** Where the routes of keys, their sealing key and jobs lie. */
const COMPANY_BASE = '/api';
const keysPath = (base: string) => (base === COMPANY_BASE ? '/api/keys' : `${base}/platform-keys`);

/**
 * Connects a key that `seal` seals: sealing key, key id, seal, POST. The key id is minted here (`onSealed`), so that after a
 * ConnectionError `getKey` says whether it was stored.
 * @throws ApiError `key.rejected` nothing was stored, and others; ConnectionError; whatever `seal` throws: nothing was sent
 */
export async function connectSealed(client: Client, input: ConnectSealedInput): Promise<KeyTested> {
  const { seal, base = COMPANY_BASE, scope, onSealed, onSteps, signal, ...body } = input;
  const keyId = newKeyId();
  const destination =
    input.provider === CUSTOM_PROVIDER ? originOf(input.base_url) : catalogueDestination(input.provider);
  const place = { provider: input.provider, key_id: keyId, version: 1, destination };
  const secret =
    seal === null
      ? { key_id: keyId }
      : { sealed_key: await sealFor(client, base, scope, place, seal, { onSealed, signal }) };
  const path = keysPath(base);
  const sent = { ...body, ...secret, ...(base === COMPANY_BASE ? { scope } : {}) };
  return runTest(client, base, 'POST', path, { body: sent, idempotencyKey: keyId }, { onSteps, signal });
}

/**
 * Has a new key sealed for an existing one and swaps it in once its test has passed. Bound to the version after `key.version`: of
 * two replacements at the same time one is refused with `conflict.changed`.
 * @throws ApiError, ConnectionError (ask `getKey` which version is in use), whatever `seal` throws
 */
export async function replaceSealed(
  client: Client,
  key: Pick<Key, 'id' | 'version' | 'provider' | 'scope' | 'destination' | 'etag'>,
  seal: Sealer,
  progress: Progress = {},
): Promise<KeyTested> {
  const base = key.scope === 'platform' ? '/api/operator' : COMPANY_BASE;
  const version = key.version + 1;
  const place = { provider: key.provider, key_id: key.id, version, destination: key.destination };
  const sealed = await sealFor(client, base, key.scope === 'user' ? 'user' : 'company', place, seal, progress);
  return runTest(
    client,
    base,
    'PUT',
    `${keysPath(base)}/${encodeURIComponent(key.id)}`,
    { body: { sealed_key: sealed }, idempotencyKey: `${key.id}.${version}.${newNonce()}`, ifMatch: key.etag },
    progress,
  );
}

/** Tests a stored key against its provider now. A bad outcome is data, not an error. @throws ApiError `probe.limited` */
export function testKey(client: Client, key: Pick<Key, 'id' | 'scope'>, progress: Progress = {}): Promise<KeyTested> {
  const base = key.scope === 'platform' ? '/api/operator' : COMPANY_BASE;
  const path = `${keysPath(base)}/${encodeURIComponent(key.id)}/test`;
  return runTest(client, base, 'POST', path, { body: {}, idempotencyKey: newNonce() }, progress);
}

/** One key. @throws ApiError `not_found` for keys that do not exist and keys of others alike */
export async function getKey(client: Client, id: string, signal?: AbortSignal, base = COMPANY_BASE): Promise<Key> {
  const answer = await client.call<Key>('GET', `${keysPath(base)}/${encodeURIComponent(id)}`, { signal });
  return answer.data;
}

async function sealFor(
  client: Client,
  base: string,
  scope: 'company' | 'user',
  place: Omit<SealPlace, 'company' | 'user'>,
  seal: Sealer,
  { onSealed, signal }: Progress,
): Promise<string> {
  const { data: recipient } = await client.call<SealingKey>('GET', `${base}/sealing-key`, { signal });
  const whose = { company: recipient.company, user: scope === 'user' ? recipient.user : null };
  const { sealed, fingerprint } = await seal({ ...whose, ...place }, recipient);
  onSealed?.({ fingerprint, keyId: place.key_id });
  return sealed;
}

/** Sends the call and, when progress is followed, waits for its job. */
async function runTest(
  client: Client,
  base: string,
  method: string,
  path: string,
  call: { body: unknown; idempotencyKey: string; ifMatch?: string },
  { onSteps, signal }: Progress,
): Promise<KeyTested> {
  const answer = await client.call<KeyTested | { job: Job }>(method, path, {
    ...call,
    signal,
    async: onSteps !== undefined,
  });
  let reply = answer.data;
  const deadline = Date.now() + JOB_WAIT_MS;
  while ('job' in reply) {
    const { job }: { job: Job } = reply;
    onSteps?.(job.steps);
    if (job.error !== null) throw toApiError(job.error.status, job.error, job.error.request_id);
    if (job.result !== null) return job.result;
    if (job.state === 'failed' || Date.now() > deadline) {
      throw toApiError(503, { code: 'worker.unavailable', title: 'No worker finished the test in time.' }, null);
    }
    await new Promise((resolve) => setTimeout(resolve, JOB_POLL_MS));
    const next = await client.call<Job>('GET', `${base}/jobs/${encodeURIComponent(job.id)}`, { signal });
    reply = { job: next.data };
  }
  onSteps?.(reply.steps);
  return reply;
}

/** Origin a custom endpoint's key is bound to. @throws TypeError the address cannot be read */
function originOf(baseUrl: string | undefined): string {
  return new URL(baseUrl ?? '').origin;
}
