import type { NeutralEvent } from '@ownkey/contract/neutral';

type Block = 'text' | 'thinking' | 'tool';

/** The events were not in an order that means anything: a fault of ours, never the provider's or the caller's. */
export class OrderFault extends Error {
  constructor(event: NeutralEvent, state: string) {
    super(`${event.type} ${state}`);
    this.name = 'OrderFault';
  }
}

/**
 * The invariants of a neutral stream: one start first; blocks opened, filled and closed one after the other; final usage once; one
 * finish or one error last. `check` throws OrderFault at the first event that breaks them.
 */
export class OrderCheck {
  #started = false;
  #over = false;
  #open: Block | null = null;
  #usageIsFinal = false;

  check(event: NeutralEvent): void {
    if (event.type === 'ping') return;
    if (this.#over) throw new OrderFault(event, 'after the end');
    if (event.type === 'error') {
      this.#over = true;
      return;
    }
    if (event.type === 'message-start') {
      if (this.#started) throw new OrderFault(event, 'twice');
      this.#started = true;
      return;
    }
    if (!this.#started) throw new OrderFault(event, 'before the start');
    this.#inside(event);
  }

  #inside(event: NeutralEvent): void {
    const [kind, verb] = event.type.split('-');
    if (event.type === 'message-finish' || event.type === 'redacted-thinking' || event.type === 'refusal-delta') {
      if (this.#open !== null) throw new OrderFault(event, `inside a ${this.#open} block`);
      this.#over = event.type === 'message-finish';
    } else if (event.type === 'usage') {
      if (this.#usageIsFinal) throw new OrderFault(event, 'after the final one');
      this.#usageIsFinal = event.final;
    } else if (kind === 'text' || kind === 'thinking' || kind === 'tool') {
      if (verb === 'start' ? this.#open !== null : this.#open !== kind) {
        throw new OrderFault(event, `inside ${this.#open ?? 'no'} block`);
      }
      if (verb === 'start') this.#open = kind;
      if (verb === 'end') this.#open = null;
    }
  }
}
