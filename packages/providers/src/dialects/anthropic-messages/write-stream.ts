import type { NeutralEvent } from '@ownkey/contract/neutral';
import { NO_USAGE, type Usage } from '@ownkey/contract/usage';
import type { Json } from '../../json.ts';
import { sseText } from '../../sse.ts';
import { packSignature } from '../../translate/signature.ts';
import type { StreamWriter } from '../../translate/stream-dialect.ts';
import { streamError } from '../stream-error.ts';
import { carrierOf, redactedData } from './build-answer.ts';
import { writeMessagesUsage } from './read-usage.ts';
import { writeStop } from './stop.ts';

export interface MessagesWriterOptions {
  model: string;
  /** Written into the start, where the input is not known yet and clients want a number. The end has the true one. */
  inputEstimate: number;
}

/** Writes a Messages API stream: one start, blocks in order, one `message_delta`, one `message_stop`. No empty text blocks. */
export class MessagesStreamWriter implements StreamWriter {
  readonly #options: MessagesWriterOptions;
  #usage: Usage | null = null;
  #index = 0;
  #open: 'none' | 'text' | 'refusal' | 'other' = 'none';
  #thinkingId = '';

  constructor(options: MessagesWriterOptions) {
    this.#options = options;
  }

  write(event: NeutralEvent): string {
    switch (event.type) {
      case 'message-start':
        return this.#start(event.id);
      case 'text-delta':
        return event.text === '' ? '' : this.#text('text', event.text);
      case 'refusal-delta':
        return event.text === '' ? '' : this.#text('refusal', event.text);
      case 'thinking-start':
        this.#thinkingId = event.id ?? '';
        return this.#openBlock({ type: 'thinking', thinking: '', signature: '' });
      case 'thinking-delta':
        return this.#delta({ type: 'thinking_delta', thinking: event.text });
      case 'thinking-signature': {
        const signed = { format: event.format, id: this.#thinkingId, signature: event.signature };
        return this.#delta({ type: 'signature_delta', signature: packSignature(signed, 'anthropic-claude-v1') });
      }
      case 'redacted-thinking':
        return this.#openBlock({ type: 'redacted_thinking', data: redactedData(event) }) + this.#close();
      case 'tool-start': {
        const carrier =
          event.signature === undefined ? '' : this.#openBlock(carrierOf(event.id, event.signature)) + this.#close();
        return carrier + this.#openBlock({ type: 'tool_use', id: event.id, name: event.name, input: {} });
      }
      case 'tool-delta':
        return this.#delta({ type: 'input_json_delta', partial_json: event.arguments });
      case 'text-end':
      case 'thinking-end':
      case 'tool-end':
        return this.#close();
      case 'usage':
        this.#usage = event.usage;
        return '';
      case 'message-finish':
        return this.#close() + this.#finish(writeStop(event.stop), event.stopSequence ?? null);
      case 'error':
        return streamError('anthropic-messages', event.failure);
      case 'ping':
        return sseText({ type: 'ping' }, 'ping');
      default:
        return '';
    }
  }

  #start(id: string): string {
    const known = this.#usage ?? { ...NO_USAGE, input: this.#options.inputEstimate };
    const message = {
      id,
      type: 'message',
      role: 'assistant',
      model: this.#options.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: writeMessagesUsage(known),
    };
    return sseText({ type: 'message_start', message }, 'message_start');
  }

  #text(kind: 'text' | 'refusal', text: string): string {
    const opened = this.#open === kind ? '' : this.#openBlock({ type: 'text', text: '' }, kind);
    return opened + this.#delta({ type: 'text_delta', text });
  }

  #openBlock(block: Json, kind: 'text' | 'refusal' | 'other' = 'other'): string {
    const closed = this.#close();
    this.#open = kind;
    const event = { type: 'content_block_start', index: this.#index, content_block: block };
    return closed + sseText(event, 'content_block_start');
  }

  #delta(delta: Json): string {
    return sseText({ type: 'content_block_delta', index: this.#index, delta }, 'content_block_delta');
  }

  #close(): string {
    if (this.#open === 'none') return '';
    this.#open = 'none';
    return sseText({ type: 'content_block_stop', index: this.#index++ }, 'content_block_stop');
  }

  #finish(reason: string, sequence: string | null): string {
    const delta = { stop_reason: reason, stop_sequence: sequence };
    const usage = writeMessagesUsage(this.#usage ?? NO_USAGE);
    return (
      sseText({ type: 'message_delta', delta, usage }, 'message_delta') +
      sseText({ type: 'message_stop' }, 'message_stop')
    );
  }
}
