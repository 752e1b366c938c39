import type { NeutralEvent, NeutralPart } from '@ownkey/contract/neutral';
import type { Usage } from '@ownkey/contract/usage';
import { defined, type Json } from '../../json.ts';
import { sseText } from '../../sse.ts';
import type { StreamWriter } from '../../translate/stream-dialect.ts';
import { streamError } from '../stream-error.ts';
import { writeCall } from './build-answer.ts';
import { writeChatUsage } from './read-usage.ts';
import { detailsOf } from './reasoning.ts';
import { writeFinish } from './stop.ts';

export interface ChatWriterOptions {
  /** The model's name as the caller wrote it. */
  model: string;
  /** Seconds since 1970, where the provider gives none. */
  created: number;
  /** The caller asked for usage in the stream. */
  includeUsage: boolean;
}

type Thinking = Extract<NeutralPart, { type: 'thinking' }>;

/** Writes a chat completions stream: one chunk per event, `[DONE]` once at the end. */
export class ChatStreamWriter implements StreamWriter {
  readonly #options: ChatWriterOptions;
  #id = '';
  #created: number;
  #usage: Usage | null = null;
  #calls = 0;
  #hasArguments = false;
  #thinking: Thinking = { type: 'thinking', text: '' };
  #details = 0;
  #refused = false;

  constructor(options: ChatWriterOptions) {
    this.#options = options;
    this.#created = options.created;
  }

  write(event: NeutralEvent): string {
    switch (event.type) {
      case 'message-start':
        this.#id = event.id;
        this.#created = event.created ?? this.#created;
        return this.#chunk({ role: 'assistant', content: '' });
      case 'text-delta':
        return event.text === '' ? '' : this.#chunk({ content: event.text });
      case 'refusal-delta':
        this.#refused = true;
        return this.#chunk({ refusal: event.text });
      case 'thinking-start':
        this.#thinking = { type: 'thinking', text: '', ...(event.id === undefined ? {} : { id: event.id }) };
        return '';
      case 'thinking-delta':
        this.#thinking.text += event.text;
        return event.text === '' ? '' : this.#chunk({ reasoning_content: event.text });
      case 'thinking-signature':
        this.#thinking.signature = (this.#thinking.signature ?? '') + event.signature;
        this.#thinking.format = event.format;
        return '';
      case 'thinking-end':
        return this.#thinking.signature === undefined ? '' : this.#detailsChunk(this.#thinking);
      case 'redacted-thinking':
        return this.#detailsChunk(event);
      case 'tool-start': {
        this.#hasArguments = false;
        const call = writeCall({ ...event, arguments: '' });
        return this.#chunk({ tool_calls: [{ index: this.#calls++, ...call }] });
      }
      case 'tool-delta':
        return this.#arguments(event.arguments);
      case 'tool-end':
        // Clients parse the arguments: none at all would not parse.
        return this.#hasArguments ? '' : this.#arguments('{}');
      case 'usage':
        this.#usage = event.usage;
        return '';
      case 'message-finish':
        return this.#chunk({}, writeFinish(event.stop, this.#refused)) + this.#usageChunk() + sseText('[DONE]');
      case 'error':
        return streamError('openai-chat', event.failure);
      case 'ping':
        return ': ping\n\n';
      default:
        return '';
    }
  }

  #arguments(text: string): string {
    if (text === '') return '';
    this.#hasArguments = true;
    return this.#chunk({ tool_calls: [{ index: this.#calls - 1, function: { arguments: text } }] });
  }

  #detailsChunk(part: Extract<NeutralPart, { type: 'thinking' | 'redacted-thinking' }>): string {
    const details = detailsOf(part).map((detail) => ({ ...detail, index: this.#details++ }));
    return this.#chunk({ reasoning_details: details });
  }

  #usageChunk(): string {
    if (!this.#options.includeUsage || this.#usage === null) return '';
    return sseText({ ...this.#envelope(), choices: [], usage: writeChatUsage(this.#usage) });
  }

  #chunk(delta: Json, finish: string | null = null): string {
    return sseText({ ...this.#envelope(), choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] });
  }

  #envelope(): Json {
    return defined({
      id: this.#id,
      object: 'chat.completion.chunk',
      created: this.#created,
      model: this.#options.model,
    });
  }
}
