import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KekRing } from '@ownkey/vault/kek';
import { createKekFile } from '@ownkey/vault/kek-write';
import { afterAll, beforeAll } from 'vitest';
import { type BareWorker, forkWorker } from './bare-worker.ts';

export interface WorkerFarm {
  /** What the workers open keys with. */
  readonly ring: KekRing;
  readonly workers: readonly BareWorker[];
}

/** Built worker processes over a test's own database, without the rest of an installation: about a second to start. */
export function useWorkerFarm(
  count: number,
  place: () => { databaseUrl: string; env: Readonly<Record<string, string>> },
): WorkerFarm {
  const directory = mkdtempSync(join(tmpdir(), 'ownkey-farm-'));
  const kekFile = join(directory, 'kek');
  const ring = new KekRing(createKekFile(kekFile));
  const workers: BareWorker[] = [];
  beforeAll(async () => {
    const { databaseUrl, env } = place();
    const started = await Promise.all(Array.from({ length: count }, () => forkWorker(kekFile, databaseUrl, env)));
    for (const worker of started) if (worker !== null) workers.push(worker);
    if (workers.length < count) throw new Error('a worker did not start');
  });
  afterAll(async () => {
    for (const worker of workers) worker.kill();
    await Promise.all(workers.map(({ ended }) => ended));
    rmSync(directory, { recursive: true, force: true });
  });
  return { ring, workers };
}
