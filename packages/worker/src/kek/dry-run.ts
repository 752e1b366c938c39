/** What a rotation would do, done in memory: every wrap is opened and made anew, and nothing is written. */
import { randomFillSync } from 'node:crypto';
import { KEK_BYTES, type KekRing, kekFromBytes } from '@ownkey/vault/kek';
import { allocateSecret } from '@ownkey/vault/secret-bytes';
import type { Sql } from '../access/load.ts';
import { countUnder, rewrapAll } from './rewrap.ts';

export interface DryRun {
  readonly rows: number;
  readonly ms: number;
  /** Rows that their own master key does not open. */
  readonly damaged: readonly string[];
}

/** `ring` writes with a key that is thrown away from here on: it is not to be used any more. */
export async function dryRun(sql: Sql, ring: KekRing): Promise<DryRun> {
  const loaded = [...ring.ids];
  const raw = allocateSecret(KEK_BYTES);
  randomFillSync(raw);
  const trial = kekFromBytes('kek_trial', raw);
  ring.add(trial);
  ring.use(trial.id);
  const began = performance.now();
  const { damaged } = await rewrapAll(sql, ring, loaded, false, async () => {});
  return { rows: await countUnder(sql, loaded), ms: performance.now() - began, damaged };
}
