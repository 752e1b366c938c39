import { catalogueDestination, PLATFORM_OWNER } from '@ownkey/contract/key';
import { newKeyId, newNonce } from '@ownkey/vault/mint';
import { sealKey } from '@ownkey/vault/seal';
import { orderJob } from '../domain/jobs/jobs.ts';
import { readSealingKey } from '../domain/keys/sealing-key.ts';
import { type Database, first } from '../storage/database.ts';
import { SEED_ACTOR } from './demo.ts';

const LOOK_MS = 100;
const LIMIT_MS = 45_000;
const SEAL_LIFE_S = 300;
const SEALING_KEY_LIMIT_MS = 10_000;

/** Provider id → a key of the sandbox that works. */
export type SandboxKeys = ReadonlyMap<string, string>;

/**
 * Connects a shared key for every provider of the sandbox by the same sealed way as any other, and waits until each is tested.
 * Keys of an earlier start are replaced: the sandbox makes new ones each time. @throws Error naming the providers that failed
 */
export async function seedPlatformKeys(database: Database, keys: SandboxKeys): Promise<void> {
  await database.everywhere((sql) =>
    sql.rows("DELETE FROM keys WHERE owner = 'platform' AND created_by = $1", [SEED_ACTOR]),
  );
  const sealing = await waitForSealingKey(database);
  const jobs = new Map<string, string>();
  for (const [provider, key] of keys) {
    const keyId = newKeyId();
    const clearKey = Buffer.from(key, 'utf8');
    const context = {
      company: PLATFORM_OWNER,
      user: null,
      provider,
      key_id: keyId,
      version: 1,
      destination: catalogueDestination(provider),
      nonce: newNonce(),
      exp: sealing.server_time + SEAL_LIFE_S,
    };
    const sealed = await sealKey({ publicKey: sealing.public_key, kid: sealing.kid, context, clearKey }).finally(() =>
      clearKey.fill(0),
    );
    const payload = {
      key_id: keyId,
      owner: 'platform' as const,
      user_id: null,
      provider,
      slug: null,
      preset: null,
      base_url: null,
      label: 'Sandbox',
      save: true,
      keep: true,
      on_failure: null,
      keyless: false,
    };
    const job = {
      kind: 'key.connect' as const,
      companyId: null,
      payload,
      sealed,
      actor: SEED_ACTOR,
      idempotencyKey: null,
    };
    jobs.set(await database.everywhere((sql) => orderJob(sql, job)), provider);
  }
  await waitForAll(database, jobs);
}

/** The first worker of a new installation makes the pair when it starts. */
async function waitForSealingKey(database: Database): ReturnType<typeof readSealingKey> {
  const end = performance.now() + SEALING_KEY_LIMIT_MS;
  for (;;) {
    try {
      return await readSealingKey(database);
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}

async function waitForAll(database: Database, jobs: ReadonlyMap<string, string>): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  for (;;) {
    const state = await database.everywhere((sql) =>
      first<{ open: number; failed: string[] | null }>(
        sql,
        `SELECT count(*) FILTER (WHERE state IN ('queued', 'running'))::int AS open,
           array_agg(id || ' ' || coalesce(error_code, '')) FILTER (WHERE state = 'failed') AS failed
         FROM worker_jobs WHERE id = ANY($1)`,
        [[...jobs.keys()]],
      ),
    );
    if (state !== null && state.open === 0) {
      if (state.failed !== null && state.failed.length > 0) throw new Error(describe(state.failed, jobs));
      return;
    }
    if (performance.now() > end)
      throw new Error(`${state?.open ?? 0} shared keys were not tested within ${LIMIT_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function describe(failed: readonly string[], jobs: ReadonlyMap<string, string>): string {
  const lines = failed.map((text) => {
    const [id = '', code = ''] = text.split(' ');
    return `${jobs.get(id) ?? id} (${code})`;
  });
  return `Shared keys could not be connected for ${lines.join(', ')}`;
}
