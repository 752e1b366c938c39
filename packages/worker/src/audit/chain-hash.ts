/** How entries of the audit chain are linked, and how its head is authenticated. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { KekError, type KekRing } from '@ownkey/vault/kek';

/** What comes before the first entry. */
export const CHAIN_START = Buffer.alloc(32);

/** SHA-256(hash of the entry before || text of the event, as `audit_text()` gives it). */
export function linkHash(before: Uint8Array, text: string): Buffer {
  return createHash('sha256').update(before).update(text, 'utf8').digest();
}

export interface ChainHead {
  /** Company id; '' = the installation. */
  readonly company: string;
  readonly n: string;
  readonly hash: Buffer;
}

/** Authenticates a head with a key that comes from the master key: a database alone cannot make one. */
export function macOfHead(ring: KekRing, head: ChainHead, kekId: string = ring.currentId): Buffer {
  const fields = [head.company, head.n, head.hash.toString('hex')];
  return createHmac('sha256', ring.deriveKey('audit-head', kekId)).update(JSON.stringify(fields)).digest();
}

/** `unknown`: the master key it was made with is not loaded. */
export function checkHead(
  ring: KekRing,
  head: ChainHead & { readonly mac: Buffer; readonly kek_id: string },
): 'right' | 'wrong' | 'unknown' {
  try {
    const mac = macOfHead(ring, head, head.kek_id);
    return mac.length === head.mac.length && timingSafeEqual(mac, head.mac) ? 'right' : 'wrong';
  } catch (error) {
    if (error instanceof KekError) return 'unknown';
    throw error;
  }
}
