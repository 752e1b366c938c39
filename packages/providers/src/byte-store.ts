const NOTHING = Buffer.alloc(0);

/**
 * Bytes put together from chunks. Many small chunks cost what their bytes cost: keeping each as an object of its own would let a
 * provider that sends single bytes take a hundred times the memory of its answer.
 */
export class ByteStore {
  #bytes: Buffer = NOTHING;
  #length = 0;
  /** Whether `#bytes` is ours to write into; the first chunk is kept as it is. */
  #isOwn = false;

  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#length === 0 && !this.#isOwn) {
      this.#bytes = chunk;
      this.#length = chunk.length;
      return;
    }
    const needed = this.#length + chunk.length;
    if (!this.#isOwn || needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(1024, needed * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
      this.#isOwn = true;
    }
    chunk.copy(this.#bytes, this.#length);
    this.#length = needed;
  }

  /** All bytes so far; the store is empty afterwards. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.clear();
    return taken;
  }

  clear(): void {
    this.#bytes = NOTHING;
    this.#length = 0;
    this.#isOwn = false;
  }
}
