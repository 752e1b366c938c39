import type { FieldPlace, FieldProblem, FieldProvider } from '@ownkey/contract/field';
import { SealFormatError } from '@ownkey/vault/context';
import { newNonce } from '@ownkey/vault/mint';
import { SealError, sealKey } from '@ownkey/vault/seal';
import { checkKeyShape } from '@ownkey/vault/shape';
import { readSealingKey } from './worker-facts.ts';

/** Seconds a sealed key stays valid, from the worker's clock. */
const SEAL_LIFETIME_S = 300;

export type SealOutcome =
  | { readonly sealed_key: string; readonly fingerprint: string }
  | { readonly problem: FieldProblem };

export interface SealOrder {
  readonly text: string;
  readonly owner: FieldProvider | null;
  readonly all: readonly FieldProvider[];
  readonly place: FieldPlace;
  readonly key_id: string;
  readonly version: number;
  /** The fingerprint that the reader was shown; another key is not sealed for. */
  readonly shown: string;
}

/** Seals what stands in the input. Nonce and end are made here: a page can neither choose nor repeat them. Never rejects. */
export async function sealHeld(order: SealOrder): Promise<SealOutcome> {
  const bytes = new TextEncoder().encode(order.text);
  try {
    const result = checkKeyShape(bytes, order.owner, order.all);
    if (!result.ok) return { problem: 'form' };
    const recipient = await readSealingKey();
    if (recipient.fingerprint !== order.shown) return { problem: 'vault_changed' };
    const sealed_key = await sealKey({
      publicKey: recipient.public_key,
      kid: recipient.kid,
      clearKey: result.clearKey,
      context: {
        ...order.place,
        key_id: order.key_id,
        version: order.version,
        nonce: newNonce(),
        exp: recipient.server_time + SEAL_LIFETIME_S,
      },
    });
    return { sealed_key, fingerprint: recipient.fingerprint };
  } catch (error) {
    return { problem: problemOf(error) };
  } finally {
    bytes.fill(0);
  }
}

export function problemOf(error: unknown): FieldProblem {
  if (error instanceof SealFormatError) return 'context';
  if (!(error instanceof SealError)) return 'unreachable';
  return error.problem === 'insecure_context' ? 'insecure_context' : 'public_key';
}
