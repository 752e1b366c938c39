import { randomUUID } from 'node:crypto';
import { type Json, jsonOf, textOf } from './json.ts';

/** A tool call of an answer, as far as its pieces told. */
export interface KnownCall {
  /** Position among the calls of the answer. */
  index: number;
  id: string;
  name: string;
}

/**
 * Tells to which call a piece of a streamed tool call belongs, also where a provider leaves `index` or `id` out, sends null or
 * empty ones, sends a second call under the index of the first, or repeats an id.
 */
export class ToolIndexer {
  readonly #calls: KnownCall[] = [];
  readonly #byGiven = new Map<number, KnownCall>();
  readonly #ids = new Set<string>();

  get size(): number {
    return this.#calls.length;
  }

  /** The call a piece belongs to; `isNew` when this piece is its first. */
  resolve(piece: Json): { call: KnownCall; isNew: boolean } {
    const given = Number.isInteger(piece.index) ? Number(piece.index) : null;
    const id = textOf(piece.id);
    const name = textOf(jsonOf(piece.function).name);
    const known = given === null ? this.#withoutIndex(id, name) : this.#withIndex(given, id, name);
    if (known) {
      known.name ||= name;
      return { call: known, isNew: false };
    }
    const call = { index: this.#calls.length, id: this.#uniqueId(id), name };
    this.#calls.push(call);
    this.#ids.add(call.id);
    if (given !== null) this.#byGiven.set(given, call);
    return { call, isNew: true };
  }

  #withIndex(given: number, id: string, name: string): KnownCall | undefined {
    const known = this.#byGiven.get(given);
    const isAnother = known !== undefined && id !== '' && name !== '' && id !== known.id;
    return isAnother ? undefined : known;
  }

  #withoutIndex(id: string, name: string): KnownCall | undefined {
    if (id !== '') return this.#calls.find((call) => call.id === id);
    return name === '' ? this.#calls.at(-1) : undefined;
  }

  #uniqueId(id: string): string {
    if (id !== '' && !this.#ids.has(id)) return id;
    return id === '' ? `call_${randomUUID().replaceAll('-', '')}` : `${id}_${this.#calls.length}`;
  }
}
