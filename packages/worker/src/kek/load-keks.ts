import { type Kek, KekError, KekRing } from '@ownkey/vault/kek';
import { loadKeks } from '@ownkey/vault/kek-file';
import type { KekWrapper } from '@ownkey/vault/kek-source';
import type { WorkerConfig } from '../config.ts';

type KekSettings = Pick<WorkerConfig, 'kekFile' | 'transit'>;

/** The KMS of these settings, or null. Its code is loaded where it is used. */
export async function wrapperOf({ transit }: KekSettings): Promise<KekWrapper | null> {
  if (transit === null) return null;
  const { Transit } = await import('./transit.ts');
  return new Transit(transit);
}

/** Every master key of the file. Which of them writes is the database's to say (`checkMasterKeys`). @throws KekError */
export async function openKekRing(config: KekSettings): Promise<KekRing> {
  return ringOf(await loadKeks(config.kekFile, await wrapperOf(config)));
}

export function ringOf(keks: readonly Kek[]): KekRing {
  const [first, ...others] = keks;
  if (!first)
    throw new KekError('format', 'there is no master key in the file; put back the original from your backup');
  return new KekRing(first, others);
}

/** For a `KekKeeper`: the master keys that came into the file since. */
export function loaderOf(config: KekSettings): (known: ReadonlySet<string>) => Promise<Kek[]> {
  return async (known) => loadKeks(config.kekFile, await wrapperOf(config), known);
}
