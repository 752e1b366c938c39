/**
 * Which responses may be named in `previous_response_id`. Only their ids are kept: the sandbox does not remember what was said,
 * so the earlier turns count nothing. Reference: https://platform.openai.com/docs/guides/conversation-state
 */
export class StoredResponses {
  readonly #ids = new Set<string>();

  add(id: string): void {
    this.#ids.add(id);
    const [oldest] = this.#ids;
    if (this.#ids.size > KEPT_MAX && oldest !== undefined) this.#ids.delete(oldest);
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }
}

const KEPT_MAX = 10_000;
