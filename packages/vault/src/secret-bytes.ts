/** Memory for secrets. Node only. */

/**
 * A zeroed buffer outside V8's heap, to be erased with `fill(0)`. `Buffer.alloc`, `Buffer.allocUnsafeSlow` and `new Uint8Array(n)`
 * put up to 64 bytes inside the heap, which is most keys: the collector copies them about when it compacts, and the first native call
 * or `subarray` moves them out and leaves the old bytes behind, where no `fill` reaches. An ArrayBuffer that is made first never moves.
 */
export function allocateSecret(length: number): Buffer<ArrayBuffer> {
  return Buffer.from(new ArrayBuffer(length));
}
