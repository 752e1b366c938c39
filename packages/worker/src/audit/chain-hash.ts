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

/** A former head that the record may begin at once what is before it is removed. */
export interface Checkpoint extends ChainHead {
  /** `YYYY-MM-DD`: every entry up to it is from before this day. */
  readonly day: string;
}

/** Of another form than a head's: a checkpoint never passes for the head, so a chain cannot be cut off at its end with it. */
export function macOfCheckpoint(ring: KekRing, checkpoint: Checkpoint, kekId: string = ring.currentId): Buffer {
  const fields = ['checkpoint', checkpoint.company, checkpoint.day, checkpoint.n, checkpoint.hash.toString('hex')];
  return createHmac('sha256', ring.deriveKey('audit-head', kekId)).update(JSON.stringify(fields)).digest();
}

type Authenticated = { readonly mac: Buffer; readonly kek_id: string };

export function checkCheckpoint(ring: KekRing, given: Checkpoint & Authenticated): 'right' | 'wrong' | 'unknown' {
  return check(given, () => macOfCheckpoint(ring, given, given.kek_id));
}

/** `unknown`: the master key it was made with is not loaded. */
export function checkHead(ring: KekRing, head: ChainHead & Authenticated): 'right' | 'wrong' | 'unknown' {
  return check(head, () => macOfHead(ring, head, head.kek_id));
}

function check(given: Authenticated, macOf: () => Buffer): 'right' | 'wrong' | 'unknown' {
  try {
    const mac = macOf();
    return mac.length === given.mac.length && timingSafeEqual(mac, given.mac) ? 'right' : 'wrong';
  } catch (error) {
    if (error instanceof KekError) return 'unknown';
    throw error;
  }
}
