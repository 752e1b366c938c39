/**
 * Where a KEK comes from, beside the plain file: a key management service (KMS) that wraps and unwraps it. The file then holds what
 * the KMS gave, and the KMS is asked when a worker starts, and when a rotation brings a new KEK; never on the path of a call.
 *
 * HashiCorp Vault and OpenBao (Transit) are in packages/worker/src/kek/transit.ts. A cloud's KMS would be one more implementation
 * beside it: each has one call to encrypt 32 bytes and one to decrypt them. What it has to keep: the clear bytes are in buffers that
 * are erased, never in strings; the address is the operator's setting; waits have limits; what failed is said with what to do.
 */
export interface KekWrapper {
  readonly name: 'transit';
  /** One line of printable ASCII that `unwrap` gives the bytes back for. `raw` stays the caller's. @throws KekError `source` */
  wrap(raw: Buffer): Promise<string>;
  /** The bytes, in a buffer that the caller erases. @throws KekError `source`, with what to do */
  unwrap(wrapped: string): Promise<Buffer>;
}
