import type { ProviderFailure } from '@ownkey/contract/dialect';
import type { CatalogueEntry } from '@ownkey/contract/provider';
import { ByteStore } from './byte-store.ts';
import { classifyFailure, unreadable } from './failure.ts';

type Headers = Readonly<Record<string, string>>;

/** Longest error answer that is read; nobody explains an error in more. */
const BYTES_MAX = 256 * 1024;

/** Collects an error answer and tells what it means. Bytes beyond the limit are not kept. */
export class ErrorBody {
  readonly #entry: CatalogueEntry;
  readonly #status: number;
  readonly #headers: Headers;
  readonly #isPacked: boolean;
  readonly #store = new ByteStore();

  constructor(entry: CatalogueEntry, status: number, headers: Headers, isPacked: boolean) {
    this.#entry = entry;
    this.#status = status;
    this.#headers = headers;
    this.#isPacked = isPacked;
  }

  push(chunk: Buffer): void {
    this.#store.push(chunk.subarray(0, Math.max(0, BYTES_MAX - this.#store.length)));
  }

  failure(): ProviderFailure {
    const text = this.#isPacked ? '' : this.#store.take().toString();
    if (this.#status < 400) {
      return unreadable(
        this.#isPacked
          ? 'The provider sent a packed answer although none was accepted.'
          : `The provider answered with status ${this.#status}.`,
        this.#headers,
      );
    }
    return classifyFailure(this.#entry, this.#status, this.#headers, text);
  }
}
