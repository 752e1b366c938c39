import type { NeutralEvent, NeutralPart, NeutralStop } from '@ownkey/contract/neutral';
import type { Usage } from '@ownkey/contract/usage';
import type { Json } from '../../json.ts';
import { sseText } from '../../sse.ts';
import type { StreamWriter } from '../../translate/stream-dialect.ts';
import { streamError } from '../stream-error.ts';
import { callItem, carrierItem, messageItem, reasoningItem, responseOf, textPart } from './build-answer.ts';

export interface ResponsesWriterOptions {
  model: string;
  created: number;
  request: Json;
}

type Item =
  | { kind: 'text' | 'refusal'; id: string; text: string }
  | { kind: 'thinking'; id: string; part: Extract<NeutralPart, { type: 'thinking' }> }
  | { kind: 'tool'; id: string; call: { id: string; name: string; arguments: string } };

/** Writes a Responses API stream: numbered events, items opened and closed in order, one `response.completed` or `.incomplete`. */
export class ResponsesStreamWriter implements StreamWriter {
  readonly #options: ResponsesWriterOptions;
  readonly #output: Json[] = [];
  #id = '';
  #created: number;
  #sequence = 0;
  #item: Item | null = null;
  #usage: Usage | null = null;

  constructor(options: ResponsesWriterOptions) {
    this.#options = options;
    this.#created = options.created;
  }

  write(event: NeutralEvent): string {
    switch (event.type) {
      case 'message-start': {
        this.#id = event.id;
        this.#created = event.created ?? this.#created;
        const response = this.#response(null);
        return this.#send('response.created', { response }) + this.#send('response.in_progress', { response });
      }
      case 'text-delta':
        return event.text === '' ? '' : this.#speak('text', event.text);
      case 'refusal-delta':
        return event.text === '' ? '' : this.#speak('refusal', event.text);
      case 'thinking-start':
        return this.#openThinking(event.id);
      case 'thinking-delta':
        return this.#think(event.text);
      case 'thinking-signature':
        if (this.#item?.kind === 'thinking') {
          this.#item.part.signature = (this.#item.part.signature ?? '') + event.signature;
          this.#item.part.format = event.format;
        }
        return '';
      case 'redacted-thinking':
        return this.#close() + this.#wholeItem(reasoningItem(event, `${this.#id}_${this.#output.length}`));
      case 'tool-start':
        return this.#openTool(event);
      case 'tool-delta':
        return this.#arguments(event.arguments);
      case 'text-end':
      case 'thinking-end':
      case 'tool-end':
        return this.#close();
      case 'usage':
        this.#usage = event.usage;
        return '';
      case 'message-finish':
        return this.#close() + this.#finish(event.stop);
      case 'error':
        return streamError('openai-responses', event.failure, this.#sequence);
      case 'ping':
        return ': ping\n\n';
      default:
        return '';
    }
  }

  #speak(kind: 'text' | 'refusal', text: string): string {
    let out = '';
    if (this.#item?.kind !== kind) {
      out = this.#close();
      const id = `msg_${this.#id}_${this.#output.length}`;
      this.#item = { kind, id, text: '' };
      const part = kind === 'text' ? textPart('') : { type: 'refusal', refusal: '' };
      out += this.#send('response.output_item.added', { item: messageItem(id, null) });
      out += this.#send('response.content_part.added', { item_id: id, content_index: 0, part });
    }
    const item = this.#item;
    if (item?.kind !== kind) return out;
    item.text += text;
    const name = kind === 'text' ? 'response.output_text.delta' : 'response.refusal.delta';
    return out + this.#send(name, { item_id: item.id, content_index: 0, delta: text });
  }

  #openThinking(given: string | undefined): string {
    const closed = this.#close();
    const id = given ?? `rs_${this.#id}_${this.#output.length}`;
    this.#item = { kind: 'thinking', id, part: { type: 'thinking', text: '', id } };
    return closed + this.#send('response.output_item.added', { item: { id, type: 'reasoning', summary: [] } });
  }

  #think(text: string): string {
    const item = this.#item;
    if (item?.kind !== 'thinking' || text === '') return '';
    const place = { item_id: item.id, summary_index: 0 };
    const opened =
      item.part.text === ''
        ? this.#send('response.reasoning_summary_part.added', { ...place, part: { type: 'summary_text', text: '' } })
        : '';
    item.part.text += text;
    return opened + this.#send('response.reasoning_summary_text.delta', { ...place, delta: text });
  }

  #openTool(event: Extract<NeutralEvent, { type: 'tool-start' }>): string {
    let out = this.#close();
    if (event.signature !== undefined) {
      out += this.#wholeItem(carrierItem(`rs_${this.#id}_${this.#output.length}`, event.id, event.signature));
    }
    const id = `fc_${this.#id}_${this.#output.length}`;
    const call = { id: event.id, name: event.name, arguments: '' };
    this.#item = { kind: 'tool', id, call };
    return out + this.#send('response.output_item.added', { item: callItem(id, call, 'in_progress') });
  }

  #arguments(text: string): string {
    const item = this.#item;
    if (item?.kind !== 'tool' || text === '') return '';
    item.call.arguments += text;
    return this.#send('response.function_call_arguments.delta', { item_id: item.id, delta: text });
  }

  #close(): string {
    const item = this.#item;
    if (item === null) return '';
    let out = '';
    let done: Json;
    if (item.kind === 'tool') {
      if (item.call.arguments === '') out = this.#arguments('{}');
      const args = item.call.arguments;
      out += this.#send('response.function_call_arguments.done', { item_id: item.id, arguments: args });
      done = callItem(item.id, item.call);
    } else if (item.kind === 'thinking') {
      const { text } = item.part;
      if (text !== '') {
        const place = { item_id: item.id, summary_index: 0 };
        out = this.#send('response.reasoning_summary_text.done', { ...place, text });
        out += this.#send('response.reasoning_summary_part.done', { ...place, part: { type: 'summary_text', text } });
      }
      done = reasoningItem(item.part, item.id);
    } else {
      const isText = item.kind === 'text';
      const part = isText ? textPart(item.text) : { type: 'refusal', refusal: item.text };
      const place = { item_id: item.id, content_index: 0 };
      const name = isText ? 'response.output_text.done' : 'response.refusal.done';
      out = this.#send(name, { ...place, ...(isText ? { text: item.text } : { refusal: item.text }) });
      out += this.#send('response.content_part.done', { ...place, part });
      done = messageItem(item.id, part);
    }
    this.#item = null;
    out += this.#send('response.output_item.done', { item: done });
    this.#output.push(done);
    return out;
  }

  #wholeItem(item: Json): string {
    const out = this.#send('response.output_item.added', { item }) + this.#send('response.output_item.done', { item });
    this.#output.push(item);
    return out;
  }

  #finish(stop: NeutralStop): string {
    const response = this.#response(stop);
    return this.#send(response.status === 'incomplete' ? 'response.incomplete' : 'response.completed', { response });
  }

  #response(stop: NeutralStop | null): Json {
    const { model, request } = this.#options;
    const facts = { id: this.#id, model, created: this.#created, request, stop };
    return responseOf({
      ...facts,
      output: stop === null ? [] : this.#output,
      usage: stop === null ? null : this.#usage,
    });
  }

  /** Events about an item or a part of it say at which place of the output it stands. */
  #send(type: string, fields: Json): string {
    const place = 'response' in fields ? {} : { output_index: this.#output.length };
    return sseText({ type, ...fields, ...place, sequence_number: this.#sequence++ }, type);
  }
}
