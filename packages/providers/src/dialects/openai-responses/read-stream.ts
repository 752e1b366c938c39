import type { NeutralEvent } from '@ownkey/contract/neutral';
import type { CatalogueEntry } from '@ownkey/contract/provider';
import { classifyFailure } from '../../failure.ts';
import { isJson, type Json, jsonOf, jsonsOf, numberOrNull, parseJson, textOf } from '../../json.ts';
import type { SseEvent } from '../../sse.ts';
import { cutEvent } from '../../translate/cut.ts';
import { MalformedAnswer } from '../../translate/malformed.ts';
import { OpenBlock } from '../../translate/open-block.ts';
import type { StreamReader } from '../../translate/stream-dialect.ts';
import { readResponseStop } from './read-answer.ts';
import { readReasoningItem } from './read-items.ts';
import { readResponsesUsage } from './read-usage.ts';

/**
 * Reads a Responses API stream: platform.openai.com/docs/api-reference/responses-streaming. Items come one after the other; events
 * and items of unknown type, and those of tools the provider runs itself, are left out.
 */
export class ResponsesStreamReader implements StreamReader {
  readonly #entry: CatalogueEntry;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #block = new OpenBlock();
  readonly #carried = new Map<string, string>();
  readonly #seen: { type: string }[] = [];
  #started = false;
  #over = false;
  #hasText = false;
  #reasoningId: string | null = null;

  constructor(entry: CatalogueEntry, headers: Readonly<Record<string, string>>) {
    this.#entry = entry;
    this.#headers = headers;
  }

  read({ data }: SseEvent): NeutralEvent[] {
    if (this.#over || data === '' || data === '[DONE]') return [];
    const event = parseJson(data);
    if (!isJson(event)) throw new MalformedAnswer('The provider sent an event that is no JSON object.');
    return [...this.#event(event)];
  }

  end(): NeutralEvent[] {
    if (this.#over) return [];
    this.#over = true;
    return [cutEvent()];
  }

  *#event(event: Json): Generator<NeutralEvent> {
    switch (event.type) {
      case 'response.created':
      case 'response.in_progress':
        yield* this.#start(jsonOf(event.response));
        break;
      case 'response.output_item.added':
        yield* this.#item(jsonOf(event.item));
        break;
      case 'response.output_text.delta':
        yield* this.#say('text', textOf(event.delta));
        break;
      case 'response.reasoning_summary_part.added':
        if (numberOrNull(event.summary_index) !== 0) yield* this.#say('thinking', '\n\n');
        break;
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        yield* this.#say('thinking', textOf(event.delta));
        break;
      case 'response.refusal.delta':
        yield* this.#block.close();
        this.#note('refusal');
        yield { type: 'refusal-delta', text: textOf(event.delta) };
        break;
      case 'response.function_call_arguments.delta':
        if (this.#block.kind === 'tool' && textOf(event.delta) !== '') {
          this.#hasText = true;
          yield { type: 'tool-delta', arguments: textOf(event.delta) };
        }
        break;
      case 'response.output_item.done':
        yield* this.#itemDone(jsonOf(event.item));
        break;
      case 'response.completed':
      case 'response.incomplete':
        yield* this.#finish(jsonOf(event.response));
        break;
      case 'response.failed':
      case 'error': {
        this.#over = true;
        const { error } = jsonOf(event.response);
        const body = isJson(error) ? { error } : isJson(event.error) ? event : { error: event };
        yield { type: 'error', failure: classifyFailure(this.#entry, 200, this.#headers, body) };
        break;
      }
    }
  }

  *#start(response: Json): Generator<NeutralEvent> {
    if (this.#started) return;
    this.#started = true;
    const created = numberOrNull(response.created_at);
    const start = { id: textOf(response.id), model: textOf(response.model), ...(created === null ? {} : { created }) };
    yield { type: 'message-start', ...start };
  }

  *#item(item: Json): Generator<NeutralEvent> {
    if (!this.#started) throw new MalformedAnswer('The provider sent content before the start of its answer.');
    yield* this.#block.close();
    this.#hasText = false;
    this.#reasoningId = item.type === 'reasoning' ? textOf(item.id) : null;
    if (item.type !== 'function_call') return;
    this.#note('tool-call');
    const id = textOf(item.call_id);
    const signature = this.#carried.get(id);
    const signed = signature === undefined ? {} : { signature };
    yield* this.#block.start({ type: 'tool-start', id, name: textOf(item.name), ...signed });
  }

  *#say(kind: 'text' | 'thinking', text: string): Generator<NeutralEvent> {
    if (text === '' || this.#block.kind === 'tool') return;
    if (kind === 'thinking' && this.#block.kind !== 'thinking') yield* this.#openThinking();
    else yield* this.#block.ensure(kind);
    this.#hasText = true;
    yield kind === 'text' ? { type: 'text-delta', text } : { type: 'thinking-delta', text };
  }

  *#openThinking(): Generator<NeutralEvent> {
    const id = this.#reasoningId ? { id: this.#reasoningId } : {};
    yield* this.#block.start({ type: 'thinking-start', ...id });
  }

  /** What the end of an item adds: a signature, or all of it where no deltas came. */
  *#itemDone(item: Json): Generator<NeutralEvent> {
    if (item.type === 'reasoning') yield* this.#reasoningDone(item);
    else if (item.type === 'function_call' && this.#block.kind === 'tool' && !this.#hasText) {
      const args = textOf(item.arguments);
      if (args !== '') yield { type: 'tool-delta', arguments: args };
    } else if (item.type === 'message' && !this.#hasText) {
      for (const part of jsonsOf(item.content)) yield* this.#say('text', textOf(part.text));
    }
    yield* this.#block.close();
  }

  *#reasoningDone(item: Json): Generator<NeutralEvent> {
    const part = readReasoningItem(item, this.#carried);
    if (part?.type === 'redacted-thinking') {
      yield* this.#block.close();
      yield { type: 'redacted-thinking', data: part.data, format: part.format ?? 'openai-responses-v1' };
    } else if (part?.type === 'thinking') {
      if (!this.#hasText) yield* this.#say('thinking', part.text);
      if (part.signature === undefined) return;
      if (this.#block.kind !== 'thinking') yield* this.#openThinking();
      yield {
        type: 'thinking-signature',
        signature: part.signature,
        format: part.format ?? 'openai-responses-v1',
      };
    }
  }

  *#finish(response: Json): Generator<NeutralEvent> {
    this.#over = true;
    yield* this.#start(response);
    yield* this.#block.close();
    const usage = readResponsesUsage(response.usage);
    if (usage) yield { type: 'usage', usage, final: true };
    yield { type: 'message-finish', stop: readResponseStop(response, this.#seen) };
  }

  #note(type: string): void {
    this.#seen.push({ type });
  }
}
