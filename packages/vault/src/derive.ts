/**
 * What comes from a data key (DEK). Two steps, each a fixed cost, as this is on the path of every call (docs/decisions/0005):
 *
 *     commitment ‖ stream key   = HMAC-SHA-512(DEK, [1]32 ‖ label ‖ 0x00 ‖ [512]32)
 *     encryption key ‖ mask     = AES-256-CTR keystream under the stream key, counter from zero
 *
 * The first is NIST SP 800-108r1 section 4.1 (counter mode, one block). The DEK is uniformly random, so HKDF's extract step, which
 * is for input that is not, is left out (RFC 5869 section 3.3). The stream key serves once, for one stream, so the counter may
 * start at zero. Node only.
 */
import { createCipheriv, createHmac } from 'node:crypto';
import { CLEAR_KEY_BYTES_MAX } from './context.ts';

const KEY_BYTES = 32;
const PRF_INPUT = Buffer.concat([
  Buffer.from([0, 0, 0, 1]),
  Buffer.from('ownkey/envelope/v1', 'latin1'),
  Buffer.from([0, 0, 0, 2, 0]),
]);
const ZEROES = Buffer.alloc(KEY_BYTES + CLEAR_KEY_BYTES_MAX);
const COUNTER_START = Buffer.alloc(16);

/** Secret but for the commitment; all of it is erased with `eraseDerived`. */
export interface Derived {
  /** 32 bytes, for AES-256-GCM. */
  readonly encryptionKey: Buffer;
  /** 32 bytes, public: no other DEK gives the same. */
  readonly commitment: Buffer;
  /** As long as the key it is for. */
  readonly mask: Buffer;
  readonly memory: readonly Buffer[];
}

/** @param maskBytes 1 to 4096; a DEK is for one key of one length */
export function deriveFrom(dek: Uint8Array, maskBytes: number): Derived {
  const block = createHmac('sha512', dek).update(PRF_INPUT).digest();
  const cipher = createCipheriv('aes-256-ctr', block.subarray(KEY_BYTES), COUNTER_START);
  const stream = cipher.update(ZEROES.subarray(0, KEY_BYTES + maskBytes));
  cipher.final(); // frees the cipher's own state now, not when the collector comes by
  return {
    encryptionKey: stream.subarray(0, KEY_BYTES),
    commitment: block.subarray(0, KEY_BYTES),
    mask: stream.subarray(KEY_BYTES),
    memory: [block, stream],
  };
}

export function eraseDerived(derived: Derived): void {
  for (const bytes of derived.memory) bytes.fill(0);
}
