import { type Kek, KekError, KekRing } from '@ownkey/vault/kek';
import { loadKeks } from '@ownkey/vault/kek-file';
import type { KekWrapper } from '@ownkey/vault/kek-source';
import type { WorkerConfig } from '../config.ts';
import { Transit } from './transit.ts';

type KekSettings = Pick<WorkerConfig, 'kekFile' | 'transit'>;

/** The KMS of these settings, or null. */
export function wrapperOf({ transit }: KekSettings): KekWrapper | null {
  return transit === null ? null : new Transit(transit);
}

/** Every master key of the file. Which of them writes is the database's to say (`checkMasterKeys`). @throws KekError */
export async function openKekRing(config: KekSettings): Promise<KekRing> {
  return ringOf(await loadKeks(config.kekFile, wrapperOf(config)));
}

export function ringOf(keks: readonly Kek[]): KekRing {
  const [first, ...others] = keks;
  if (!first)
    throw new KekError('format', 'there is no master key in the file; put back the original from your backup');
  return new KekRing(first, others);
}
