import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseEgressAllow } from '@ownkey/guard/egress-policy';
import { createScrubber } from '@ownkey/guard/scrub';
import { prepareExchange } from '@ownkey/providers/exchange';
import { readModelList } from '@ownkey/providers/models';
import { writeError } from '@ownkey/providers/write-error';
import { type Sandbox, startSandbox } from '@ownkey/sandbox/start';
import { KekRing, kekFromBytes } from '@ownkey/vault/kek';
import type { GatewayOptions } from '@ownkey/worker/compose-gateway';
import { createPool, sqlOf } from '@ownkey/worker/database';
import { PooledEgress } from '@ownkey/worker/egress/pooled-egress';
import { createTargets } from '@ownkey/worker/gateway/targets';
import { EnvelopeStore } from '@ownkey/worker/keys/envelope-store';
import type { Client } from 'pg';
import { CATALOGUE, type GatewayUnderTest, startGateway } from './gateway.ts';
import type { ProviderServer } from './provider-server.ts';
import { quiet } from './quiet-log.ts';
import { type StoredKey, storeKey } from './stored-key.ts';

/** The gateway with everything real behind it: dialects, late injection, and the sandbox's providers. */
export interface RealGateway extends GatewayUnderTest {
  sandbox: Sandbox;
  kekRing: KekRing;
  /** Stores a clear key as the worker would, sealed for its destination. */
  storeKey(owner: Client, clearKey: string, key: StoredKey): Promise<string>;
}

/**
 * `instead`: servers of the test's own in the place of the sandbox's providers, by catalogue id. `listed`: more that may be called.
 * `envelopesFreshMs`: 0 = every call reads its envelope anew.
 */
export interface RealGatewayOptions extends Partial<GatewayOptions> {
  instead?: Record<string, ProviderServer>;
  listed?: readonly string[];
  envelopesFreshMs?: number;
}

export async function startRealGateway(
  workerUrl: string,
  { instead = {}, listed: also = [], envelopesFreshMs, scrubber = createScrubber(), ...more }: RealGatewayOptions = {},
): Promise<RealGateway> {
  const sandbox = await startSandbox({
    port: 0,
    catalogueDir: fileURLToPath(new URL('../../catalogue/providers', import.meta.url)),
  });
  const baseUrls = new Map(Object.entries(sandbox.keys.providers).map(([id, made]) => [id, made.base_url]));
  for (const [id, { origin }] of Object.entries(instead)) baseUrls.set(id, `${origin}/v1`);
  const targets = createTargets(CATALOGUE, baseUrls);
  const kekRing = new KekRing(kekFromBytes('kek_test00000000', randomBytes(32)));
  const pool = createPool({ connectionString: workerUrl, name: 'keys', connectionsMax: 2, log: quiet });
  const listed = [...Object.values(instead).map((server) => server.listed), ...also];
  const egress = new PooledEgress({
    kekRing,
    envelopes: new EnvelopeStore({
      sql: sqlOf(pool),
      kekRing,
      scrubber,
      undecryptable: () => {},
      ...(envelopesFreshMs !== undefined && { freshMs: envelopesFreshMs }),
    }),
    connectTimeoutMs: 2_000,
    extraCa: null,
    scrub: scrubber.scrubText,
    policy: parseEgressAllow([new URL(sandbox.url).host, ...listed].join(',')).policy,
    catalogueBaseUrl: (provider) => targets.baseUrlOf(provider),
  });
  const gateway = await startGateway(workerUrl, {
    baseUrls,
    egress,
    prepareExchange,
    writeError,
    readModelList,
    scrubber,
    ...more,
  });
  return {
    ...gateway,
    sandbox,
    kekRing,
    storeKey: (owner, clearKey, key) => storeKey(owner, kekRing, clearKey, key),
    async close() {
      await egress.close();
      await gateway.close();
      await pool.end();
      await sandbox.close();
    },
  };
}
