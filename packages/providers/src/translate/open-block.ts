import type { NeutralEvent } from '@ownkey/contract/neutral';

/** The one block of text or thinking that is open, with the events that change it. Tool calls are opened by their readers. */
export class OpenBlock {
  #open: 'text' | 'thinking' | 'tool' | null = null;

  get kind(): 'text' | 'thinking' | 'tool' | null {
    return this.#open;
  }

  /** Events that make `kind` the open block. */
  *ensure(kind: 'text' | 'thinking'): Generator<NeutralEvent> {
    if (this.#open === kind) return;
    yield* this.close();
    this.#open = kind;
    yield kind === 'text' ? { type: 'text-start' } : { type: 'thinking-start' };
  }

  *start(
    event: Extract<NeutralEvent, { type: 'tool-start' | 'thinking-start' | 'text-start' }>,
  ): Generator<NeutralEvent> {
    yield* this.close();
    this.#open = event.type === 'tool-start' ? 'tool' : event.type === 'text-start' ? 'text' : 'thinking';
    yield event;
  }

  *close(): Generator<NeutralEvent> {
    const open = this.#open;
    this.#open = null;
    if (open !== null) yield { type: `${open}-end` };
  }
}
