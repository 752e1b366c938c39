import { AnswerTooLarge } from '@ownkey/contract/dialect';
import { ByteStore } from './byte-store.ts';
import { isJson, type Json, parseJson } from './json.ts';

/** Where no vector has begun by then, the answer is none of embeddings. */
const LOOKED_AT_BYTES_MAX = 4 * 1024;
const FIRST_VALUE = /"embedding"\s*:\s*([["])/;

/**
 * An answer for a caller that asked for base64, as the official clients do by themselves, on its way through: unchanged where the
 * provider heeded it, else with its numbers packed (32-bit floats, little end first). One object per answer.
 */
export class PackedVectors {
  readonly #answerBytesMax: number;
  readonly #held = new ByteStore();
  #state: 'looking' | 'passing' | 'packing' = 'looking';

  constructor(answerBytesMax: number) {
    this.#answerBytesMax = answerBytesMax;
  }

  /** Throws AnswerTooLarge. */
  push(chunk: Buffer): Buffer | null {
    if (this.#state === 'passing') return chunk;
    if (this.#held.length + chunk.length > this.#answerBytesMax) throw new AnswerTooLarge(this.#answerBytesMax);
    this.#held.push(chunk);
    if (this.#state === 'packing') return null;
    const held = this.#held.take();
    const first = FIRST_VALUE.exec(held.toString('latin1', 0, LOOKED_AT_BYTES_MAX))?.[1];
    if (first === '"' || (first === undefined && held.length > LOOKED_AT_BYTES_MAX)) {
      this.#state = 'passing';
      return held;
    }
    if (first === '[') this.#state = 'packing';
    this.#held.push(held);
    return null;
  }

  /** What is still held, packed where that is due. */
  end(): Buffer | null {
    if (this.#held.length === 0) return null;
    const held = this.#held.take();
    const answer = this.#state === 'packing' ? parseJson(held.toString()) : null;
    if (!isJson(answer) || !Array.isArray(answer.data)) return held;
    return Buffer.from(JSON.stringify({ ...answer, data: answer.data.map(packed) }));
  }
}

function packed(item: unknown): unknown {
  if (!isJson(item) || !isVector(item)) return item;
  const bytes = Buffer.alloc(item.embedding.length * 4);
  item.embedding.forEach((value, at) => {
    bytes.writeFloatLE(value, at * 4);
  });
  return { ...item, embedding: bytes.toString('base64') };
}

function isVector(item: Json): item is Json & { embedding: number[] } {
  return Array.isArray(item.embedding) && item.embedding.every((value) => typeof value === 'number');
}
