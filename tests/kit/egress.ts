/** An egress with keys in memory, and calls awaited as values. */
import { randomBytes } from 'node:crypto';
import { catalogueDestination } from '@ownkey/contract/key';
import { parseEgressAllow } from '@ownkey/guard/egress-policy';
import { type Envelope, wrapKey } from '@ownkey/vault/envelope';
import { KekRing, kekFromBytes } from '@ownkey/vault/kek';
import { type EgressCall, EgressError, type EgressHandler, type KeyRef } from '@ownkey/worker/egress/egress';
import { bindingOf, PooledEgress, type PooledEgressOptions } from '@ownkey/worker/egress/pooled-egress';

export const testRing = (): KekRing => new KekRing(kekFromBytes('kek_test00000000', randomBytes(32)));

/** A key that looks like none of a provider and is found by any search. */
export const canaryKey = (): Buffer => Buffer.from(`canary-${randomBytes(45).toString('base64url')}`, 'latin1');

export interface EgressKit {
  egress: PooledEgress;
  ring: KekRing;
  /** Stores a clear key for `ref`. */
  store(ref: KeyRef, clearKey: Uint8Array): void;
  envelopes: Map<string, Envelope>;
}

export function egressKit(
  listed: string,
  options: Partial<PooledEgressOptions> & { baseUrls?: Readonly<Record<string, string>> } = {},
): EgressKit {
  const ring = testRing();
  const envelopes = new Map<string, Envelope>();
  const { policy, problems } = parseEgressAllow(listed);
  if (problems.length > 0) throw new Error(problems.join());
  const egress = new PooledEgress({
    kekRing: ring,
    policy,
    catalogueBaseUrl: (provider) => options.baseUrls?.[provider] ?? null,
    connectTimeoutMs: 2_000,
    extraCa: null,
    envelopes: {
      get: (key) => {
        const envelope = envelopes.get(key.id);
        if (!envelope) throw new EgressError('key.undecryptable', 'none', false);
        return envelope;
      },
      forget: () => {},
    },
    ...options,
  });
  return {
    egress,
    ring,
    envelopes,
    store: (ref, clearKey) => {
      envelopes.set(ref.id, wrapKey({ kekRing: ring, clearKey, binding: bindingOf(ref) }));
    },
  };
}

export function customKey(origin: string, id = 'key_00000000000000000000000001'): KeyRef {
  return { id, version: 1, owner: 'co_a', provider: 'custom', destination: origin, keyless: false };
}

export function catalogueKey(provider: string, id = 'key_00000000000000000000000002'): KeyRef {
  return { id, version: 1, owner: 'co_a', provider, destination: catalogueDestination(provider), keyless: false };
}

export function callTo(baseUrl: string, key: KeyRef, change: Partial<EgressCall> = {}): EgressCall {
  return {
    key,
    baseUrl,
    auth: { header: 'authorization', prefix: 'Bearer ' },
    request: {
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from('{"model":"m"}'),
    },
    headTimeoutMs: 2_000,
    idleTimeoutMs: 2_000,
    ...change,
  };
}

export interface Outcome {
  status: number | null;
  headers: Record<string, string>;
  body: string;
  error: EgressError | null;
}

/** What is told, in order, and a promise of the end. */
export function collector(onChunk: (chunk: Buffer) => boolean = () => true) {
  const outcome: Outcome = { status: null, headers: {}, body: '', error: null };
  let settle: (outcome: Outcome) => void = () => {};
  const done = new Promise<Outcome>((resolve) => {
    settle = resolve;
  });
  const handler: EgressHandler = {
    head: (status, headers) => {
      outcome.status = status;
      outcome.headers = headers;
    },
    data: (chunk) => {
      outcome.body += chunk.toString();
      return onChunk(chunk);
    },
    end: () => settle(outcome),
    error: (error) => {
      outcome.error = error;
      settle(outcome);
    },
  };
  return { handler, outcome, done };
}

export function send(egress: PooledEgress, call: EgressCall): Promise<Outcome> {
  const { handler, done } = collector();
  egress.send(call, handler);
  return done;
}

/** Waits for a condition, not for a time. */
export async function until(condition: () => boolean, limitMs = 5_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error('waited too long');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
