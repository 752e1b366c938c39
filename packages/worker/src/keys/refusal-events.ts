import type { JobFailure } from '@ownkey/contract/jobs';
import { CUSTOM_PROVIDER, PLATFORM_OWNER } from '@ownkey/contract/key';
import type { Sql } from '../access/load.ts';
import type { KeyRef } from '../egress/egress.ts';
import type { TakenJob } from '../jobs/job-store.ts';
import { recordKeyEvent } from './audit-event.ts';

/** Tells in the record that a pasted key was refused as replayed, too old or made for somebody else; nothing for other failures. */
export async function recordRefusedSeal(sql: Sql, job: TakenJob, failure: JobFailure): Promise<void> {
  if (!failure.code.startsWith('seal.')) return;
  await recordKeyEvent(sql, {
    companyId: job.company_id,
    kind: 'key.seal_refused',
    actor: job.actor ?? 'system',
    userId: null,
    keyId: textOf(job.payload, 'key_id'),
    provider: textOf(job.payload, 'slug') ?? textOf(job.payload, 'provider') ?? '',
    last4: null,
    data: { code: failure.code, problem: failure.facts.problem ?? null },
  });
}

const TOLD_MAX = 1_000;

/** Tells in the record that a key was not sent because its address had changed: once for each version of a key and worker. */
export function destinationRecorder(sql: Sql, failed: (error: unknown) => void): (key: KeyRef) => void {
  const told = new Set<string>();
  return (key) => {
    const name = `${key.id} ${key.version}`;
    if (told.has(name) || told.size >= TOLD_MAX) return;
    told.add(name);
    recordKeyEvent(sql, {
      companyId: key.owner === PLATFORM_OWNER ? null : key.owner,
      kind: 'key.destination_changed',
      actor: 'system',
      userId: null,
      keyId: key.id,
      provider: key.provider === CUSTOM_PROVIDER ? key.destination : key.provider,
      last4: null,
      data: { bound_to: key.destination },
    }).catch(failed);
  };
}

function textOf(payload: unknown, name: string): string | null {
  if (typeof payload !== 'object' || payload === null) return null;
  const value: unknown = Reflect.get(payload, name);
  return typeof value === 'string' ? value.slice(0, 200) : null;
}
