import { FIELD_PATH, type FieldProvider, type FieldSealingKey } from '@ownkey/contract/field';
import { fingerprintOf } from '@ownkey/vault/seal';

/** What the frame asks of its own origin: never of the page around it, and without credentials. */

/** The worker did not answer, or not as it should. */
export class FactError extends Error {
  override readonly name = 'FactError';
}

/** The key to seal for, with a fingerprint that is made here from the key itself. @throws FactError, SealError */
export async function readSealingKey(): Promise<FieldSealingKey> {
  const key = await ask<FieldSealingKey>('sealing-key');
  return { ...key, fingerprint: await fingerprintOf(key.public_key) };
}

/** @throws FactError */
export async function readProviders(): Promise<readonly FieldProvider[]> {
  return (await ask<{ data: FieldProvider[] }>('providers')).data;
}

/** Name of a company; null = the worker knows none. @throws FactError */
export async function readCompanyName(id: string): Promise<string | null> {
  const answer = await get(`companies/${encodeURIComponent(id)}`);
  if (answer.status === 404) return null;
  const { name }: { name?: unknown } = await bodyOf(answer);
  return typeof name === 'string' ? name : null;
}

async function ask<T>(what: string): Promise<T> {
  return bodyOf<T>(await get(what));
}

async function get(what: string): Promise<Response> {
  const signal = AbortSignal.timeout(10_000);
  return fetch(`${FIELD_PATH}/${what}`, { credentials: 'omit', cache: 'no-store', signal }).catch((cause: unknown) => {
    throw new FactError('no answer', { cause });
  });
}

async function bodyOf<T>(answer: Response): Promise<T> {
  if (!answer.ok) throw new FactError(`answered ${answer.status}`);
  return answer.json().catch((cause: unknown) => {
    throw new FactError('no JSON', { cause });
  });
}
